"""Run in the alarm's place by systemd: try what its unit forbids and what it must allow; the answers lie in /run."""

import ctypes
import json
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path


def attempt(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as fault:
        return type(fault).__name__
    return "done"


def network() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def lock_memory() -> None:
    if ctypes.CDLL(None, use_errno=True).mlockall(1) != 0:
        raise OSError(ctypes.get_errno(), "mlockall")


def write(path: str) -> Callable[[], object]:
    return lambda: Path(path, "attempt").write_text("x")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "internet socket": network,
    "unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
    "gpio chip": lambda: os.close(os.open("/dev/gpiochip0", os.O_RDWR)),
    "disk": lambda: os.close(os.open("/dev/ubda", os.O_RDONLY)),
    "memory lock": lock_memory,
    "code in memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "ledger": write("/var/lib/kentongan/ledger"),
    "configuration": write("/var/lib/kentongan/config"),
    "etc": write("/etc"),
    "runtime": write("/run/kentongan"),
    "tmp": write("/tmp"),
    "socket's group": lambda: os.chown("/run/kentongan/attempt", -1, os.getgroups()[0]),
}

if __name__ == "__main__":
    answers = {name: attempt(act) for name, act in ATTEMPTS.items()}
    Path("/run/kentongan/attempts.json").write_text(json.dumps(answers))
