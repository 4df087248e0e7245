"""`make bench-cameras` says no when a claim does not hold: told here, where no camera is needed."""

from typing import Any

import pytest

from tests.peers.cameras.claims import CAMERAS, Runs, asking_row, broken, seeking_row

HOSTS = frozenset(f"192.168.77.{11 + place}" for place in range(CAMERAS))
COUNT = 2


def scan(found: int = CAMERAS, seconds: float = 1.5, *more: str) -> dict[str, Any]:
    return {"said": {"found": [*sorted(HOSTS)[:found], *more], "seconds": seconds}, "cpu_s": 0.2, "peak_mb": 30.0}


def asking(seconds: float = 0.9, peak_mb: float = 50.0, **facts: object) -> dict[str, Any]:
    one = {"serial": "1", "mac": "2", "profiles": 2, "snapshot": "http://192.0.2.1/snapshot?profile=1"}
    read = {"192.168.77.11": {**one, **facts}, "192.168.77.12": one}
    return {"said": {"read": read, "seconds": seconds}, "cpu_s": 0.5, "peak_mb": peak_mb, "wall_s": seconds}


def ours(**parts: Any) -> Runs:
    return Runs("ours", **{"lan": [scan()] * 3, "bare": [scan()], "asked": [asking()], **parts})


def faults(own: Runs, *others: Runs) -> list[str]:
    return list(broken(own, others, HOSTS, COUNT))


def test_all_found_in_time_three_times_and_all_read_is_no_fault() -> None:
    assert faults(ours(), Runs("theirs", lan=[scan(6, 3.0)], asked=[asking(73.0, 550.0)])) == []


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"lan": [scan(), scan(), scan(53)]}, "scan 3: 53 of 54"),
        ({"lan": [scan(), scan(seconds=2.01), scan()]}, "scan 2: 54 of 54 in 2.01 s"),
        ({"lan": [{**scan(), "said": {}}]}, "scan 1: 0 of 54"),
        ({"bare": [scan(0)]}, "without a default route: 0 of 54"),
        ({"asked": [asking(seconds=1.01)]}, "2 of 2 in 1.01 s"),
        ({"asked": [asking(peak_mb=61.0)]}, "61 MB"),
        ({"asked": [asking(fault="Slow")]}, "1 of 2"),
    ],
)
def test_less_is_a_fault(parts: dict[str, Any], said: str) -> None:
    assert [said in fault for fault in faults(ours(**parts))] == [True]


def test_a_peer_that_finds_another_or_reads_otherwise_is_not_passed_over() -> None:
    finds, reads = Runs("finds", lan=[scan(54, 1.0, "192.168.77.99")]), Runs("reads", asked=[asking(serial="other")])

    assert [fault.partition(" ")[0] for fault in faults(ours(), finds, reads)] == ["finds", "reads"]
    assert seeking_row(finds, HOSTS)[-1] == "NO"
    assert asking_row(reads, asking(), COUNT)[-1].startswith("NO: 192.168.77.11")


def test_only_path_and_query_of_a_picture_are_compared() -> None:
    elsewhere = asking(snapshot="/snapshot?profile=1")

    assert asking_row(Runs("theirs", asked=[elsewhere]), asking(), COUNT)[-1] == "yes"
