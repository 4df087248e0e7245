"""A real PostgreSQL server for one test: Debian's own, in a folder of its own, on a unix socket only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from edge.field.debian import Apt, DebianError, unpack

SYSTEM = Path("/usr/lib/postgresql")
UNPRIVILEGED = "nobody"  # postgres refuses root
PATIENCE_S = 60.0


class NoPostgres(Exception):
    """Neither installed nor to be fetched; the text says why."""


def find_postgres(cache: Path) -> Path:
    """The folder with initdb and postgres: the machine's own, else fetched and unpacked once. Raises NoPostgres."""
    fetched = cache / "postgresql"
    for root in (SYSTEM, fetched / "root/usr/lib/postgresql"):
        found = sorted(root.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if found:
            return found[-1].parent
    try:
        _fetch(fetched)
    except DebianError as error:
        raise NoPostgres(str(error)) from error
    found = sorted((fetched / "root/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise NoPostgres("the package fetched has no initdb")
    return found[-1].parent


def _fetch(folder: Path) -> None:
    """The distribution's version, whichever that is: `postgresql` depends on it."""
    apt = Apt(folder=folder / "apt")
    plan = apt._ask("install", "--simulate", "--no-install-recommends", "postgresql", folder=folder / "apt")
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    needed = [name for name in names if name.startswith(("postgresql-", "lib"))]
    for archive in apt.fetch(needed, folder / "packages"):
        unpack(archive, folder / "root")


class Postgres:
    """initdb, postgres, and one empty database; all of it gone at the end."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="ktg-pg-", dir="/tmp"))  # a socket's path has 108 bytes
        self._server: subprocess.Popen[bytes] | None = None
        who = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        self._uid: int | None = who.pw_uid if who else None
        self._gid: int | None = who.pw_gid if who else None

    def __enter__(self) -> Self:
        if self._uid is not None and self._gid is not None:
            os.chown(self._folder, self._uid, self._gid)
        try:
            self._run("initdb", "-D", str(self._folder / "data"), "-U", "centre", "-A", "trust", "-E", "UTF8", "-N")
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # the fast way: it does not wait for who is still connected
            self._server.wait(PATIENCE_S)
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://centre@/postgres?host={self._folder}"

    def _start(self) -> None:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "shared_buffers": "16MB"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *words]
        with (self._folder / "server.log").open("wb") as out:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._environment(), cwd=self._folder,
                user=self._uid, group=self._gid,
            )  # fmt: skip
        for _ in range(int(PATIENCE_S)):
            if self._ask("pg_isready", "-h", str(self._folder), "-t", "1").returncode == 0:
                return
        raise NoPostgres((self._folder / "server.log").read_text(encoding="utf-8", errors="replace"))

    def _run(self, program: str, *words: str) -> None:
        done = self._ask(program, *words)
        if done.returncode:
            raise NoPostgres(f"{program}: {done.stderr}")

    def _ask(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = [str(self._programs / program), *words]
        return subprocess.run(
            command, env=self._environment(), cwd=self._folder, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False, user=self._uid, group=self._gid,
        )  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        libraries = self._programs.parents[3] / "lib" / f"{os.uname().machine}-linux-gnu"
        return {"PATH": f"{self._programs}:/usr/bin:/bin", "LC_ALL": "C", "LD_LIBRARY_PATH": str(libraries)}
