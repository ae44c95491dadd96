#!/bin/bash
# One command from the driving side: a line; back come what it says, both ways, and at the end its exit status.
IFS= read -r line
cd /mint/run || exit 70
bash -c "$line" </dev/null 2>&1
status=$?
echo
echo "$status"
