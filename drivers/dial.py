"""The way to a broker: names, TCP and TLS, tried in a throw-away thread under one deadline."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from drivers.expiry import earliest_end, end_of

Address = tuple[socket.AddressFamily, tuple[str | int, ...]]

DIAL_MAX_S: Final = 12.0  # names, every address and TLS together
TCP_MAX_S: Final = 5.0  # one address; a second one must still fit into DIAL_MAX_S
NAMES_MAX_S: Final = 3.0  # patience with the name server while an address that worked is remembered


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: who may vouch for the broker, our certificate, its key. Read again for every dial."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One broker. Without `tls` the connection is plain: for loopback only, which the configuration checks."""

    host: str
    port: int
    tls: TlsFiles | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def ends_of(files: TlsFiles) -> dict[str, int]:
    """Whose certificate of ours ends when, in seconds since 1970; what cannot be read is not there."""
    ends = {}
    for whose, path in (("own", files.certificate), ("authority", files.authority)):
        with suppress(OSError, ValueError):
            ends[whose] = earliest_end(path.read_bytes())
    return ends


class DialFailed(OSError):
    """cause: a stable word, as in `drivers.ports.Down`."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


# X509_verify_cert_error(3): what the broker's certificate lacks, in our words
VERIFY_CAUSES: Final = {
    9: ("tls-not-yet-valid", "the broker's certificate is not valid yet; is our clock right?"),
    10: ("tls-expired", "the broker's certificate has expired, or our clock is ahead"),
    62: ("tls-wrong-host", "the broker's certificate is for another host name"),
    64: ("tls-wrong-host", "the broker's certificate is for another address"),
}
CLIENT_ALERTS: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")  # RFC 8446 6.2: alerts about our certificate


def tls_fault(error: ssl.SSLError) -> DialFailed:
    """Say whose certificate is at fault and why."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause, text = VERIFY_CAUSES.get(
            error.verify_code, ("tls-untrusted", "the broker's certificate is not from our authority")
        )
        return DialFailed(cause, f"{text} ({error.verify_message})")
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in CLIENT_ALERTS):
        return DialFailed("tls-client", f"the broker refuses our certificate ({reason})")
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return DialFailed("tls-plain", "the other end does not speak TLS on this port")
    return DialFailed("tls", f"no TLS with the broker ({reason or error})")


class Names:
    """Looks a host up; one lookup at a time, however long the resolver hangs; remembers the address that worked.

    resolve: socket.getaddrinfo, or a test's
    folder:  where that address outlives us, in one small file per host, written when it changes; None: nowhere
    """

    def __init__(
        self, resolve: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo, folder: Path | None = None
    ) -> None:
        self._resolve = resolve
        self._folder = folder
        self._lock = threading.Lock()
        self._lookup: _Lookup | None = None
        self._good: Address | None = None

    def worked(self, endpoint: Endpoint, address: Address) -> None:
        with self._lock:
            changed, self._good = address != self._good, address
        if changed and self._folder is not None and self._kept(endpoint) != address:
            with suppress(OSError):  # a card that takes nothing costs us this, and no connection
                fresh = self._place(endpoint).with_suffix(".new")
                fresh.write_text(f"{address[1][0]}\n", "ascii")
                fresh.replace(self._place(endpoint))

    def addresses(self, endpoint: Endpoint, patience_s: float) -> list[Address]:
        """What to try, in order: the name server's answer, then the address that last worked. Raises DialFailed."""
        with self._lock:
            if self._lookup is None or self._lookup.ended.is_set():
                self._lookup = _Lookup(self._resolve, endpoint)
            lookup, good = self._lookup, self._good
        good = good or self._kept(endpoint)
        lookup.ended.wait(patience_s if good is None else min(patience_s, NAMES_MAX_S))
        found = list(lookup.found)
        if good is not None and good not in found:
            found.append(good)
        if not found:
            raise DialFailed("dns", f"no address for {endpoint.host}: {lookup.fault}")
        return found

    def _place(self, endpoint: Endpoint) -> Path:
        assert self._folder is not None
        return self._folder / f"{endpoint.host}.address"

    def _kept(self, endpoint: Endpoint) -> Address | None:
        """What an earlier run of ours wrote: an address in figures, or nothing; no name server is asked."""
        if self._folder is None:
            return None
        try:
            text = self._place(endpoint).read_text("ascii").strip()
            flags = socket.AI_NUMERICHOST
            ((family, _, _, _, place), *_) = socket.getaddrinfo(
                text, endpoint.port, type=socket.SOCK_STREAM, flags=flags
            )
        except (OSError, ValueError):
            return None
        return family, cast("tuple[str | int, ...]", place)


