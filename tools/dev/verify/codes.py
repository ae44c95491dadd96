"""Codes in what a run left, for secrets.bash. Codes come one a line in the file CODES.

    codes.py disguises CODES   each code as hexadecimal of its characters, and as the base64 it would leave in a longer text at each of
                               three places
    codes.py clear CODES       names of files, each ended by a NUL, on standard input: those that hold a code in clear, with what is said of it
    codes.py decoded CODES     the same for files that a disguise was found in: those that hold a code once they are decoded. The date in a
                               certificate is a long number, too, and among thousands of codes one is a part of it
"""
import base64
import mmap
import os
import re
import sys
from pathlib import Path

LOOK_FOR_NUL_BYTES = 32768  # as grep decides what is text
# Numbers of as many digits that are known for something else: a token's marker, a place in the CA's log, pcscd's clock before the line of
# its source. Among ten thousand of them and forty thousand codes of eight digits four are the same.
NOT_AFTER = rb'(?<!MB-)(?<!"durable":)'
NOT_BEFORE = rb"(?! [a-z_]+\.c:[0-9])"


def base64_at(code, at):
    """What `code` leaves in base64 with `at` bytes before it; what neighbouring bytes have a share in is cut off."""
    text = base64.b64encode(b" " * at + code).rstrip(b"=")
    lead = at + 1 if at else 0
    return text[lead : (at + len(code)) * 8 // 6]


def disguises(codes):
    for code in codes:
        yield code.hex().encode()
        for at in range(3):
            yield base64_at(code, at)


def whole_words(codes, apart):
    """Finds runs of digits, as long as one of the codes, with none of the characters `apart` beside them."""
    lengths = sorted({len(code) for code in codes}, reverse=True)
    digits = b"|".join(b"[0-9]{%d}" % length for length in lengths)
    return re.compile(b"(?<![%s])%s(?:%s)(?![%s])%s" % (apart, NOT_AFTER, digits, apart, NOT_BEFORE))


class Search:
    """Text files: whole words by the letters of hexadecimal, so that a long hexadecimal string or number is no find by chance.
    Others: whole numbers. A code that is not of digits alone is looked for anywhere."""

    def __init__(self, codes):
        self.numbers = {code for code in codes if code.isdigit()}
        worded = [re.escape(code) for code in codes if not code.isdigit()]
        self.worded = re.compile(b"|".join(worded)) if worded else None
        self.in_text = whole_words(self.numbers, b"0-9A-Fa-f") if self.numbers else None
        self.in_bytes = whole_words(self.numbers, b"0-9") if self.numbers else None

    def holds_code(self, content, is_text=None):
        if is_text is None:
            is_text = b"\0" not in content[:LOOK_FOR_NUL_BYTES]
        words = self.in_text if is_text else self.in_bytes
        if words and any(found.group() in self.numbers for found in words.finditer(content)):
            return True
        return bool(self.worded and self.worded.search(content))


def decodings(content):
    """Whatever may be hexadecimal or base64, decoded from each place where that can begin."""
    for found in re.finditer(rb"[0-9A-Fa-f]{8,}", content):
        for at in range(2):
            digits = found.group()[at:]
            yield bytes.fromhex(digits[: len(digits) & ~1].decode())
    for found in re.finditer(rb"[A-Za-z0-9+/]{6,}", content):
        for at in range(4):
            letters = found.group()[at:]
            if len(letters) % 4 != 1:
                yield base64.b64decode(letters + b"=" * (-len(letters) % 4))


def holds_decoded(search, content):
    return any(search.holds_code(decoded, is_text=False) for decoded in decodings(content))


def tell(holds, said):
    for name in filter(None, sys.stdin.buffer.read().split(b"\0")):
        with open(name, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                continue
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if holds(content):
                    sys.stdout.buffer.write(name + said + b"\n")


def main(task, path):
    codes = [code for code in Path(path).read_bytes().split(b"\n") if code]
    search = Search(codes)
    if task == "clear":
        tell(search.holds_code, b" holds a code in clear")
    elif task == "decoded":
        tell(lambda content: holds_decoded(search, content), b" holds a code as hexadecimal or base64")
    else:
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in sorted(set(disguises(codes)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
