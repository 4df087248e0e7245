"""One scan by one seeker, in a process of its own: `python seekers.py NAME ADDRESS`; prints what it found and cost.

Run by the Python that has the seeker's package, so it imports nothing of ours but for the two that are ours.
"""

import json
import sys
import time
from pathlib import Path


def ours(_address: str) -> int:
    from drivers.discovery import WsDiscovery

    return len({candidate.address.host for candidate in WsDiscovery().scan()})


def bare(address: str) -> int:
    from tests.bench.bare_prober import seek

    return len({host for _, host in seek(address)})


def wsdiscovery(_address: str) -> int:
    """As its README has it."""
    from wsdiscovery.discovery import ThreadedWSDiscovery  # type: ignore[import-not-found]

    seeker = ThreadedWSDiscovery()
    seeker.start()
    found = seeker.searchServices()
    seeker.stop()
    return len({service.getEPR() for service in found})


def pss_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    seek = {"ours": ours, "bare": bare, "wsdiscovery": wsdiscovery}[sys.argv[1]]
    began, used = time.monotonic(), time.process_time()
    found = seek(sys.argv[2])
    took = {"found": found, "s": time.monotonic() - began, "cpu_s": time.process_time() - used, "pss_mb": pss_mb()}
    print(json.dumps(took))
