"""What the box knows of itself, for who is far away; nothing secret, nothing of a person, at most 64 KiB."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from edge.config.model import Configuration
from edge.config.places import Places

LIMIT: Final = 64 * 1024  # bytes, CONTRACT: diag
FILE_LIMIT: Final = 512  # of a file of the kernel: one line
FILES_NAMED: Final = 50
KERNEL: Final = {
    "uptime_s": "/proc/uptime",
    "load": "/proc/loadavg",
    "temperature_mdeg": "/sys/class/thermal/thermal_zone0/temp",
    "throttled": "/sys/devices/platform/soc/soc:firmware/get_throttled",  # Raspberry Pi: bit 0 is under-voltage now
    "model": "/sys/firmware/devicetree/base/model",
}


def diagnosis(places: Places, site: Configuration, picture: object, log: Iterable[str]) -> bytes:
    """One JSON object. Reads disks, so it is called in a thread that may hang.

    picture: what the daemon says of itself, anything that JSON can hold
    log:     its last lines, the newest last; the oldest go where there is no room
    """
    found: dict[str, object] = {"state": picture}
    parts: Mapping[str, Callable[[], object]] = {
        "configuration": lambda: redacted(site),
        "machine": _machine,
        "disk": lambda: _room(places.state),
        "files": lambda: _files(places),
    }
    for name, part in parts.items():
        try:
            found[name] = part()
        except OSError as error:
            found[name] = {"unreadable": error.strerror or str(error)}
    lines = list(log)
    while len(raw := msgspec.json.encode({**found, "log": lines})) > LIMIT and lines:
        lines = lines[1 + len(lines) // 8 :]
    return raw if len(raw) <= LIMIT else msgspec.json.encode({"state": picture})


def redacted(site: Configuration) -> object:
    """Without the telephone number of a person; secrets have files of their own."""
    return msgspec.to_builtins(replace(site, site=replace(site.site, phone="***" if site.site.phone else "")))


def _machine() -> dict[str, object]:
    told: dict[str, object] = {name: _line(Path(path)) for name, path in KERNEL.items()}
    memory = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    kept = dict(line.split(":", 1) for line in memory if line.startswith(("VmRSS", "VmLck", "Threads")))
    return {**told, **{name: value.strip() for name, value in kept.items()}}


def _line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT).decode("ascii", "replace").strip("\0\n ")
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _room(folder: Path) -> dict[str, object]:
    room = os.statvfs(folder)
    read_only = bool(room.f_flag & os.ST_RDONLY)
    return {"free_kib": room.f_bavail * room.f_frsize // 1024, "free_files": room.f_favail, "read_only": read_only}


def _files(places: Places) -> list[dict[str, object]]:
    """Names and sizes, not contents."""
    folders = (places.ledger.parent, places.generations, places.inbox, places.run)
    found = sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file())
    return [{"name": f"{path.parent.name}/{path.name}", "bytes": path.stat().st_size} for path in found[:FILES_NAMED]]
