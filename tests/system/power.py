#!/usr/bin/env python3
"""What the station's VBUS switches feed: the readers of the guest, plugged in and out through QEMU's monitor.

  power.py QMP WIRING <POWER

QMP is the monitor's Unix socket. Each line of WIRING is a bay: its number, the port its cable leads to ("1.3": port 3 of the hub at port
1), and the TCP port where its virtual token looks for its reader. On standard input stands which bays have VBUS (station-usbip):
"power 00ff". WIRING is read anew with each line, "swapped" among them: a cable was moved.

A bay with power is a CCID reader on the bus as soon as its token, if one is in it, connects; without power reader and connection are
gone, whatever was going on.
"""
import json
import socket
import sys


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
                return

    def await_gone(self, device):
        while device not in self.gone:
            self.read()
        self.gone.discard(device)


def wiring(path):
    with open(path) as lines:
        return {int(bay): (port, card) for bay, port, card in (line.split() for line in lines)}


def plug(monitor, bay, port, card):
    address = {"type": "inet", "data": {"host": "127.0.0.1", "port": card}}
    monitor.do("chardev-add", id=f"card{bay}", backend={"type": "socket", "data": {"addr": address, "server": True, "wait": False}})
    monitor.do("device_add", driver="usb-ccid", id=f"reader{bay}", bus="usb.0", port=port)
    monitor.do("device_add", driver="ccid-card-passthru", id=f"token{bay}", bus=f"reader{bay}.0", chardev=f"card{bay}")


def unplug(monitor, bay):
    monitor.do("device_del", id=f"reader{bay}")
    monitor.await_gone(f"reader{bay}")
    monitor.do("chardev-remove", id=f"card{bay}")


def follow(monitor, path, lines):
    plugged, wanted = {}, 0
    for line in lines:
        if line.startswith("power "):
            wanted = int(line.split()[1], 16)
        wires = {bay: wire for bay, wire in wiring(path).items() if wanted >> (bay - 1) & 1}
        for bay in sorted(plugged):  # first, as a cable that was moved leads where another's has been
            if wires.get(bay) != plugged[bay]:
                unplug(monitor, bay)
                del plugged[bay]
        for bay in sorted(wires):
            if bay not in plugged:
                plug(monitor, bay, *wires[bay])
                plugged[bay] = wires[bay]


follow(Monitor(sys.argv[1]), sys.argv[2], sys.stdin)
