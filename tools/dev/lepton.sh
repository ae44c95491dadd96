#!/bin/sh
# Runs a command of Lepton in hw/, where its configuration lies. Lepton complains and ends with 0 (a symbol that is not there, a
# block without its sheet): whatever it says beyond what it has read fails here.
#
#   tools/dev/lepton.sh lepton-netlist -g PCB -o OUT SHEET...          OUT is relative to hw/
set -eu
cd "$(dirname "$0")/../.."
command -v "$1" >/dev/null || { echo "lepton.sh: $1: is not there: make deps-hw" >&2; exit 69; }
# Logs and compiled Scheme stay out of the home.
XDG_CACHE_HOME=$PWD/build/hw/cache
export XDG_CACHE_HOME
mkdir -p "$XDG_CACHE_HOME"
cd hw
status=0
said=$("$@" 2>&1) || status=$?
said=$(echo "$said" | grep -vE '^;;; |^$|Message: [0-9:.]+: Loaded RC file ') || true
[ -z "$said" ] || { echo "$said" >&2; [ "$status" != 0 ] || status=1; }
exit "$status"
