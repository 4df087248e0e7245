"""A local network of one's own for a discovery test: namespaces of the kernel, in which nobody else is.

Runs inside `unshare --map-root-user --net`; a far side is one more namespace behind a pair of virtual cables.
"""

import subprocess
import sys
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Final, Self

from drivers.interfaces import Interface

UNSHARE: Final = ("unshare", "--map-root-user", "--net")
LOOPBACK: Final = Interface("lo", 1, "127.0.0.1", IPv4Network("127.0.0.0/24"))


def why_not() -> str:
    """Why there can be no namespaces here, or "" where there can."""
    try:
        done = subprocess.run([*UNSHARE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        return f"needs {missing.filename}"
    return f"needs network namespaces: {done.stderr.strip()}" if done.returncode else ""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


class Far:
    """A namespace at the other end of a cable, whose answerers live until it is closed.

    near: "10.77.1.1/24", our address on the cable; hosts: addresses of the cameras there, in the same form
    """

    def __init__(self, name: str, near: tuple[str, ...], hosts: tuple[str, ...], *words: str) -> None:
        self.name = name
        self._child = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-m", "tests.contract.far_side", *words, *hosts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._expect(b"here\n")
        ip("link", "add", name, "type", "veth", "peer", "name", "up0", "netns", str(self._child.pid))
        for address in near:
            ip("address", "add", address, "dev", name)
        ip("link", "set", name, "up")
        assert self._child.stdin is not None
        self._child.stdin.write(b"plugged\n")
        self._child.stdin.flush()
        self._expect(b"ready\n")

    def _expect(self, word: bytes) -> None:
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == word

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._child.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_of: object) -> None:
        self.close()
