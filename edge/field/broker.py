"""A real mosquitto on loopback for the demo, the tests and the bench: found or fetched, started, hurt and restarted."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from edge.field.children import dies_with_us
from edge.field.debian import Apt, DebianError, unpack

LOOPBACK = "127.0.0.1"
SYSTEM_PLACES = ("/usr/sbin", "/usr/local/sbin")  # where packages put it; not on the PATH of people without root
START_MAX_S = 10.0  # mosquitto accepts after 5 ms; a loaded two-core machine once took 2 s
STOP_MAX_S = 5.0
LOOK_AGAIN_S = 0.005


class BrokerError(Exception):
    """Root: BrokerNotFound (install one), BrokerFailed (read its words)."""


class BrokerNotFound(BrokerError, FileNotFoundError):
    """No mosquitto here and none to be had; the text says what was tried."""


class BrokerFailed(BrokerError, RuntimeError):
    """mosquitto ended or never accepted; the text ends with its own last words."""


@dataclass(frozen=True, slots=True)
class Program:
    """A mosquitto that runs here, with the folder of libraries that must be shown to it (None: the machine's serve)."""

    path: Path
    libraries: Path | None = None

    def environment(self) -> dict[str, str]:
        if self.libraries is None:
            return dict(os.environ)
        return {**os.environ, "LD_LIBRARY_PATH": str(self.libraries)}


def find_broker(cache: Path) -> Program:
    """Find mosquitto: $MOSQUITTO, the machine's, the copy in `cache`, else fetch one there (1 MB, about 4 s, no root).

    raises: BrokerNotFound
    """
    wanted = os.environ.get("MOSQUITTO")
    if wanted:
        return _wanted(Path(wanted))
    installed = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_PLACES]))
    if installed is not None:
        return Program(Path(installed))
    return _cached(cache) or _fetched(cache)


def _wanted(path: Path) -> Program:
    if not os.access(path, os.X_OK):
        raise BrokerNotFound(f"MOSQUITTO={path}: no program there")
    return Program(path.absolute())


def _cached(cache: Path) -> Program | None:
    place = cache / "mosquitto"
    program = place / "usr/sbin/mosquitto"
    if not program.is_file():
        return None
    return Program(program.absolute(), (place / "libraries").absolute())


def _fetched(cache: Path) -> Program:
    """Fetch mosquitto and the libraries that this machine lacks; the folder appears whole or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mosquitto-", dir=cache) as unfinished:
        place = Path(unfinished) / "unpacked"
        try:
            _lay_out(Apt(folder=cache / "apt"), Path(unfinished) / "packages", place)
        except DebianError as fault:
            raise BrokerNotFound(str(fault)) from fault
        _put_in_place(place, cache / "mosquitto")
    program = _cached(cache)
    if program is None:
        raise BrokerNotFound("the mosquitto package has no usr/sbin/mosquitto")
    return program


def _lay_out(apt: Apt, packages: Path, place: Path) -> None:
    for archive in apt.fetch(["mosquitto", *apt.libraries_to_add("mosquitto")], packages):
        unpack(archive, place)
    libraries = place / "libraries"
    libraries.mkdir()
    for library in [*place.glob("usr/lib/*/*.so*"), *place.glob("lib/*/*.so*")]:  # Debian 12 unpacks some into /lib
        (libraries / library.name).symlink_to(os.path.relpath(library, libraries))


def _put_in_place(place: Path, final: Path) -> None:
    try:
        place.rename(final)
    except OSError:  # another process was faster; its copy is as good
        if not final.is_dir():
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of a listener that asks every client for a certificate and takes its CN for the user name."""

    authority: Path
    certificate: Path
    key: Path

    def lines(self) -> tuple[str, ...]:
        return (
            f"cafile {self.authority}",
            f"certfile {self.certificate}",
            f"keyfile {self.key}",
            "require_certificate true",
            "use_identity_as_username true",
        )


ANONYMOUS = ("allow_anonymous true",)  # listener lines for a plain listener: on loopback, for tests and the bench


