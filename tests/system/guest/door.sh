#!/bin/bash
# One command from the driving side: a line, a line with the number of bytes of its standard input, these bytes. Back come what it says,
# both ways, and at the end its exit status.
IFS= read -r command
IFS= read -r bytes
cd /mint/run || exit 70
head -c "$bytes" | bash -c "$command" 2>&1
status=${PIPESTATUS[1]}
echo
echo "$status"
