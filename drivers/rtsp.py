"""One key frame of a camera's stream, as it was encoded: RTSP (RFC 2326) over one TCP connection, RTP within it.

The same rules as for pictures: the address that we spoke to, one deadline, one cap, Digest and never Basic. Nothing is
decoded here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import UNAUTHORIZED
from typing import Final

from drivers.camera import CameraFault, Hostile, NotOffered, Slow, Unreachable
from drivers.digest import Challenge, choose
from drivers.lan import Bounds, Deadline, Lan
from drivers.nal import CODECS, Codec, Units
from drivers.places import Place, place_of
from drivers.redact import redact
from drivers.sdp import Track, video_of

RTSP_PORT: Final = 554
STREAM_LIMIT: Final = 6 * 1024 * 1024  # bytes on the wire until there is a key frame; 4K cameras have 1 MB of it
BODY_LIMIT: Final = 32 * 1024  # of a session description; honest ones have 1 KB
LINE_LIMIT: Final = 2048
LINES: Final = 64
RTP_HEAD: Final = 12
SESSION_LIMIT: Final = 128


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """raw: parameter sets and one whole picture, in the byte stream form (H.264, annex B)."""

    codec: Codec
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    body: bytes


def stream_place(uri: str, lan: Lan) -> Place:
    """Raises NotOffered where it is no stream's address, or holds a login: that would be sent in the clear."""
    place = place_of(uri, lan.address, scheme="rtsp", otherwise=RTSP_PORT)
    if place is None:
        raise NotOffered("it is no address of a stream")
    if redact(place.target) != place.target:
        raise NotOffered("it wants the password in the clear")
    return place


def key_frame(lan: Lan, place: Place, until: Deadline) -> KeyFrame:
    """Raises CameraFault."""
    talk = _Talk(lan, place, until)
    try:
        return talk.key_frame()
    except TimeoutError as fault:
        raise fault if isinstance(fault, CameraFault) else Slow("no whole answer in time") from None
    except OSError as fault:
        raise fault if isinstance(fault, CameraFault) else Unreachable("it hung up without an answer") from None
    finally:
        talk.close()


