"""The other end of a webhook: a real HTTP server that can refuse, hang, drip and redirect, and remembers what came."""

import base64
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

SECRET = bytes(range(32))
SECRET_FILE = "whsec_" + base64.b64encode(SECRET).decode() + "\n"


@dataclass(frozen=True, slots=True)
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["webhook-id"]

    @property
    def genuine(self) -> bool:
        """By the words of Standard Webhooks alone."""
        signed = f"{self.key}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(self.headers["webhook-signature"], f"v1,{expected}")


class Receiver:
    """answers: what to do with each POST; a status, or None to hang until it is closed, or -1 to drip for ever."""

    def __init__(
        self,
        answers: Callable[[Post], int | None] = lambda _: 204,
        *,
        retry_after: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.posts: list[Post] = []
        self.answers, self.retry_after = answers, retry_after
        self.closing = threading.Event()
        receiver = self

        class Conversation(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if len(body) < int(self.headers["content-length"]):
                    return  # the sender was killed in the middle
                post = Post(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                receiver.posts.append(post)
                receiver.reply(self, receiver.answers(post))

            def do_GET(self) -> None:
                receiver.posts.append(Post(self.path, {}, b"GET"))
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            block_on_close = True

            def handle_error(self, *_: object) -> None:  # the sender cut it, as it should
                pass

        self._connections: list[socket.socket] = []
        self._server = Server(("127.0.0.1", 0), Conversation)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/kentongan?token=abc"

    def reply(self, to: BaseHTTPRequestHandler, answer: int | None) -> None:
        self._connections.append(to.connection)
        if answer is None:
            self.closing.wait(30)
            to.close_connection = True
        elif answer < 0:
            to.close_connection = True
            while not self.closing.wait(0.05):
                to.wfile.write(b"H")  # never a whole status line, never silent
        else:
            to.send_response(answer)
            if answer in {301, 302, 307, 308}:
                to.send_header("location", f"http://127.0.0.1:{self._server.server_port}/elsewhere")
            if self.retry_after and answer >= 400:
                to.send_header("retry-after", self.retry_after)
            if answer != 204:
                to.send_header("content-length", "0")
            to.end_headers()

    @property
    def taken(self) -> list[Post]:
        """What a receiver that folds by idempotency key has accepted, in order."""
        first: dict[str, Post] = {}
        for post in self.posts:
            if post.body != b"GET" and self.answers(post) == 204:
                first.setdefault(post.key, post)
        return list(first.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._server.server_close()
