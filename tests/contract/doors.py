"""TCP doors that answer a knock as cameras, other machines and traps do."""

import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from typing import Self

Conduct = Callable[[socket.socket], None]

TIME = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<tds:GetSystemDateAndTimeResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
FAULT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code/></s:Fault></s:Body>'
    "</s:Envelope>"
)
PAGE = "<html><title>Router</title><body>GetSystemDateAndTime is not a page</body></html>"


def reply(status: str, body: str, *fields: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields])
    return f"{head}\r\n\r\n{body}".encode()


def saying(answer: bytes) -> Conduct:
    return lambda talk: talk.sendall(answer)


def silent(talk: socket.socket) -> None:
    while talk.recv(4096):
        pass


def dripping(talk: socket.socket) -> None:
    while True:
        talk.sendall(b"H")
        threading.Event().wait(0.05)


def endless(talk: socket.socket) -> None:
    while True:
        talk.sendall(b"x" * 65536)


ONVIF = saying(reply("200 OK", TIME))
FAULTY = saying(reply("400 Bad Request", FAULT))
LOCKED = saying(reply("401 Unauthorized", "", 'WWW-Authenticate: Digest realm="x", nonce="y"'))
WEB = saying(reply("200 OK", PAGE))
ELSEWHERE = saying(reply("307 Temporary Redirect", "", "Location: http://127.0.0.1/onvif/device_service"))


def only_at(path: str) -> Conduct:
    """Speaks ONVIF at one path."""

    def conduct(talk: socket.socket) -> None:
        asked = talk.recv(4096)
        talk.sendall(reply("200 OK", TIME) if asked.startswith(f"POST {path} ".encode()) else reply("404 No", PAGE))

    return conduct


class Doors(socketserver.ThreadingTCPServer):
    """One open port. asked: what was said to it."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, host: str, port: int, conduct: Conduct) -> None:
        self.conduct = conduct
        self.asked: list[bytes] = []
        super().__init__((host, port), _Caller)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __exit__(self, *of: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def __enter__(self) -> Self:
        return self


class _Caller(socketserver.BaseRequestHandler):
    server: Doors

    def handle(self) -> None:
        talk: socket.socket = self.request
        talk.settimeout(20)
        self.server.asked.append(talk.recv(4096, socket.MSG_PEEK))
        try:
            self.server.conduct(talk)
        except OSError:
            return


def opened(places: Sequence[tuple[str, int, Conduct]]) -> list[Doors]:
    return [Doors(*place) for place in places]
