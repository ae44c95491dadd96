"""Questions of verify-run.sh to libcrypto, thousands in one process. Problems and rows are lines of standard output.

    blobs.py files DIRECTORY         serial TAB file TAB SHA-256 of its DER, for each *.pem; a file that is no certificate has no serial
    blobs.py keys WORK               each certificate's key is the key on record and its request's, which it signed
    blobs.py proofs WORK             rows `use TAB certificate` on standard input: the signature over the challenge is by that certificate's key
    blobs.py envelopes WORK KEYFILE  rows `envelope TAB serial`: the same with the text inside; empty when it does not open
    blobs.py log FILE WORK           the CA's log: breaks of its chain; what it signed and revoked to WORK/log_issued and WORK/log_revoked

WORK holds what was taken out of the database, a file a blob: certificate/ID.der, spki/ID.der, request/ID.der, challenge/USE, signature/USE,
envelope/ID.cms.
"""
import base64
import binascii
import hashlib
import json
import sys
from pathlib import Path

from libcrypto import Certificate, Envelope, PrivateKey, Request, Wrong


def blob(path):
    """Its bytes; none where there is no such file, which then is wrong in whatever is asked of it."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""


def rows():
    for line in sys.stdin:
        yield line.rstrip("\n").split("\t")


def files(directory):
    for path in sorted(Path(directory).glob("*.pem")):
        try:
            certificate = Certificate.from_pem(path.read_bytes())
            print(certificate.serial(), path, hashlib.sha256(certificate.der()).hexdigest(), sep="\t")
        except Wrong:
            print("", path, "-", sep="\t")


def key_problem(work, number):
    try:
        spki = Certificate.from_der(blob(f"{work}/certificate/{number}.der")).spki()
    except Wrong:
        return "is no certificate"
    if spki != blob(f"{work}/spki/{number}.der"):
        return "its key is not the key on record"
    try:
        request = Request.from_der(blob(f"{work}/request/{number}.der"))
        if request.spki() == spki and request.is_signed():
            return None
    except Wrong:
        pass
    return "the request is not signed by that key"


def keys(work):
    for path in sorted(Path(work, "certificate").glob("*.der")):
        problem = key_problem(work, path.stem)
        if problem:
            print(f"certificate {path.stem}: {problem}")


def proofs(work):
    for use, number in rows():
        try:
            certificate = Certificate.from_der(blob(f"{work}/certificate/{number}.der"))
            good = certificate.signed(blob(f"{work}/challenge/{use}"), blob(f"{work}/signature/{use}"))
        except Wrong:
            good = False
        if not good:
            print(f"use {use}: the signature over the challenge is not by the certificate's key")


def envelopes(work, key_file):
    try:
        key = PrivateKey.from_pem(blob(key_file))
    except Wrong:
        key = None
    for number, serial in rows():
        try:
            text = Envelope.from_der(blob(f"{work}/envelope/{number}.cms")).open(key) if key else b""
        except Wrong:
            text = b""
        sys.stdout.buffer.write(f"{number}\t{serial}\t".encode() + text.translate(None, b"\n\t\0") + b"\n")


def entry(text):
    """The JSON object of a log's line; an empty one for what is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def chain(lines):
    """A JSON object, a tab, the first 16 bytes of the object's SHA-256; "prev" repeats the line before."""
    before = None
    for number, line in enumerate(lines):
        text, _, checksum = line.partition(b"\t")
        said = entry(text)
        if hashlib.sha256(text).hexdigest()[:32].encode() != checksum:
            yield f"line {number + 1}: its checksum is wrong"
        if said.get("n") != number:
            yield f"line {number + 1}: is number {said.get('n')}"
        if before is not None and str(said.get("prev")).encode() != before:
            yield f"line {number + 1}: does not follow the line before it"
        before = checksum


def plain_serial(text):
    return str(text).upper().lstrip("0")


def issued_row(said):
    try:
        der = base64.b64decode(str(said.get("certificate")), validate=True)
    except (ValueError, binascii.Error):
        der = b""
    return "\t".join([str(said.get("request")), plain_serial(said.get("serial")), str(said.get("spki")), hashlib.sha256(der).hexdigest()])


def write_lines(path, lines):
    Path(path).write_text("".join(line + "\n" for line in lines))


def log(file, work):
    *whole, rest = blob(file).split(b"\n")  # a last line without its end was cut by a crash: not part of the chain yet
    for problem in chain(whole):
        print(problem)
    said = [entry(line.partition(b"\t")[0]) for line in whole + [rest]]
    write_lines(f"{work}/log_issued", (issued_row(row) for row in said if row.get("kind") == "issued"))
    write_lines(f"{work}/log_revoked", sorted(plain_serial(row.get("serial")) for row in said if row.get("kind") == "revoked"))


QUESTIONS = {"files": files, "keys": keys, "proofs": proofs, "envelopes": envelopes, "log": log}

if __name__ == "__main__":
    QUESTIONS[sys.argv[1]](*sys.argv[2:])