class Broker:
    """One mosquitto process, on the same loopback ports from start to restart; leaves no process and no file.

    program:   from find_broker
    listeners: name -> the lines of mosquitto.conf that belong to this listener (ANONYMOUS, Tls(...).lines(), ...);
               without `per_listener_settings true` among `lines`, logins and access lists hold for all of them
    lines:     lines of mosquitto.conf that come before the listeners (acl_file, persistence, limits)
    parent:    where its own folder is made (persistence, configuration, log); removed at the end

        with Broker(find_broker(cache), listeners={"plain": ANONYMOUS}) as broker:
            connect(LOOPBACK, broker.ports["plain"])
    """

    def __init__(
        self,
        program: Program,
        *,
        listeners: Mapping[str, Sequence[str]],
        lines: Sequence[str] = (),
        parent: Path | None = None,
    ) -> None:
        self._program = program
        self._listeners = {name: tuple(own) for name, own in listeners.items()}
        self._lines = tuple(lines)
        self._parent = parent
        self._reservations: dict[str, socket.socket] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def ports(self) -> dict[str, int]:
        """The TCP port of each listener; ours until the end, so a restart never finds it taken."""
        return {name: reserved.getsockname()[1] for name, reserved in self._reservations.items()}

    @property
    def folder(self) -> Path:
        """The broker's own folder; exists between enter and exit."""
        if self._temporary is None:
            raise BrokerFailed("the broker has not been entered")
        return Path(self._temporary.name)

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="broker-", dir=self._parent)
        self._reservations = {name: _reserve() for name in self._listeners}
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for reserved in self._reservations.values():
            reserved.close()
        self._reservations = {}
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def start(self) -> None:
        """Start and wait until every listener accepts.

        raises: BrokerFailed
        """
        if self.running:
            raise BrokerFailed("the broker runs already")
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(self._configuration(), encoding="utf-8")
        command = [*dies_with_us(), str(self._program.path), "-c", str(configuration)]
        with self._log_path().open("ab") as log:
            self._child = _spawn(command, self._program.environment(), log)
        self._wait_until_accepting()

    def stop(self) -> None:
        """End it in order (persistence is saved); a broker that is frozen or deaf is killed after 5 s."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGTERM)
        self._child.send_signal(signal.SIGCONT)
        try:
            self._child.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def kill(self) -> None:
        """End it by SIGKILL, as a power cut or the OOM killer would."""
        child = self._running()
        child.kill()
        child.wait()
        self._child = None

    def freeze(self) -> None:
        """Stop its time (SIGSTOP): connections stay open, nothing is answered; what a dead mobile cell looks like."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start on the same ports."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Let it read its access list and passwords again (SIGHUP)."""
        self._running().send_signal(signal.SIGHUP)

    def log(self) -> str:
        """Everything it has said since enter."""
        path = self._log_path()
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _configuration(self) -> str:
        user = ["user root"] if os.geteuid() == 0 else []  # else it becomes "mosquitto" and cannot read our files
        lines = [*user, "log_dest stderr", *self._lines]
        for name, port in self.ports.items():
            lines += [f"listener {port} {LOOPBACK}", *self._listeners[name]]
        return "\n".join(lines) + "\n"

    def _log_path(self) -> Path:
        return self.folder / "mosquitto.log"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            raise BrokerFailed(f"the broker is not running: {self._last_words()}")
        return self._child

    def _last_words(self) -> str:
        return " | ".join(self.log().splitlines()[-3:]) or "it said nothing"

    def _wait_until_accepting(self) -> None:
        deadline = time.monotonic() + START_MAX_S
        waiting = list(self.ports.values())
        while waiting:
            child = self._running()
            if _accepts(waiting[0], deadline - time.monotonic()):
                waiting.pop(0)
            elif time.monotonic() > deadline:
                self.kill()
                raise BrokerFailed(f"mosquitto {child.pid} accepted nothing within {START_MAX_S:.0f} s")


def _reserve() -> socket.socket:
    """Bind a free loopback port without listening: mosquitto may share it (both reuse), nobody else is given it."""
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((LOOPBACK, 0))
    return reserved


def _accepts(port: int, within_s: float) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=max(0.01, within_s)).close()
    except OSError:
        time.sleep(LOOK_AGAIN_S)
        return False
    return True


def _spawn(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  # the program found above, a file of ours
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    except OSError as fault:
        raise BrokerFailed(f"{command[0]}: {fault.strerror}") from fault
