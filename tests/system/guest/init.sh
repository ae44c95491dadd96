#!/bin/bash
# The guest's first process: no init system, as root. Brings up modules, udev, the network, then the door for the driving side.
export PATH=/mint/programs:/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /run/pcscd /run/udev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/pcscd
for module in /guest/modules/*.ko; do insmod "$module" || echo "guest: $module: not loaded"; done
mount -t configfs configfs /sys/kernel/config
# The host's own lines, by the names that the configuration has: a stack light, a pedal, the echo of the emergency stop.
chip=/sys/kernel/config/gpio-sim/host
mkdir -p "$chip/bank0"
echo 5 >"$chip/bank0/num_lines"
number=0
for name in LAMP_RED LAMP_AMBER LAMP_GREEN PEDAL STOP; do
	mkdir "$chip/bank0/line$number"
	echo "$name" >"$chip/bank0/line$number/name"
	number=$((number + 1))
done
echo 1 >"$chip/live"
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add
udevadm settle
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
socat -t 0.1 TCP-LISTEN:700,fork,reuseaddr EXEC:/guest/door.sh &
echo "guest: ready after $(cut -d' ' -f1 /proc/uptime) s"
wait
