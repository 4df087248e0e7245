"""A town of cameras as a process: a JSON line for each camera, then {"ready": N}; then it obeys JSON lines on stdin.

    python -m drivers.sim.camera --count 54 --twins 50 --host 127.0.1.1 --quirk 3:locks --quirk zulu-only

{"do": "event", "camera": 0, "topic": "motion", "active": true}   topics: motion alarm tamper input
{"do": "password", "camera": 0, "to": "..."}                      never an argument: arguments can be seen
{"do": "move", "camera": 0, "to": "127.0.9.9"}
{"do": "turn", "camera": 0, "quirks": ["silent"], "on": true}
{"do": "off" | "on" | "hello" | "bye" | "unlock" | "drop", "camera": 0}
{"do": "book", "camera": 0}                                       {"visits": [...], "subscriptions": n, ...}
{"do": "cost"}                                                    {"cpu_s": ..., "peak_kb": ...}
"camera": "all" means each of them. One answer a line: {"done": ...} or {"fault": "..."}. It ends with its stdin.
"""

import argparse
import json
import re
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from drivers.sim.camera.camera import SimCamera
from drivers.sim.camera.events import Topic
from drivers.sim.camera.spec import Digest, Quirk, Spec, street
from drivers.sim.camera.town import SimCameras

Order = dict[str, Any]


def main(words: Sequence[str]) -> int:
    parser = _parser()
    asked = parser.parse_args(words)
    try:
        specs = _specs(asked)
    except ValueError as fault:
        parser.error(str(fault))
    with SimCameras(specs) as town:
        for camera in town:
            _tell({"host": camera.host, "port": camera.port, "epr": camera.epr, "user": camera.spec.user})
        _tell({"ready": len(town)})
        for line in sys.stdin:
            _tell(_obey(town, line))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drivers.sim.camera", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--twins", type=int, default=0, help="how many booted in the same second")
    parser.add_argument("--host", default="127.0.1.1", help="address of the first; the others follow")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--digest", choices=list(Digest), type=Digest, default=Digest.MD5)
    parser.add_argument("--delay", type=float, default=0.5, help="most that an answer to a probe waits, in seconds")
    parser.add_argument("--jpeg", type=int, default=40_000, help="bytes of a picture")
    parser.add_argument("--quirk", action="append", default=[], metavar="[N:]NAME", help=" ".join(Quirk))
    return parser


def _specs(asked: argparse.Namespace) -> list[Spec]:
    specs = [
        replace(spec, digest=asked.digest, delay_s=asked.delay, jpeg_bytes=asked.jpeg)
        for spec in street(asked.count, twins=asked.twins, first=asked.host, port=asked.port)
    ]
    for word in asked.quirk:
        place, _, name = word.rpartition(":")
        quirk = Quirk(name)
        specs = [spec.with_quirks(quirk) if place in {"", str(number)} else spec for number, spec in enumerate(specs)]
    return specs


def _obey(town: SimCameras, line: str) -> Order:
    try:
        order = json.loads(line)
        if order["do"] == "cost":
            return {"done": _cost()}
        chosen = list(town) if order["camera"] == "all" else [town[int(order["camera"])]]
        act = ACTS[order["do"]]
        done = [act(camera, order) for camera in chosen]
    except (ValueError, KeyError, IndexError, TypeError, OSError, TimeoutError) as fault:
        return {"fault": f"{type(fault).__name__}: {fault}"}
    return {"done": done[0] if len(done) == 1 else len(done)}


def _event(camera: SimCamera, order: Order) -> None:
    camera.happen(Topic[str(order["topic"]).upper()], active=bool(order.get("active", True)))


def _password(camera: SimCamera, order: Order) -> None:
    camera.password = str(order["to"])


def _turn(camera: SimCamera, order: Order) -> None:
    camera.turn(*map(Quirk, order["quirks"]), on=bool(order.get("on", True)))


def _book(camera: SimCamera, order: Order) -> Order:
    del order
    return {
        "visits": camera.book.lines(),
        "subscriptions": camera.subscriptions,
        "subscriptions_peak": camera.subscriptions_peak,
        "subscriptions_made": camera.subscriptions_made,
        "pictures": camera.pictures,
        "locked": camera.locked,
    }


ACTS: Final[dict[str, Callable[[SimCamera, Order], Any]]] = {
    "event": _event,
    "password": _password,
    "turn": _turn,
    "book": _book,
    "move": lambda camera, order: camera.move(str(order["to"])),
    "off": lambda camera, _: camera.off(),
    "on": lambda camera, _: camera.on(),
    "hello": lambda camera, _: camera.hello(),
    "bye": lambda camera, _: camera.bye(),
    "unlock": lambda camera, _: camera.unlock(),
    "drop": lambda camera, _: camera.drop_subscriptions(),
}


def _cost() -> Order:
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+)", status)  # ru_maxrss would count whoever started us
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_kb": int(peak[1]) if peak else 0}


def _tell(order: Order) -> None:
    sys.stdout.write(json.dumps(order) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
