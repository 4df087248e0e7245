"""A caller of cameras made of raw sockets: no library and none of our drivers between the test and the bytes."""

import base64
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

NS: Final = {
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
}
SECEXT: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
TOKEN: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
TARGETS: Final = {
    "tds": "/onvif/device_service",
    "trt": "/onvif/media_service",
    "tr2": "/onvif/media2_service",
    "tev": "/onvif/event_service",
    "wsnt": "/onvif/subscription",
}
GROUP: Final = ("239.255.255.250", 3702)


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    head: str
    body: bytes

    def headers(self, name: str) -> list[str]:
        return re.findall(rf"(?im)^{name}: (.*?)\r?$", self.head)


@dataclass(slots=True)
class Caller:
    """Asks one camera. `off_s` is how far its WS-Security clock is from ours."""

    host: str
    port: int = 8080
    user: str = "admin"
    password: str = "kunci-kamera"
    off_s: float = 0.0
    within_s: float = 5.0
    suffix: str = "Z"
    nonces: list[bytes] = field(default_factory=list)

    def send(self, raw: bytes) -> bytes:
        """Everything that comes until the other side closes."""
        with socket.create_connection((self.host, self.port), self.within_s) as sock:
            sock.sendall(raw)
            parts = []
            while part := sock.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def http(self, method: str, target: str, body: bytes = b"", **headers: str) -> Said:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        raw = self.send("\r\n".join(lines).encode() + body)
        head, _, rest = raw.partition(b"\r\n\r\n")
        return Said(int(head.split()[1]), head.decode("latin-1"), rest)

    def call(
        self,
        operation: str,
        inner: str = "",
        *,
        security: str = "",
        target: str = "",
        **headers: str,
    ) -> Said:
        """One SOAP call; `security` is the content of the SOAP header; `target` the service's own where not given."""
        prefix, _, name = operation.partition(":")
        body = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
            f"<s:Header>{security}</s:Header><s:Body>"
            f'<{name} xmlns="{NS[prefix]}">{inner}</{name}></s:Body></s:Envelope>'
        )
        return self.http("POST", target or TARGETS[prefix], body.encode(), **headers)

    def token(self, nonce: bytes | None = None, *, created: str = "") -> str:
        """A UsernameToken with PasswordDigest (profile 1.0)."""
        nonce = os.urandom(16) if nonce is None else nonce
        when = datetime.now(UTC) + timedelta(seconds=self.off_s)
        created = created or when.strftime("%Y-%m-%dT%H:%M:%S") + self.suffix
        digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()).decode()
        return (
            f'<Security xmlns="{SECEXT}"><UsernameToken><Username>{self.user}</Username>'
            f'<Password Type="{TOKEN}#PasswordDigest">{digest}</Password>'
            f"<Nonce>{base64.b64encode(nonce).decode()}</Nonce>"
            f'<Created xmlns="{UTILITY}">{created}</Created></UsernameToken></Security>'
        )

    def authorization(self, challenge: str, method: str, target: str, count: int = 1) -> str:
        """An Authorization header that answers a Digest challenge (RFC 7616)."""
        facts = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.removeprefix("Digest ")))
        hashed = hashlib.sha256 if facts.get("algorithm") == "SHA-256" else hashlib.md5
        first = hashed(f"{self.user}:{facts['realm']}:{self.password}".encode()).hexdigest()
        second = hashed(f"{method}:{target}".encode()).hexdigest()
        nc, cnonce = f"{count:08x}", os.urandom(8).hex()
        response = hashed(f"{first}:{facts['nonce']}:{nc}:{cnonce}:auth:{second}".encode()).hexdigest()
        return (
            f'Digest username="{self.user}", realm="{facts["realm"]}", nonce="{facts["nonce"]}", uri="{target}", '
            f'algorithm={facts.get("algorithm", "MD5")}, qop=auth, nc={nc}, cnonce="{cnonce}", response="{response}"'
        )


def probe(types: str, message_id: str = "urn:uuid:1", scopes: str = "") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">'
        f"<s:Header><a:MessageID>{message_id}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header>"
        f"<s:Body><d:Probe><d:Types>{types}</d:Types>{f'<d:Scopes>{scopes}</d:Scopes>' if scopes else ''}</d:Probe>"
        "</s:Body></s:Envelope>"
    ).encode()


def answers(raw: bytes, to: tuple[str, int] = GROUP, *, within_s: float = 1.0) -> Iterator[tuple[bytes, str]]:
    """Send one datagram on the loopback and yield what comes back, with the address that it comes from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sock.sendto(raw, to)
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                answer, source = sock.recvfrom(65535)
            except TimeoutError:
                return
            yield answer, source[0]
