"""Who is compared, each in an environment of its own; whoever cannot be had here says why (NotInstalled)."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.field.debian import Apt, DebianError, unpack
from tests.apart import NotInstalled, environment
from tests.bootstrap import CACHE

WAYS: Final = Path(__file__).parent / "ways"
ASKED: Final = 50
ASYNC: Final = "4.3.0"
NPM: Final = "0.8.3"
INSTALL_MAX_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Contender:
    """command: prints {"found": [hosts], "seconds"} or {"read": {host: facts}, "seconds"}, or lines that begin with
    an address ("lines"), which are timed from outside."""

    title: str
    command: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    lines: bool = False


def _ours(*words: str) -> Contender:
    return Contender("ours", (sys.executable, "-P", str(WAYS / "our_way.py"), *words))


def _wsdiscovery(title: str, way: str) -> Contender:
    python = environment("wsdiscovery", "WSDiscovery==2.1.2")
    return Contender(title, (str(python), "-P", str(WAYS / "wsdiscovery_way.py"), way))


def _npm(*words: str) -> Contender:
    folder = CACHE / "apart" / f"npm-onvif-{NPM}"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalled("node and npm are not on this machine")
    package = folder / "node_modules/onvif"
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install([npm, "install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", f"onvif@{NPM}"], folder)
    return Contender(f"npm onvif {NPM}", (node, str(WAYS / "npm_onvif_way.js"), str(package), *words))


def _install(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_MAX_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(f"cannot be installed ({type(error).__name__})") from error


def _onvif_util() -> Contender:
    title = "onvif-util (Debian)"
    if (installed := shutil.which("onvif-util")) is not None:
        return Contender(title, (installed, "-a"), lines=True)
    folder = CACHE / "apart/onvif-tools"
    if not (folder / "usr/bin/onvif-util").exists():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            for archive in Apt(folder=CACHE / "apt").fetch(["onvif-tools", "libonvif1"], folder / "archives"):
                unpack(archive, folder)
        except DebianError as error:
            raise NotInstalled(str(error).splitlines()[-1]) from error
    libraries = next(folder.glob("usr/lib/*/libonvif.so.1")).parent
    return Contender(title, (str(folder / "usr/bin/onvif-util"), "-a"), {"LD_LIBRARY_PATH": str(libraries)}, lines=True)


def _zeep(name: str, version: str, script: str, title: str) -> Contender:
    python = environment(name, f"{name}=={version}")
    return Contender(title, (str(python), "-P", str(WAYS / script), str(ASKED)))


Made = tuple[str, Callable[[], Contender]]

SEEKERS: Final[tuple[Made, ...]] = (
    ("ours", lambda: _ours("discover")),
    ("WSDiscovery", lambda: _wsdiscovery("WSDiscovery 2.1.2, README", "readme")),
    ("home-assistant", lambda: _wsdiscovery("WSDiscovery 2.1.2, Home Assistant's call", "home-assistant")),
    ("npm", lambda: _npm("discover")),
    ("onvif-util", _onvif_util),
)
ASKERS: Final[tuple[Made, ...]] = (
    ("ours", lambda: _ours("ask", str(ASKED))),
    ("onvif-zeep", lambda: _zeep("onvif-zeep", "0.2.12", "onvif_zeep_way.py", "onvif-zeep 0.2.12, README")),
    (
        "onvif-zeep-async",
        lambda: _zeep("onvif-zeep-async", ASYNC, "onvif_zeep_async_way.py", f"onvif-zeep-async {ASYNC}"),
    ),
    ("npm", lambda: _npm("ask", str(ASKED))),
)
