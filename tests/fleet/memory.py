"""What one connected box weighs in this process: ours, and a paho client with its own thread, as paho is used."""

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Final

from edge.centre.fleet.play import Fleet, Plan
from edge.centre.fleet.roster import Roster
from edge.centre.places import CentrePlaces
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, find_broker
from tests.bench.figures import Line
from tests.bootstrap import CACHE

BOXES: Final = 200
PAHO: Final = """
import os, sys, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.fleet.memory import resident_kb
port, count = int(sys.argv[1]), int(sys.argv[2])
before = resident_kb()
clients = [Client(CallbackAPIVersion.VERSION2, f"box-{n}", protocol=MQTTProtocolVersion.MQTTv5) for n in range(count)]
for client in clients:
    client.connect("127.0.0.1", port)
    client.loop_start()
while not all(client.is_connected() for client in clients):
    time.sleep(0.05)
for client in clients:
    client.subscribe([(f"a/{n}", 1) for n in range(4)])
    client.publish("a/state", bytes(400), qos=1)
time.sleep(2)
print(resident_kb() - before, flush=True)
os._exit(0)  # without waiting for all those threads
"""
OURS: Final = """
import asyncio, sys
from pathlib import Path
from tests.fleet.memory import weighed
print(asyncio.run(weighed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
"""


def lines(folder: Path, asked: argparse.Namespace) -> list[Line]:  # as every act
    Roster.open(CentrePlaces(folder)).admit(BOXES)
    with Broker(find_broker(CACHE), listeners={"plain": ANONYMOUS}, parent=folder) as broker:
        port = broker.ports["plain"]
        ours = _measured(OURS, str(folder), str(port), str(BOXES))
        theirs = _measured(PAHO, str(port), str(BOXES))
    return [
        Line("memory of a connected box", f"{ours / BOXES:.1f} kB", "paho, its thread", f"{theirs / BOXES:.1f} kB",
             ours / theirs)
    ]  # fmt: skip


def _measured(program: str, *words: str) -> int:
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return int(done.stdout)


async def weighed(folder: Path, port: int, boxes: int) -> int:
    """kB that so many connected boxes of ours add."""
    from drivers.dial import Endpoint

    places = CentrePlaces(folder)
    identities = Roster.open(places).admit(boxes)
    before = resident_kb()
    fleet = Fleet(identities, places, Endpoint(LOOPBACK, port), Plan(limit_s=60.0))
    for life in fleet.lives:
        life.begin(0.0)
    await fleet.until(lambda: len(fleet.tally.online) == boxes)
    await asyncio.sleep(2.0)
    after = resident_kb()
    await fleet.end()
    return after - before


def resident_kb() -> int:
    """VmRSS of this process: proc(5)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
