"""When certificates end: their `notAfter`, read from the DER by hand, because ssl shows it of no certificate of ours.

source: RFC 5280, 4.1 (Certificate, Validity) and X.690 (DER)
"""

import base64
import re
from datetime import UTC, datetime
from typing import Final

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_BEFORE_VALIDITY: Final = 3  # serial number, signature algorithm, issuer


def earliest_end(pem: bytes) -> int:
    """Seconds since 1970 when the first certificate of a PEM file ends. Raises ValueError where there is none."""
    return min(end_of(base64.b64decode(each)) for each in _PEM.findall(pem))


def end_of(der: bytes) -> int:
    """Seconds since 1970 when one certificate ends. Raises ValueError for anything else."""
    certificate = _Der(der).inside(_SEQUENCE)
    signed = certificate.inside(_SEQUENCE)
    if signed.tag == _VERSION:
        signed.skip()
    for _ in range(_BEFORE_VALIDITY):
        signed.skip()
    validity = signed.inside(_SEQUENCE)
    validity.skip()
    return _moment(validity)


class _Der:
    """A row of DER elements, read one after the other."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def tag(self) -> int:
        return self._raw[self._at] if self._at < len(self._raw) else -1

    def inside(self, tag: int) -> "_Der":
        """The content of the next element, which must be of this kind."""
        if self.tag != tag:
            raise ValueError("not the DER of a certificate")
        return _Der(self.skip())

    def skip(self) -> bytes:
        """The content of the next element, and go on behind it."""
        try:
            length, start = self._raw[self._at + 1], self._at + 2
        except IndexError:
            raise ValueError("the DER of a certificate ends early") from None
        if length & 0x80:
            digits = length & 0x7F
            length, start = int.from_bytes(self._raw[start : start + digits]), start + digits
        if start + length > len(self._raw):
            raise ValueError("the DER of a certificate ends early")
        self._at = start + length
        return self._raw[start : self._at]


def _moment(element: _Der) -> int:
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(element.tag)
    if form is None:
        raise ValueError("a certificate without an end")
    text = element.skip().decode("ascii", "replace")
    return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
