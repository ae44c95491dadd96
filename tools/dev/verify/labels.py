"""What zbarimg reads on pictures: `file TAB Code 128 of it`, "" where there is none. Names, each ended by a NUL, on standard input.

A start of zbarimg costs more than a picture: many are read by one. It ends at the first file that is no picture; whatever it said nothing
of is asked for again, alone.
"""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from xml.sax.saxutils import unescape

SIDE_BY_SIDE, BATCH = 2, 40
COMMAND = ["zbarimg", "-q", "--nodbus", "--xml", "-Sdisable", "-Scode128.enable"]
SOURCE = re.compile(r"<source href='(.*?)'>(.*?)</source>", re.DOTALL)
DATA = re.compile(r"<data><!\[CDATA\[(.*?)\]\]></data>", re.DOTALL)


def read(names):
    said = subprocess.run(COMMAND + names, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode(errors="replace")
    return {unescape(name, {"&apos;": "'"}): " ".join(sorted(set(DATA.findall(body)))) for name, body in SOURCE.findall(said)}


def read_batch(names):
    found = read(names)
    for name in names:
        if name not in found:
            found[name] = read([name]).get(name, "")
    return found


def main():
    names = [name for name in sys.stdin.read().split("\0") if name]
    batches = [names[at : at + BATCH] for at in range(0, len(names), BATCH)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for found in pool.map(read_batch, batches):
            for name, code in found.items():
                print(name, code, sep="\t")


if __name__ == "__main__":
    main()
