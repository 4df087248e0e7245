"""Fifty cameras interrogated by one process: wall clock, CPU and memory, beside onvif-zeep as its README uses it.

python -m tests.bench.interview ours|readme|bare FIRST_HOST PORT COUNT     a child: one JSON line
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Budget, Line
from tests.sim_cameras import TownApart, own_hosts

ROOT: Final = Path(__file__).resolve().parents[2]
COUNT: Final = 50
README_COUNT: Final = 5  # it needs a quarter of a second and 11 MB for each: measured with few, told for fifty
THREADS: Final = 8
ASKED: Final = 7  # requests that one interrogation makes
WALL_BUDGET: Final = Budget(1.0, unit=" s")
MEMORY_BUDGET: Final = Budget(60.0, unit=" MB")
CPU_BUDGET: Final = Budget(0.25)
PASSWORD: Final = "kunci-kamera"
PASSES: Final = 3


def lines(folder: Path) -> list[Line]:
    hosts = own_hosts(COUNT)
    with TownApart("--count", str(COUNT), "--host", hosts[0]) as town:
        places = (town.cameras[0].host, str(town.cameras[0].port))
        ours = min((_told("ours", places, COUNT, folder) for _ in range(PASSES)), key=lambda told: told["wall_s"])
        bare = min((_told("bare", places, COUNT, folder) for _ in range(PASSES)), key=lambda told: told["wall_s"])
        readme = _told("readme", places, README_COUNT, folder)
    each = {name: (readme[name] - readme[f"{name}_before"]) / README_COUNT for name in ("cpu_s", "pss_mb")}
    cpu, memory = each["cpu_s"] * COUNT, readme["pss_mb_before"] + each["pss_mb"] * COUNT
    told = f"onvif-zeep's README, {README_COUNT} x {COUNT // README_COUNT}"
    return [
        Line(
            f"{COUNT} cameras interrogated", f"{ours['wall_s']:.2f} s", f"{ASKED} bare posts each",
            f"{bare['wall_s']:.2f} s", ours["wall_s"] / bare["wall_s"], WALL_BUDGET, ours["wall_s"],
        ),
        Line(
            "the same, CPU", f"{ours['cpu_s']:.2f} s", told, f"{cpu:.2f} s", ours["cpu_s"] / cpu, CPU_BUDGET,
        ),
        Line(
            "the same, memory", f"{ours['pss_mb']:.1f} MB", told, f"{memory:.1f} MB", ours["pss_mb"] / memory,
            MEMORY_BUDGET, ours["pss_mb"],
        ),
    ]  # fmt: skip


def _told(way: str, places: tuple[str, str], count: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.interview", way, *places, str(count)]
    environment = {**os.environ, "HOME": str(folder)}  # zeep keeps a cache of documents there
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


# ---- children --------------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> None:
    way, first, port, count = words[0], words[1], int(words[2]), int(words[3])
    head, _, last = first.rpartition(".")
    hosts = [f"{head}.{int(last) + number}" for number in range(count)]
    ask = WAYS[way]()
    before = {"cpu_s_before": time.process_time(), "pss_mb_before": _pss_mb()}
    began = time.monotonic()
    kept = ask(hosts, port)
    wall_s = time.monotonic() - began
    print(json.dumps({"wall_s": wall_s, "cpu_s": time.process_time(), "pss_mb": _pss_mb(), **before}))
    del kept


def _pss_mb() -> float:
    sizes = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in sizes if line.startswith("Pss:")) / 1024


Ask = Callable[[list[str], int], list[Any]]


def _ours() -> Ask:
    from drivers.camera import Address, Candidate, Login
    from drivers.onvif import OnvifCameras

    def ask(hosts: list[str], port: int) -> list[Any]:
        cameras = OnvifCameras()  # its documents are read within the second that is measured
        opened = [cameras.open(Candidate(Address(host, port)), Login("admin", PASSWORD)) for host in hosts]
        with ThreadPoolExecutor(THREADS) as pool:
            facts = list(pool.map(lambda camera: camera.interrogate(), opened))
        assert len({fact.identity.serial for fact in facts}) == len(hosts)
        return [cameras, opened, facts]

    return ask


def _readme() -> Ask:
    from onvif import ONVIFCamera  # type: ignore[import-not-found, unused-ignore]

    def one(host: str, port: int) -> Any:
        camera = ONVIFCamera(host, port, "admin", PASSWORD)
        camera.devicemgmt.GetDeviceInformation()
        media = camera.create_media_service()
        (profile, *_) = media.GetProfiles()
        media.GetSnapshotUri({"ProfileToken": profile.token})
        return camera

    return lambda hosts, port: [one(host, port) for host in hosts]


def _bare() -> Ask:
    def one(host: str, port: int) -> int:
        for _ in range(ASKED):
            connection = http.client.HTTPConnection(host, port)
            connection.request("POST", "/onvif/device_service", ENVELOPE, {"Connection": "close"})
            size = len(connection.getresponse().read())
            connection.close()
        return size

    def ask(hosts: list[str], port: int) -> list[Any]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda host: one(host, port), hosts))

    return ask


ENVELOPE: Final = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
WAYS: Final = {"ours": _ours, "readme": _readme, "bare": _bare}

if __name__ == "__main__":
    main(sys.argv[1:])
