"""Days of a box's life in minutes: events, receipts, a press and a reconnection per round; what grows is seen."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from edge.core.words import EventId
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.bearer import Bearer
from tests.soak.fed import FEED

WITHIN_S: Final = 60.0
LOG_BYTES: Final = 2 * 1024 * 1024
GROWTH_KB: Final = 2048  # between the second fifth of the rounds and the last: noise of an allocator, not a leak
CLOSING: Final = 2  # descriptors of a connection that is just ending
PRESS_EVERY: Final = 10  # rounds; a siren needs its time


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the daemon, after one round."""

    rss_kb: int
    descriptors: int
    threads: int
    log_bytes: int


@dataclass(frozen=True, slots=True)
class Soak:
    samples: tuple[Sample, ...]
    events: int

    def _of(self, fifth: int) -> Sequence[Sample]:
        size = len(self.samples) // 5
        return self.samples[fifth * size : (fifth + 1) * size]

    def grown(self, what: Callable[[Sample], int]) -> int:
        """How much more there is in the last fifth than in the second."""
        return int(median(map(what, self._of(4))) - median(map(what, self._of(1))))

    @property
    def log_bytes(self) -> int:
        return max(sample.log_bytes for sample in self.samples)

    def faults(self) -> list[str]:
        """What is not flat, in words."""
        rss, descriptors = self.grown(lambda each: each.rss_kb), self.grown(lambda each: each.descriptors)
        threads = self.grown(lambda each: each.threads)
        found = {
            f"memory grew by {rss} kB": rss > GROWTH_KB,
            f"descriptors grew by {descriptors}": descriptors > CLOSING,
            f"threads grew by {threads}": threads > 0,
            f"the log had {self.log_bytes} bytes": self.log_bytes > LOG_BYTES,
        }
        return [fault for fault, is_one in found.items() if is_one]

    def report(self) -> str:
        last = self.samples[-1]
        return (
            f"{self.events} events, {len(self.samples)} reconnections: RSS {last.rss_kb} kB"
            f" ({self.grown(lambda each: each.rss_kb):+} kB), {last.descriptors} descriptors,"
            f" {last.threads} threads, log at most {self.log_bytes} bytes"
        )


def soak(box: AlarmBox, *, rounds: int, per_round: int) -> Soak:
    """Enter with a box whose entry is fed.py; every event of every round comes before the next begins."""
    seen: set[EventId] = set()
    samples: list[Sample] = []
    with _feed(box) as feed:
        for number in range(rounds):
            if number % PRESS_EVERY == 0:
                assert box.sounds()
            os.write(feed, b"%d\n" % per_round)
            _carry(box, seen, wanted=(number + 1) * per_round)
            samples.append(_sample(box))
    return Soak(tuple(samples), len(seen))


def _carry(box: AlarmBox, seen: set[EventId], *, wanted: int) -> None:
    """One connection. A receipt that comes as it ends may be lost: then its events come again."""
    with Bearer(box.places.link) as bearer:

        def all_came() -> bool:
            seen.update(identity for identity, row in bearer.rows.items() if b'"what":"soak"' in row.raw)
            return len(seen) >= wanted

        bearer.until(all_came, WITHIN_S, f"{wanted} events")
        bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
        bearer.turn()


@contextmanager
def _feed(box: AlarmBox) -> Iterator[int]:
    pipe = box.places.root / FEED
    os.mkfifo(pipe)
    box.start()
    descriptor = os.open(pipe, os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sample(box: AlarmBox) -> Sample:
    proc = Path(f"/proc/{box.alarm.pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    log = box.places.ledger.with_name("ledger.db-wal")
    return Sample(
        rss_kb=int(status["VmRSS"].split()[0]),
        descriptors=len(list((proc / "fd").iterdir())),
        threads=int(status["Threads"]),
        log_bytes=log.stat().st_size if log.exists() else 0,
    )
