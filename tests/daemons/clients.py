"""Programs of others for the contract's examples: the machine's, or Debian's and npm's copies under .cache."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.config.resources import CHECKOUT
from edge.field.debian import Apt, DebianError, unpack

ROOT = CHECKOUT.parent
CACHE = ROOT / ".cache"
EXAMPLES = ROOT / "docs/examples"
MQTT_JS = "mqtt@5"
FETCH_S = 90.0


class Unavailable(Exception):
    """This machine lacks a program that the example needs, and it cannot be fetched."""


@dataclass(frozen=True, slots=True)
class Client:
    command: Sequence[str]
    settings: dict[str, str] = field(default_factory=dict)


def python() -> Client:
    return Client((sys.executable, str(EXAMPLES / "centre.py")))


def shell() -> Client:
    """raises: Unavailable"""
    if shutil.which("openssl") is None:
        raise Unavailable("openssl")
    if shutil.which("mosquitto_sub") and shutil.which("mosquitto_pub"):
        return Client(("sh", str(EXAMPLES / "centre.sh")))
    place = _mosquitto_clients()
    libraries = ":".join(sorted({str(path.parent) for path in place.rglob("lib*.so*")}))
    path = f"{place / 'usr/bin'}:{os.environ['PATH']}"
    return Client(("sh", str(EXAMPLES / "centre.sh")), {"PATH": path, "LD_LIBRARY_PATH": libraries})


def javascript() -> Client:
    """raises: Unavailable"""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(program)
    place = CACHE / "mqtt-js"
    with _alone():
        if not (place / "node_modules/mqtt").is_dir():
            settings = {**os.environ, "npm_config_cache": str(CACHE / "npm"), "npm_config_update_notifier": "false"}
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place), MQTT_JS]
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S, check=False, env=settings)
            if done.returncode:
                raise Unavailable(f"mqtt.js: {done.stderr[-200:]}")
        example = place / "centre.mjs"  # node looks for packages beside the file
        example.write_bytes((EXAMPLES / "centre.mjs").read_bytes())
    return Client(("node", str(example)))


def _mosquitto_clients() -> Path:
    place = CACHE / "mosquitto-clients"
    with _alone(), tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        if place.is_dir():
            return place
        apt, unpacked = Apt(folder=CACHE / "apt"), Path(scratch) / "unpacked"
        try:
            names = ["mosquitto-clients", *apt.libraries_to_add("mosquitto-clients")]
            for archive in apt.fetch(names, Path(scratch) / "packages"):
                unpack(archive, unpacked)
        except DebianError as fault:
            raise Unavailable(f"mosquitto-clients: {fault}") from fault
        unpacked.rename(place)
    return place


class _alone:  # noqa: N801  # reads as a word in `with`
    """Tests run side by side; one of them fetches."""

    def __enter__(self) -> None:
        CACHE.mkdir(exist_ok=True)
        self._turn = (CACHE / "clients.turn").open("w")
        fcntl.flock(self._turn, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._turn.close()
