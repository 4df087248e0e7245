"""HTTP/1.1 as far as a camera speaks it, and the ways in which an answer can be delivered badly."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

HEAD_MAX: Final = 32 * 1024
BODY_MAX: Final = 1024 * 1024
CHUNK: Final = 64 * 1024
IDLE_S: Final = 30.0  # a kept connection without a request
REASONS: Final = {
    200: "OK",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    500: "Internal Server Error",
}
SOAP_TYPE: Final = "application/soap+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """headers: names in lower case; target: as it came, with its query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    source: tuple[str, int]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


Deliver = Callable[[asyncio.StreamWriter, bytes, bytes], Awaitable[None]]


async def whole(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head + body)
    await writer.drain()


def drip_head(pause_s: float) -> Deliver:
    async def deliver(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        await _drip(writer, head + body, pause_s)

    return deliver


def drip_body(pause_s: float) -> Deliver:
    async def deliver(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        writer.write(head)
        await _drip(writer, body, pause_s)

    return deliver


def flood(size: int) -> Deliver:
    """`size` bytes that are made while they go: the answer's own body first, then blanks."""

    async def deliver(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        writer.write(head + body)
        blank = b" " * CHUNK
        left = size - len(body)
        while left > 0:
            writer.write(blank[:left])
            left -= CHUNK
            await writer.drain()

    return deliver


async def cut(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head + body[: len(body) // 2])
    await writer.drain()
    raise ConnectionResetError("the camera hangs up in the middle")


async def _drip(writer: asyncio.StreamWriter, raw: bytes, pause_s: float) -> None:
    for place in range(len(raw)):
        writer.write(raw[place : place + 1])
        await writer.drain()
        await asyncio.sleep(pause_s)


@dataclass(frozen=True, slots=True)
class Reply:
    """said: the Content-Length to claim; -1 for the true one."""

    status: int = 200
    body: bytes = b""
    kind: str = SOAP_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    deliver: Deliver = field(default=whole)
    said: int = -1

    def head(self, *, last: bool = False) -> bytes:
        """`last`: the connection ends after this answer, and says so."""
        length = len(self.body) if self.said < 0 else self.said
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Odd')}", "Server: gSOAP/2.8"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["Connection: close"] if last else []
        lines += [f"Content-Type: {self.kind}", f"Content-Length: {length}", "", ""]
        return "\r\n".join(lines).encode("latin-1")


Answer = Callable[[Request], Awaitable[Reply]]


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    """Serve one connection until either side has enough."""
    source = _source(writer)
    try:
        while (request := await _request(reader, source)) is not None:
            reply = await answer(request)
            last = request.headers.get("connection", "").lower() == "close"
            await reply.deliver(writer, reply.head(last=last), reply.body)
            if last:
                return
    except (OSError, ValueError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        return  # the caller went away, or does not speak HTTP
    finally:
        writer.close()


def _source(writer: asyncio.StreamWriter) -> tuple[str, int]:
    peer = writer.get_extra_info("peername") or ("", 0)
    return str(peer[0]), int(peer[1])


async def _request(reader: asyncio.StreamReader, source: tuple[str, int]) -> Request | None:
    async with asyncio.timeout(IDLE_S):
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Request(method, target, headers, await _body(reader, headers), source)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= BODY_MAX:
        raise ValueError("body too long")
    return await reader.readexactly(length) if length else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while length := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if len(body) + length > BODY_MAX:
            raise ValueError("body too long")
        body += (await reader.readexactly(length + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
