"""One signed POST to the command centre of the city: Standard Webhooks around the frozen bytes of one CloudEvent.

Sources: Standard Webhooks 1.0 (headers, signed content), CloudEvents HTTP binding 1.0.2 (structured mode), RFC 9110
(Retry-After). urllib3's connection alone: it follows no redirect, retries nothing and asks no proxy.
"""

import base64
import binascii
import hashlib
import hmac
import os
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from edge.centre.settings import is_loopback
from edge.core.timing import Corrected, rfc3339

CONTENT_TYPE: Final = "application/cloudevents+json"
BODY_LIMIT: Final = 16 * 1024  # twice the largest event
ANSWER_LIMIT: Final = 16 * 1024  # of the answer's body; it is thrown away, and a longer one costs its connection
KEY_FILE_LIMIT: Final = 4096
SILENCE_S: Final = 5.0  # no byte for so long
DEADLINE_S: Final = 15.0  # for all of it, however slowly the bytes drip
RETRY_AFTER_MAX_S: Final = 300.0  # a receiver may ask for peace, not for an hour without alarms
_PREFIX: Final = "whsec_"


class WebhookFault(ValueError):
    """The address or the key file cannot be used; the text says why and never shows the key."""


class NotDelivered(OSError):
    """No answer, a broken one, or one too late: try again."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to POST."""

    tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Raises WebhookFault."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise WebhookFault(f"not an address: {error}") from error
        if "@" in parts.netloc or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
            raise WebhookFault("write https://host[:port]/path, without a user, a password or a fragment")
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise WebhookFault("write https://host[:port]/path")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise WebhookFault(f"{parts.hostname} is another machine and needs https://")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme == "https", parts.hostname, port or (443 if parts.scheme == "https" else 80), path)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"  # the path may hold a token


def read_key(path: Path) -> bytes:
    """The shared secret: `whsec_` and base64 of 24-64 bytes, in a file that its owner alone can read.

    raises: WebhookFault
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise WebhookFault(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise WebhookFault(f"{path}: others can read it; chmod 600")
        text = file.read(KEY_FILE_LIMIT).decode("ascii", "replace").strip()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise WebhookFault(f"{path}: not {_PREFIX} and base64 of 24-64 bytes")
    return key


def key_of(event_id: str, raw: bytes) -> str:
    """The idempotency key: the event's id and the SHA-256 of its bytes; the same for every attempt, ever."""
    return f"{event_id.replace('.', '-')}-{hashlib.sha256(raw).hexdigest()}"


def headers_of(key: str, raw: bytes, at_s: int, secret: bytes) -> dict[str, str]:
    """What lets the receiver verify who sent these bytes, and when."""
    mark = hmac.new(secret, f"{key}.{at_s}.".encode() + raw, hashlib.sha256).digest()
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": "kentongan-centre",
        "webhook-id": key,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(mark).decode()}",
    }


def time_headers(corrected: Corrected | None) -> dict[str, str]:
    """The frozen bytes keep the box's own time; the corrected one goes beside them, marked as such. None: nothing."""
    if corrected is None:
        return {}
    bound = f"error={corrected.error_ns // 1_000_000}ms" + ("; disputed" if corrected.disputed else "")
    return {
        "kentongan-corrected-time": rfc3339(corrected.utc_ns),
        "kentongan-corrected-quality": f"{corrected.quality.value}; {bound}",
    }


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after_s: float = 0.0


class _Cuttable(HTTPConnection):
    """Keeps a second hold on its socket: while TLS shakes hands nobody else has one that works."""

    hold: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self.hold = sock.dup()
        return sock

    def cut(self) -> None:
        hold = self.hold
        if hold is not None:
            with suppress(OSError):
                hold.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        hold, self.hold = self.hold, None
        if hold is not None:
            hold.close()


class _CuttableTls(_Cuttable, HTTPSConnection):
    """The same under TLS."""


class Webhook:
    """Posts one event at a time over a connection that is kept open.

    clock: wall clock, seconds since 1970
    """

    def __init__(
        self,
        target: Target,
        secret: bytes,
        *,
        clock: Callable[[], float] = time.time,
        silence_s: float = SILENCE_S,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._target, self._secret, self._clock = target, secret, clock
        self._silence_s, self._deadline_s = silence_s, deadline_s
        self._guarded = threading.Lock()
        self._cut = False
        self._closed = False
        self._link = self._new_link()

    def post(self, event_id: str, raw: bytes, corrected: Corrected | None = None) -> Answer:
        """Deliver these very bytes once, perhaps; when they happened stands beside them. Raises NotDelivered."""
        if len(raw) > BODY_LIMIT:
            raise NotDelivered(f"larger than {BODY_LIMIT} bytes")
        headers = headers_of(key_of(event_id, raw), raw, int(self._clock()), self._secret) | time_headers(corrected)
        try:
            with self._deadline():
                return self._exchange(raw, headers)
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            self._link.close()
            raise NotDelivered("no answer in time" if self._cut else _words(error)) from error

    def close(self) -> None:
        """May be called from another thread: whatever is under way ends now."""
        with self._guarded:
            self._closed = True
        self._break()

    def release(self) -> None:
        """By the thread that posts, at its end."""
        self._link.close()

    def _new_link(self) -> _Cuttable:
        if not self._target.tls:
            return _Cuttable(self._target.host, self._target.port, timeout=self._silence_s)
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        host, port = self._target.host, self._target.port
        return _CuttableTls(host, port, timeout=self._silence_s, ssl_context=context)

    def _exchange(self, raw: bytes, headers: dict[str, str]) -> Answer:
        if self._link.sock is None:
            self._link.connect()
        if self._closed or self._cut:  # meanwhile
            raise NotDelivered("closed")
        self._link.request("POST", self._target.path, body=raw, headers=headers, preload_content=False)
        response = self._link.getresponse()
        answer = Answer(response.status, retry_after_s(response.headers.get("retry-after", ""), self._clock()))
        with suppress(HTTPError, HTTPException, OSError):  # the status has come; what follows it changes nothing
            if response.read(ANSWER_LIMIT + 1, decode_content=False)[ANSWER_LIMIT:]:
                self._link.close()
        if not response.closed:
            response.close()
            self._link.close()
        return answer

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """A read that waits 5 s for each byte would wait for ever; this cuts the socket under it."""
        self._cut = False
        if self._closed:
            raise NotDelivered("closed")
        timer = threading.Timer(self._deadline_s, self._late)
        timer.name = "forward-deadline"
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _late(self) -> None:
        self._cut = True
        self._break()

    def _break(self) -> None:
        with self._guarded:
            self._link.cut()


def retry_after_s(said: str, now_s: float) -> float:
    """Seconds or a date; 0.0 for what is neither, never more than RETRY_AFTER_MAX_S."""
    if said.isascii() and said.isdigit() and len(said) < 10:
        return min(float(said), RETRY_AFTER_MAX_S)
    try:
        at_s = parsedate_to_datetime(said).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, at_s - now_s), RETRY_AFTER_MAX_S)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
