"""Certificates for tests: unsigned ones of any date and name, and real ones made by openssl."""

import base64
import subprocess
from datetime import UTC, datetime

OIDS = {"C": "550406", "O": "55040a", "OU": "55040b", "CN": "550403"}
KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n"


def element(tag, *contents):
    value = b"".join(contents)
    size = len(value)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + value


def name(*parts):
    sets = []
    for part in parts:
        kind, _, value = part.partition("=")
        oid, text = element(0x06, bytes.fromhex(OIDS[kind])), element(0x0C, value.encode())
        sets.append(element(0x31, element(0x30, oid, text)))
    return element(0x30, *sets)


def time(unix):
    moment = datetime.fromtimestamp(unix, UTC)
    if moment.year < 2050:
        return element(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return element(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def certificate(subject=("C=ca", "O=hia", "OU=cadc", "CN=jane_abc"), before=0.0, after=4102444800.0, *, key=True):
    """An unsigned certificate in PEM with these fields."""
    algorithm = element(0x30, element(0x06, bytes.fromhex("2a864886f70d01010b")), element(0x05))
    body = element(
        0x30,
        element(0xA0, element(0x02, b"\x02")),
        element(0x02, b"\x01"),
        algorithm,
        name(*subject[:-1]),
        element(0x30, time(before), time(after)),
        name(*subject),
        element(0x30, algorithm, element(0x03, b"\x00" + b"k" * 300)),
    )
    der = element(0x30, body, algorithm, element(0x03, b"\x00" + b"s" * 256))
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n" + (KEY if key else "")


def real_certificate(folder, subject, *options):
    """A self-signed certificate with its key, as the path of one PEM file."""
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject]
    command += ["-keyout", str(key), "-out", str(pem), *options]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / f"both-{abs(hash(subject))}.pem"
    both.write_text(pem.read_text() + key.read_text())
    return both