class _Lookup:
    """One getaddrinfo in a thread of its own, because nothing can interrupt it."""

    def __init__(self, resolve: Callable[..., Sequence[tuple[object, ...]]], endpoint: Endpoint) -> None:
        self.found: list[Address] = []
        self.fault = "the name server does not answer"
        self.ended = threading.Event()
        self._resolve = resolve
        self._endpoint = endpoint
        threading.Thread(target=self._run, name="names", daemon=True).start()

    def _run(self) -> None:
        try:
            answers = self._resolve(self._endpoint.host, self._endpoint.port, type=socket.SOCK_STREAM)
            self.found = [(family, address) for family, _, _, _, address in answers]  # type: ignore[misc]  # getaddrinfo
        except (OSError, UnicodeError) as error:
            self.fault = str(error)
        finally:
            self.ended.set()


class Dial:
    """One attempt, from name to finished handshake. `fileno()` becomes readable when it has ended.

    ends: of the certificates that were read on the way, as `drivers.ports.Certificates`
    """

    def __init__(self, endpoint: Endpoint, names: Names) -> None:
        self.step = "names"
        self.ends: dict[str, int] = {}
        self._endpoint = endpoint
        self._names = names
        self._deadline = time.monotonic() + DIAL_MAX_S
        self._lock = threading.Lock()
        self._result: socket.socket | DialFailed | None = None
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        threading.Thread(target=self._run, name="dial", daemon=True).start()

    def fileno(self) -> int:
        return -1 if self._wake is None else self._wake

    def take(self) -> socket.socket | None:
        """The connected, non-blocking socket, now the caller's; None while it lasts. Raises DialFailed."""
        with self._lock:
            result, self._result = self._result, None
            if result is None:
                return None
            self._close_wake()
        if isinstance(result, DialFailed):
            raise result
        return result

    def abandon(self) -> None:
        """Nobody waits any more: whatever the thread still finds, it closes."""
        with self._lock:
            result, self._result = self._result, None
            self._close_wake()
        if isinstance(result, socket.socket):
            result.close()

    def _close_wake(self) -> None:
        if self._wake is not None:
            os.close(self._wake)
            self._wake = None

    def _run(self) -> None:
        try:
            result: socket.socket | DialFailed = self._dial()
        except DialFailed as failed:
            result = failed
        except Exception as error:  # noqa: BLE001  # a thread's border: an unforeseen fault is a failed dial, with its name
            result = DialFailed("fault", f"{type(error).__name__}: {error}")
        with self._lock:
            if self._wake is not None:
                self._result = result
                os.eventfd_write(self._wake, 1)
                return
        if isinstance(result, socket.socket):
            result.close()

    def _left_s(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def _dial(self) -> socket.socket:
        fault = DialFailed("timeout", f"no time left for {self._endpoint}")
        for address in self._names.addresses(self._endpoint, self._left_s()):
            try:
                plain = self._reach(address)
            except DialFailed as failed:
                fault = failed
                continue
            connected = self._secure(plain)
            self._names.worked(self._endpoint, address)
            connected.settimeout(0.0)
            return connected
        raise fault

    def _reach(self, address: Address) -> socket.socket:
        self.step = "tcp"
        family, place = address
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(TCP_MAX_S, self._left_s()))
            sock.connect(place)
            sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )  # a press is one small packet: never hold it back
        except TimeoutError as error:
            sock.close()
            raise DialFailed("timeout", f"{place[0]}:{place[1]} does not answer") from error
        except OSError as error:
            sock.close()
            raise DialFailed("unreachable", f"{place[0]}:{place[1]}: {error.strerror or error}") from error
        return sock

    def _secure(self, sock: socket.socket) -> socket.socket:
        if self._endpoint.tls is None:
            return sock
        self.step = "tls"
        try:
            context = tls_context(self._endpoint.tls)
            self.ends = ends_of(self._endpoint.tls)
            sock.settimeout(self._left_s())  # of the whole handshake, however slowly its bytes drip
            return self._noted(context.wrap_socket(sock, server_hostname=self._endpoint.host))
        except DialFailed:
            sock.close()
            raise
        except ssl.SSLError as error:
            sock.close()
            raise tls_fault(error) from error
        except TimeoutError as error:
            sock.close()
            raise DialFailed("timeout", f"{self._endpoint} accepts but does not finish TLS") from error
        except OSError as error:
            sock.close()
            raise DialFailed("tls", f"{self._endpoint} ended the TLS handshake: {error.strerror or error}") from error

    def _noted(self, secured: ssl.SSLSocket) -> ssl.SSLSocket:
        with suppress(ValueError):
            self.ends |= {"broker": end_of(secured.getpeercert(binary_form=True) or b"")}
        return secured


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """What a handshake with our certificate needs; reads the files. Raises DialFailed."""
    try:
        context = ssl.create_default_context(cafile=str(files.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(files.certificate), str(files.key))
    except OSError as error:  # ssl.SSLError is one: not PEM, or key and certificate do not belong together
        raise DialFailed("tls-files", f"our TLS files cannot be used: {error}") from error
    return context
