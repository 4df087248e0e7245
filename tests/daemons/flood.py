"""Garbage on every socket of a folder until killed: raw noise, noise after a greeting, frames nobody may say, giants.

python flood.py FOLDER           prints a dot for every thousand datagrams that a socket took
python flood.py FOLDER --asks    polite instead: four peers that ask for the status as fast as they are read
"""

import random
import selectors
import socket
import sys
from pathlib import Path

from edge.link.frames import FRAME_LIMIT, TYPES, VERSION, Ask, Hello, pack
from edge.link.sockets import connect

BURST = 50
ASKS = "--asks"
PEERS = 4
TAKEN_LIMIT = 64 * 1024


def noise(chance: random.Random) -> bytes:
    head = bytes((VERSION, chance.choice([*TYPES, 0, 99, 255])))
    body = chance.randbytes(chance.choice((0, 1, 30, 3000)))
    return chance.choice((body or b"\0", head + body, head + b"\x91" * 900, bytes(FRAME_LIMIT + 1)))


def trouble(path: Path, chance: random.Random) -> int:
    """One connection's worth; returns how many datagrams were taken."""
    taken = 0
    try:
        with connect(path) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            if chance.random() < 0.5:
                sock.send(pack(Hello()))
            for _ in range(BURST):
                sock.send(noise(chance))
                taken += 1
    except OSError:  # dropped, full, or away: the next one
        pass
    return taken


def ask(folder: Path) -> None:
    """Ask on four connections, read what comes, and come back when dropped."""
    question, asked, dots = pack(Ask("status", {})), 0, 0
    with selectors.DefaultSelector() as selector:
        while True:
            while len(selector.get_map()) < PEERS:
                sock = connect(folder / "cli.sock")
                sock.send(pack(Hello()))
                selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, sock)
            for key, events in selector.select(1.0):
                sock = key.data
                try:
                    if events & selectors.EVENT_READ and not sock.recv(TAKEN_LIMIT):
                        raise ConnectionResetError
                    if events & selectors.EVENT_WRITE:
                        sock.send(question)
                        asked += 1
                except BlockingIOError:
                    continue
                except OSError:
                    selector.unregister(sock)
                    sock.close()
            if asked // 1000 > dots:
                dots = asked // 1000
                print(".", end="", flush=True)


def main(folder: Path) -> None:
    chance, taken, dots = random.Random(7), 0, 0
    while True:
        for path in sorted(folder.glob("*.sock")):
            taken += trouble(path, chance)
        if taken // 1000 > dots:
            dots = taken // 1000
            print(".", end="", flush=True)


if __name__ == "__main__":
    (ask if ASKS in sys.argv else main)(Path(sys.argv[1]))
