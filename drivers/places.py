"""What may be taken of a URL that a camera told us: a port and a path. The host is the one that we spoke to."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from drivers.camera import Address

URL_LIMIT: Final = 512  # characters; RTSP and snapshot addresses in the field have up to 200
SAFE: Final = "/?&=%:;,+-._~!*'()@$#[]|"  # stands in a request line as it is
PRINTABLE: Final = re.compile(r"[\x21-\x7e\u00a0-\uffff]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something lies on a camera. ports: to be tried in this order; target: path and query, as on the wire."""

    ports: tuple[int, ...]
    target: str


def place_of(url: str, address: Address, *, scheme: str = "http", otherwise: int = 80) -> Place | None:
    """Read a URL as strangers write it; None where it is none of this scheme.

    A camera behind a port of its router, or one with an old address in its files, names a host that is not ours;
    then the port may be wrong too, so ours is tried as well.
    otherwise: the scheme's port where none is named
    """
    url = url.strip()
    if len(url) > URL_LIMIT or not PRINTABLE.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme.lower() != scheme or not parts.netloc:
        return None
    host, port = _authority(parts.netloc)
    ports = _ports(host, port, address, otherwise) if scheme == "http" else (port or otherwise,)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=SAFE)
    return Place(ports, target)


def _authority(netloc: str) -> tuple[str, int | None]:
    """Host and port of "user:pass@host:8106:8106", port None where there is none in 1-65535."""
    host, *ports = netloc.rpartition("@")[2].split(":")
    text = ports[0] if ports else ""
    port = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
    return host, port if 0 < port < 65536 else None


def _ports(host: str, port: int | None, address: Address, otherwise: int) -> tuple[int, ...]:
    said = port or otherwise
    ours_first = port is None and host != address.host
    order = (address.port, said) if ours_first else (said, address.port)
    return tuple(dict.fromkeys(order))
