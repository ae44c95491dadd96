#!/bin/bash
# line.sh NAME: whether the line is active. line.sh NAME 0|1: drives an input from outside, as a wire would.
number=0
for name in LAMP_RED LAMP_AMBER LAMP_GREEN PEDAL STOP; do
	[ "$name" != "$1" ] || break
	number=$((number + 1))
done
line=$(echo /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio$number)
[ -d "$line" ] || exit 1
if [ $# = 1 ]; then cat "$line/value"; exit; fi
if [ "$2" = 1 ]; then echo pull-up >"$line/pull"; else echo pull-down >"$line/pull"; fi