class _Talk:
    """One connection, from the question what there is to the first key frame."""

    def __init__(self, lan: Lan, place: Place, until: Deadline) -> None:
        port = place.ports[0]
        self._lan = lan
        self._socket = lan.dial(port, Bounds(until, STREAM_LIMIT))
        self._file = self._socket.makefile("rb")
        self._uri = f"rtsp://{lan.address.host}:{port}{place.target}"
        self._number = 0
        self._session = ""
        self._challenge: Challenge | None = None

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def key_frame(self) -> KeyFrame:
        described = self._ask("DESCRIBE", self._uri, Accept="application/sdp")
        track = video_of(described.body)
        control = self._control(described, track)
        setup = self._ask("SETUP", control, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        self._session = _session(setup)
        self._ask("PLAY", self._uri, Range="npt=0.000-")
        units = Units(CODECS[track.codec], track.parameters)
        for payload, last, at in self._packets(track.payload):
            if frame := units.add(payload, last=last, at=at):
                return KeyFrame(track.codec, frame)
        raise NotOffered("its stream ended")

    def _ask(self, method: str, uri: str, **headers: str) -> _Reply:
        """A challenge is answered once. Raises NotOffered, Refused."""
        reply = self._exchange(method, uri, headers)
        if reply.status == UNAUTHORIZED:
            fresh = choose(reply.challenges)
            if fresh is None:
                raise NotOffered("it wants the password in the clear")
            self._challenge = fresh
            reply = self._exchange(method, uri, headers)
        if reply.status == UNAUTHORIZED:
            raise self._lan.spent()
        if reply.status != 200:
            raise NotOffered("it does not give its stream")
        return reply

    def _exchange(self, method: str, uri: str, headers: Mapping[str, str]) -> _Reply:
        self._number += 1
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: kentongan"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Session: {self._session}"] if self._session else []
        if self._challenge is not None:
            lines.append(f"Authorization: {self._lan.prove(self._challenge, method, uri)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
        return self._reply()

    def _reply(self) -> _Reply:
        """Of packets that come before it, nothing is kept: the picture begins after PLAY was answered."""
        while (first := self._read(1)) == b"$":
            self._read(int.from_bytes(self._read(3)[1:]))
        version, _, rest = (first + self._line()).partition(b" ")
        status = rest[:3]
        if not version.startswith(b"RTSP/") or not status.isdigit():
            raise NotOffered("it does not speak RTSP")
        headers: dict[str, str] = {}
        challenges: list[str] = []
        for name, value in self._headers():
            headers[name] = value
            challenges += [value] if name == "www-authenticate" else []
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length) > BODY_LIMIT:
            raise Hostile("its answer is too large")
        return _Reply(int(status), headers, tuple(challenges), self._read(int(length)))

    def _headers(self) -> Iterator[tuple[str, str]]:
        for _ in range(LINES):
            line = self._line().decode("latin-1").strip()
            if not line:
                return
            name, _, value = line.partition(":")
            yield name.strip().lower(), value.strip()
        raise Hostile("its answer is too large")

    def _packets(self, payload_type: int) -> Iterator[tuple[bytes, bool, bytes]]:
        """(payload, last of its picture, timestamp) of the video's packets (RFC 3550, 5.1)."""
        while mark := self._read(1):
            if mark != b"$":
                self._line()  # a late answer, or a request to us: of no interest any more
                continue
            head = self._read(3)
            packet = self._read(int.from_bytes(head[1:]))
            payload = rtp_payload(packet)
            if head[0] == 0 and payload and packet[1] & 127 == payload_type:
                yield payload, bool(packet[1] & 128), packet[4:8]

    def _line(self) -> bytes:
        line = self._file.readline(LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise (
                Unreachable("it hung up in the middle of an answer")
                if len(line) < LINE_LIMIT
                else Hostile("its answer is too large")
            )
        return line

    def _read(self, size: int) -> bytes:
        raw = self._file.read(size)
        if len(raw) < size:
            raise Unreachable("it hung up in the middle of an answer")
        return raw

    def _control(self, described: _Reply, track: Track) -> str:
        """The track's own address: relative to the description's, or absolute, of which only the path is taken."""
        if track.control in {"", "*"}:
            return self._uri
        absolute = place_of(track.control, self._lan.address, scheme="rtsp", otherwise=RTSP_PORT)
        root = self._uri.partition("://")[2].partition("/")[0]
        if absolute is not None:
            return f"rtsp://{root}{absolute.target}"
        stem = place_of(described.headers.get("content-base", ""), self._lan.address, scheme="rtsp")
        joined = (f"rtsp://{root}{stem.target}" if stem else self._uri).rstrip("/")
        place = place_of(f"{joined}/{track.control}", self._lan.address, scheme="rtsp")
        if place is None:
            raise NotOffered("it is no address of a stream")
        return f"rtsp://{root}{place.target}"


def rtp_payload(packet: bytes) -> bytes:
    """Of an RTP packet (RFC 3550, 5.1): without its head, sources, extension and padding; empty for what is none."""
    if len(packet) < RTP_HEAD or packet[0] >> 6 != 2:
        return b""
    begin = RTP_HEAD + 4 * (packet[0] & 15)
    if packet[0] & 16:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4])
    end = len(packet) - (packet[-1] if packet[0] & 32 else 0)
    return packet[begin:end]


def _session(reply: _Reply) -> str:
    session = reply.headers.get("session", "").partition(";")[0].strip()
    if not 0 < len(session) <= SESSION_LIMIT or not session.isascii() or not session.isprintable():
        raise NotOffered("it does not give its stream")
    return session
