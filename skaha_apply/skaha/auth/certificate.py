"""Read the validity and the owner of an X.509 proxy certificate.

The standard library reads them only from connections, so this module reads the necessary DER [X.690; RFC 5280, 4.1].
"""

from __future__ import annotations

import binascii
import re
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_COMMON_NAME = bytes.fromhex("550403")
_VERSION_TAG = 0xA0
_UTC_TIME = 0x17
_LONG_FORM = 0x80


@dataclass(frozen=True, slots=True)
class Certificate:
    """Validity (Unix seconds), and the subject as (attribute type, value) pairs without the names of proxies."""

    not_before: float
    not_after: float
    subject: tuple[tuple[str, str], ...]


class _Element(NamedTuple):
    tag: int
    value: bytes
    whole: bytes


def read_certificate(pem: str) -> Certificate:
    """The first certificate in a PEM text, which is the one that is presented; raises `ValueError`."""
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("it contains no certificate")
    try:
        der = ssl.PEM_cert_to_DER_cert(block[0].replace("\r\n", "\n"))
        body = list(_elements(next(_elements(next(_elements(der)).value)).value))
        fields = body[1:] if body[0].tag == _VERSION_TAG else body
        _serial, _algorithm, _issuer, validity, subject = fields[:5]
        before, after = list(_elements(validity.value))[:2]
        return Certificate(_time(before), _time(after), _owner(subject.value))
    except (StopIteration, IndexError, ValueError, binascii.Error) as error:
        raise ValueError("its certificate cannot be read") from error


def _elements(data: bytes) -> Iterator[_Element]:
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length >= _LONG_FORM:
            size = length - _LONG_FORM
            length = int.from_bytes(data[start : start + size], "big")
            start += size
        if start + length > len(data):
            raise ValueError("incomplete")
        yield _Element(tag, data[start : start + length], data[at : start + length])
        at = start + length


def _time(element: _Element) -> float:
    text = element.value.decode("ascii")
    if element.tag == _UTC_TIME:
        # A year of two digits is from 1950 to 2049 [RFC 5280, 4.1.2.5.1].
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _owner(name: bytes) -> tuple[tuple[str, str], ...]:
    found = []
    for part in _elements(name):
        for attribute in _elements(part.value):
            kind, value = list(_elements(attribute.value))[:2]
            found.append((kind.value, value.value.decode("utf-8", "replace")))
    # The name of a proxy is that of its owner and a CN of digits, or of these words, at the end [RFC 3820, 3.4].
    while len(found) > 1 and found[-1][0] == _COMMON_NAME and _is_proxy_name(found[-1][1]):
        found.pop()
    return tuple((kind.hex(), value) for kind, value in found)


def _is_proxy_name(value: str) -> bool:
    return value.isdigit() or value in ("proxy", "limited proxy")
