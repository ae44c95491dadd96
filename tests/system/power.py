#!/usr/bin/env python3
"""What the station's VBUS switches feed: the readers of the guest, plugged in and out through QEMU's monitor.

  power.py QMP WIRING DIR <POWER

QMP is the monitor's Unix socket. Each line of WIRING is a bay: its number, the port its cable leads to ("1.3": port 3 of the hub at port
1), and the TCP port where its virtual token looks for its reader. On standard input stands which bays have VBUS (station-usbip):
"power 00ff". WIRING is read anew with each line, "swapped" among them: a cable was moved.

A bay with power listens for its token; as long as one is connected, its CCID reader is on the guest's bus, and what the two say is passed
on. Without power both connections and the reader are gone, whatever was going on.

QEMU must hear nothing for a reader that it is taking away: what its card gets then, 7.2 looks up on a bus that is no more, and falls. So
the token never speaks to QEMU itself; a reader goes when QEMU has read all that was said to it, and the connection is let go when the card
has let go of it.
"""
import array
import fcntl
import json
import os
import select
import socket
import sys
import termios
import time

PATIENCE_S = 10


def until(condition, what):
    """Every millisecond, for PATIENCE_S: QEMU tells nobody when it has read or released something."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"power: after {PATIENCE_S} s: {what}")
        time.sleep(0.001)


def all_is_read(connection):
    """A Unix socket counts what the other end has not read yet (unix(7), SIOCOUTQ)."""
    left = array.array("i", [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, left)
    return left[0] == 0


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
            sys.exit("power: QEMU has ended")
        message = json.loads(line)
        if message.get("event") == "DEVICE_DELETED" and "device" in message["data"]:
            self.gone.add(message["data"]["device"])
        return message

    def ask(self, command, **arguments):
        """None when it was done, else why not."""
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            message = self.read()
            if "error" in message:
                return message["error"]["desc"]
            if "return" in message:
                return None

    def do(self, command, **arguments):
        error = self.ask(command, **arguments)
        if error:
            sys.exit(f"power: {command} {arguments}: {error}")

    def await_gone(self, device):
        while device not in self.gone:
            self.read()
        self.gone.discard(device)


class Bay:
    """A bay that has power, with or without a token."""

    def __init__(self, monitor, number, wire, directory):
        self.monitor, self.number, self.wire = monitor, number, wire
        self.path = f"{directory}/card{number}"
        self.token = self.reader = None
        self.listener = socket.create_server(("127.0.0.1", wire[1]))

    def sources(self):
        return [self.token, self.reader] if self.token else [self.listener]

    def take(self, source):
        if source is self.listener:
            self.plug()
            return
        try:
            data = source.recv(65536)
            if data:
                (self.reader if source is self.token else self.token).sendall(data)
        except OSError:
            data = b""
        if not data:
            self.unplug()

    def plug(self):
        self.token = self.listener.accept()[0]
        self.token.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = {"type": "unix", "data": {"path": self.path}}
        self.monitor.do("chardev-add", id=f"card{self.number}", backend={"type": "socket", "data": {"addr": address, "server": True, "wait": False}})
        self.monitor.do("device_add", driver="usb-ccid", id=f"reader{self.number}", bus="usb.0", port=self.wire[0])
        self.monitor.do("device_add", driver="ccid-card-passthru", id=f"token{self.number}", bus=f"reader{self.number}.0", chardev=f"card{self.number}")
        self.reader = socket.socket(socket.AF_UNIX)
        self.reader.connect(self.path)

    def unplug(self):
        self.token.close()
        until(lambda: all_is_read(self.reader), f"QEMU has not read what the token of bay {self.number} said")
        self.monitor.do("device_del", id=f"reader{self.number}")
        self.monitor.await_gone(f"reader{self.number}")
        until(lambda: not self.monitor.ask("chardev-remove", id=f"card{self.number}"), f"card {self.number} is still in use")
        self.reader.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.token = self.reader = None

    def end(self):
        self.listener.close()
        if self.token:
            self.unplug()


def wiring(path):
    with open(path) as lines:
        return {int(bay): (port, int(card)) for bay, port, card in (line.split() for line in lines)}


def change(monitor, bays, wires, directory):
    for number in sorted(bays):  # first, as a cable that was moved leads where another's has been
        if wires.get(number) != bays[number].wire:
            bays.pop(number).end()
    for number in sorted(wires):
        if number not in bays:
            bays[number] = Bay(monitor, number, wires[number], directory)


def follow(monitor, path, directory, lines):
    bays, wanted = {}, 0
    while True:
        sources = {source: bay for bay in bays.values() for source in bay.sources()}
        ready = select.select([lines, *sources], [], [])[0]
        if lines in ready:  # alone: what the others have may be gone with it
            line = lines.readline().decode()
            if not line:
                return
            if line.startswith("power "):
                wanted = int(line.split()[1], 16)
            change(monitor, bays, {bay: wire for bay, wire in wiring(path).items() if wanted >> (bay - 1) & 1}, directory)
            continue
        for source in ready:
            if source in sources[source].sources():
                sources[source].take(source)


# Unbuffered: what select sees is all there is to read.
follow(Monitor(sys.argv[1]), sys.argv[2], sys.argv[3], open(sys.stdin.fileno(), "rb", buffering=0))
