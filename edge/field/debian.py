"""Debian packages fetched and unpacked by an ordinary user, through apt's own signatures.

Standard library only: tests/bootstrap.py needs it before anything is installed.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ANSWER_MAX_S = 120.0  # a package list of 9 MB over a village's 2 Mbit/s line needs 40 s

SYSTEM_LISTS = Path("/var/lib/apt/lists")
SYSTEM_SOURCES = Path("/etc/apt/sources.list")
SYSTEM_SOURCE_PARTS = Path("/etc/apt/sources.list.d")

# Read after the machine's own settings. What hangs on an update there (appstream, packagekit, docker-clean) wants root,
# and a package that nobody signed is refused whatever the machine tolerates for itself.
CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
APT::Get::Assume-Yes "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
"""


class DebianError(Exception):
    """Root of this file's errors."""


class NoApt(DebianError, FileNotFoundError):
    """Not a Debian: apt-get or dpkg-deb is missing."""


class NotFetched(DebianError, OSError):
    """apt could not fetch the package, or did not trust it; the text ends with apt's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apt:
    """apt with a state of its own; the machine's keyrings, proxies and (unless told otherwise) sources stay in force.

    folder: made when needed; holds the package lists (50 MB) once the machine's own do not serve
    lists:  the machine's package lists, tried first because they cost nothing
    """

    folder: Path
    lists: Path = SYSTEM_LISTS
    sources: Path = SYSTEM_SOURCES
    source_parts: Path = SYSTEM_SOURCE_PARTS

    def fetch(self, names: Sequence[str], into: Path) -> tuple[Path, ...]:
        """Download the packages named into the empty folder `into` and return the files.

        raises: NoApt, NotFetched
        """
        into.mkdir(parents=True, exist_ok=True)
        self._ask("download", *names, folder=into)
        return tuple(sorted(into.glob("*.deb")))

    def libraries_to_add(self, name: str) -> tuple[str, ...]:
        """Name the library packages that `name` needs and this machine lacks.

        raises: NoApt, NotFetched
        """
        plan = self._ask("install", "--simulate", "--no-install-recommends", name, folder=self.folder)
        installs = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        return tuple(package for package in installs if package.startswith("lib"))

    def _ask(self, *words: str, folder: Path) -> str:
        """Ask apt-get with each set of package lists in turn until one can answer; `folder` is where files land."""
        with self._alone():
            refusal: NotFetched | None = None
            for lists in self._lists():
                try:
                    return self._run(*words, lists=lists, folder=folder)
                except NotFetched as fault:
                    refusal = fault
            raise refusal or NotFetched("apt-get: no package lists")

    def _lists(self) -> Iterator[Path]:
        """The machine's lists, ours of an earlier day, ours of now: the cheapest first."""
        own = self.folder / "lists"
        for lists in (self.lists, own):
            if any(lists.glob("*_Packages*")):
                yield lists
        self._run("update", lists=own, folder=self.folder)
        yield own

    def _run(self, *words: str, lists: Path, folder: Path) -> str:
        places = {
            "Dir::State": self.folder / "state",
            "Dir::State::lists": lists,
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": self.source_parts,
        }
        options = [f"-o{name}={place}" for name, place in places.items()]
        return _answer([_tool("apt-get"), f"-c={self._configuration()}", *options, *words], folder=folder)

    def _configuration(self) -> Path:
        for part in ("lists/partial", "cache/archives/partial", "state"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        path = self.folder / "apt.conf"
        path.write_text(CONFIGURATION, encoding="utf-8")
        return path

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder for one process at a time: `make demo` and `make test` may start together."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "turn").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield


def unpack(archive: Path, into: Path) -> None:
    """Lay out the files of a .deb under `into`; runs none of its scripts.

    raises: NoApt, NotFetched if the archive is damaged
    """
    into.mkdir(parents=True, exist_ok=True)
    _answer([_tool("dpkg-deb"), "--extract", str(archive), str(into)], folder=into)


def _tool(name: str) -> str:
    """Where dpkg's and apt's programs are; people without root often lack /usr/sbin, never /usr/bin."""
    path = shutil.which(name)
    if path is None:
        raise NoApt(f"{name} is not on this machine")
    return path


def _answer(command: Sequence[str], *, folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(  # noqa: S603  # apt-get and dpkg-deb, words of our own
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_MAX_S,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise NotFetched(f"{command[0]}: no answer within {ANSWER_MAX_S:.0f} s") from fault
    if done.returncode:
        raise NotFetched(f"{command[0]} {command[-1]}: {done.stderr.strip()}")
    return done.stdout
