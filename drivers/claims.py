"""From what a device says of itself to a candidate, of which only harmless parts are left.

Of an address that it names, only path and port are taken: the host is the one its datagram came from. This one rule
covers addresses of yesterday, of loopback, of another network, of a vendor's cloud, and a stranger's on purpose.
"""

import re
from typing import Final
from urllib.parse import unquote

from drivers.camera import Address, Candidate
from drivers.probe_match import Claim

DEVICE_PATH: Final = "/onvif/device_service"  # ONVIF Core 5.2.1: where the device service has to be
TEXT_LIMIT: Final = 64  # characters of a name for people
EPR_LIMIT: Final = 128  # characters; a urn:uuid has 45
PATH_LIMIT: Final = 200
URLS_LIMIT: Final = 16  # that are looked at, of one claim
SCOPES_LIMIT: Final = 64
SCOPE: Final = "onvif://www.onvif.org/"
VIDEO: Final = "NetworkVideo"  # NetworkVideoTransmitter, and what a recorder is
URL: Final = re.compile(r"(https?)://(\[[^\]/]*\]|[^/:?#\[\]]*)((?::[^/:?#]*)*)(/[!-\"$-;=@-~]*)?", re.IGNORECASE)
MAC: Final = re.compile(r"[0-9a-f]{12}")


def candidate_of(claim: Claim, host: str) -> Candidate | None:
    """What `host` claims to be, or None where it does not even claim to be a camera (printers speak it as well)."""
    scopes = _scopes(claim.scopes)
    port, path = _way(claim.xaddrs, host)
    types = (each.rpartition(":")[2] for each in claim.types.split())
    if not (scopes or any(each.startswith(VIDEO) for each in types) or "/onvif" in path.lower()):
        return None
    return Candidate(
        Address(host, port),
        printable(claim.epr, EPR_LIMIT),
        path or DEVICE_PATH,
        name=scopes.get("name", ""),
        hardware=scopes.get("hardware", ""),
        mac=_mac(scopes.get("mac", "")),
    )


def printable(text: str, limit: int) -> str:
    """Without what a terminal, a log or a reader could take for more than text; white space becomes one space."""
    plain = "".join(each for each in " ".join(text[: limit * 8].split()) if each.isprintable())
    return plain[:limit].strip()


def _scopes(text: str) -> dict[str, str]:
    """Scopes of ONVIF by their first word, the first of each; ONVIF Core 7.3.2.2."""
    found: dict[str, str] = {}
    for scope in text.split(maxsplit=SCOPES_LIMIT)[:SCOPES_LIMIT]:
        if scope[: len(SCOPE)].lower() == SCOPE:
            word, _, value = scope[len(SCOPE) :].partition("/")
            found.setdefault(word.lower(), printable(unquote(value[: TEXT_LIMIT * 12]), TEXT_LIMIT))
    return found


def _way(xaddrs: str, host: str) -> tuple[int, str]:
    """Port and path of the URL that most probably leads to `host`: http first, then its own address, then IPv4."""
    urls = [URL.match(each) for each in xaddrs.split(maxsplit=URLS_LIMIT)[:URLS_LIMIT]]
    ways = [_rank(url, host) for url in urls if url is not None]
    if not ways:
        return 80, ""
    _, port, path = min(ways, key=lambda way: way[0])  # the first of equals
    return port, path


def _rank(url: re.Match[str], host: str) -> tuple[tuple[bool, bool, bool], int, str]:
    scheme, named, ports, path = url.groups()
    secure = scheme.lower() == "https"
    order = (secure, named != host, named.startswith("["))
    return order, _port(ports, 443 if secure else 80), path if path and len(path) <= PATH_LIMIT else DEVICE_PATH


def _port(written: str, usual: int) -> int:
    """written: ":8106", or as some firmware has it ":8106:8106"."""
    last = written.rpartition(":")[2]
    if last.isascii() and last.isdigit() and len(last) <= 5 and 0 < int(last) <= 0xFFFF:
        return int(last)
    return usual


def _mac(text: str) -> str:
    """In the one form that can be compared, where it is one."""
    bare = re.sub(r"[-:. ]", "", text.lower())
    return ":".join(bare[at : at + 2] for at in range(0, 12, 2)) if MAC.fullmatch(bare) else text
