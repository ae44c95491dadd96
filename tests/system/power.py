#!/usr/bin/env python3
"""What the station's VBUS switches feed: the readers of the guest, plugged in and out through QEMU's monitor.

  power.py QMP WIRING <POWER

QMP is the monitor's Unix socket. Each line of WIRING is a bay: its number, the port its cable leads to ("1.3": port 3 of the hub at port
1), and the TCP port where its virtual token looks for its reader. On standard input stands which bays have VBUS (station-usbip):
"power 00ff". WIRING is read anew with each line, "swapped" among them: a cable was moved.

A bay with power has a socket for its token to connect to; as long as one is connected, its CCID reader is on the guest's bus. Without power
socket and reader are gone, whatever was going on.
"""
import json
import select
import socket
import sys

LOOK_S = 0.1  # QEMU does not tell of a connection: looked for so often


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.gone = set()  # devices that QEMU said are deleted
        self.read()        # the greeting
        self.do("qmp_capabilities")

    def read(self):
        line = self.lines.readline()
        if not line:
            sys.exit(0)  # QEMU has ended, and with it what was to be done
        message = json.loads(line)
        if message.get("event") == "DEVICE_DELETED" and "device" in message["data"]:
            self.gone.add(message["data"]["device"])
        return message

    def do(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            message = self.read()
            if "error" in message:
                sys.exit(f"power: {command} {arguments}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def await_gone(self, device):
        while device not in self.gone:
            self.read()
        self.gone.discard(device)


def wiring(path):
    with open(path) as lines:
        return {int(bay): (port, card) for bay, port, card in (line.split() for line in lines)}


class Bay:
    """A bay that has power."""

    def __init__(self, monitor, number, wire):
        self.monitor, self.number, self.wire = monitor, number, wire
        self.present = False
        address = {"type": "inet", "data": {"host": "127.0.0.1", "port": wire[1]}}
        monitor.do("chardev-add", id=f"card{number}", backend={"type": "socket", "data": {"addr": address, "server": True, "wait": False}})

    def see(self, present):
        if present and not self.present:
            self.monitor.do("device_add", driver="usb-ccid", id=f"reader{self.number}", bus="usb.0", port=self.wire[0])
            self.monitor.do("device_add", driver="ccid-card-passthru", id=f"token{self.number}", bus=f"reader{self.number}.0", chardev=f"card{self.number}")
        elif self.present and not present:
            self.monitor.do("device_del", id=f"reader{self.number}")
            self.monitor.await_gone(f"reader{self.number}")
        self.present = present

    def end(self):
        self.see(False)
        self.monitor.do("chardev-remove", id=f"card{self.number}")


def change(monitor, bays, wires):
    for number in sorted(bays):  # first, as a cable that was moved leads where another's has been
        if wires.get(number) != bays[number].wire:
            bays.pop(number).end()
    for number in sorted(wires):
        if number not in bays:
            bays[number] = Bay(monitor, number, wires[number])


def look(monitor, bays):
    connected = {row["label"]: not row["filename"].startswith("disconnected:") for row in monitor.do("query-chardev")}
    for number in sorted(bays):
        bays[number].see(connected[f"card{number}"])


def follow(monitor, path, lines):
    bays, wanted = {}, 0
    while True:
        if select.select([lines], [], [], LOOK_S)[0]:
            line = lines.readline().decode()
            if not line:
                return
            if line.startswith("power "):
                wanted = int(line.split()[1], 16)
            change(monitor, bays, {bay: wire for bay, wire in wiring(path).items() if wanted >> (bay - 1) & 1})
        look(monitor, bays)


# Unbuffered: what select sees is all there is to read.
follow(Monitor(sys.argv[1]), sys.argv[2], open(sys.stdin.fileno(), "rb", buffering=0))
