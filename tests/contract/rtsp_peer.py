"""A camera's stream as RTSP over one TCP connection: Digest, one video track, H.264 in interleaved RTP."""

import base64
import hashlib
import re
import socket
import struct
from collections.abc import Sequence
from typing import Final

from tests.contract.raw_peer import Listening

REALM, NONCE, USER = "kamera", "n1", "admin"
PACKET: Final = 1200  # bytes of a unit in one packet; the rest goes in fragments (RFC 6184, 5.8)
PAYLOAD: Final = 96
STEP: Final = 6000  # of the 90 kHz clock: 15 pictures a second


class RtspPeer(Listening):
    """asked: each request as it came. pictures: units of each picture, sent in turn after PLAY."""

    def __init__(
        self,
        password: str,
        pictures: Sequence[Sequence[bytes]],
        *,
        challenge: str = f'Digest realm="{REALM}", nonce="{NONCE}"',
        sets: Sequence[bytes] = (),
        control: str = "trackID=0",
        codec: str = "H264",
        host: str = "127.0.0.1",
    ) -> None:
        self.asked: list[str] = []
        self._password, self._pictures, self._challenge = password, pictures, challenge
        self._sets, self._control, self._codec = sets, control, codec
        super().__init__("rtsp-peer", host)

    @property
    def proofs(self) -> list[bool]:
        return ["Authorization: " in asked for asked in self.asked]

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            while request := _request(file):
                self.asked.append(request)
                connection.sendall(self._answer(request))
                if request.startswith("PLAY"):
                    self._stream(connection)

    def _answer(self, request: str) -> bytes:
        if not self._let_in(request):
            return f"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: {self._challenge}\r\n\r\n".encode()
        if request.startswith("DESCRIBE"):
            body = self._description()
            head = f"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
            return (head + body).encode()
        return b"RTSP/1.0 200 OK\r\nSession: 8A31;timeout=60\r\n\r\n"

    def _let_in(self, request: str) -> bool:
        if not self._challenge:
            return True
        method, uri, _ = request.split(" ", 2)
        first, second = _md5(f"{USER}:{REALM}:{self._password}"), _md5(f"{method}:{uri}")
        due = _md5(f"{first}:{NONCE}:{second}")
        return f'response="{due}"' in request

    def _description(self) -> str:
        sets = ",".join(base64.b64encode(unit).decode() for unit in self._sets)
        told = f"; sprop-parameter-sets={sets}" if sets else ""
        return (
            "v=0\r\ns=Media\r\na=control:*\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n"
            f"m=video 0 RTP/AVP {PAYLOAD}\r\na=rtpmap:{PAYLOAD} {self._codec}/90000\r\n"
            f"a=fmtp:{PAYLOAD} packetization-mode=1{told}\r\na=control:{self._control}\r\n"
        )

    def _stream(self, connection: socket.socket) -> None:
        number = 0
        for place, picture in enumerate(self._pictures):
            packets = [part for unit in picture for part in _split(unit)]
            for at, payload in enumerate(packets):
                last = at == len(packets) - 1
                head = struct.pack(">BBHII", 0x80, PAYLOAD | last << 7, number & 65535, place * STEP, 7)
                connection.sendall(b"$\0" + struct.pack(">H", len(head + payload)) + head + payload)
                number += 1
            connection.sendall(b"$\1\0\4" + b"\x80\xc8\0\0")  # a sender report on the other channel


def _request(file: object) -> str:
    lines = []
    while (line := file.readline().decode("latin-1")) not in {"", "\r\n"}:  # type: ignore[attr-defined]
        lines.append(line)
    return "".join(lines)


def _split(unit: bytes) -> list[bytes]:
    if len(unit) <= PACKET:
        return [unit]
    parts = [unit[1 + begin : 1 + begin + PACKET] for begin in range(0, len(unit) - 1, PACKET)]
    marks = [0x80, *[0] * (len(parts) - 2), 0x40]
    return [bytes([unit[0] & 0xE0 | 28, mark | unit[0] & 31]) + part for mark, part in zip(marks, parts, strict=True)]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def units(stream: bytes) -> list[bytes]:
    """Of a byte stream (H.264, annex B)."""
    return [unit for unit in re.split(b"\x00\x00\x00?\x01", stream) if unit]
