"""`make bench-peers`: the same outage for us and for what others use, one table at the end.

python -m tests.peers [--events N] [NAME ...]      NAME: ours bridge thingsboard
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from edge.core.words import EventClass
from edge.field.broker import BrokerError
from edge.field.children import ChildFailed
from edge.field.stage import Stage
from tests.apart import NotInstalled
from tests.bench.box import opened
from tests.bootstrap import CACHE
from tests.peers.bridge import SENSIBLE, STOCK, Bridge
from tests.peers.ours import Centre, Kentongan
from tests.peers.outage import Contender, Outcome, endure
from tests.peers.table import Row, left_out, row, table
from tests.peers.thingsboard import Gateway, number, undated, whole
from tests.peers.upstream import Upstream

EVENTS: Final = 10_000
AT_ONCE_S: Final = 0.0
LATER_S: Final = 15.0  # thingsboard-gateway has written all of them to its SQLite by then

Make = Callable[[Stage, Path], Contender]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench-peers")
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N", help=f"{EVENTS} if not given")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(PEERS))
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(PEERS):
        parser.error(f"no such contender: {' '.join(sorted(unknown))}; there are {' '.join(PEERS)}")
    CACHE.mkdir(exist_ok=True)
    rows: list[Row] = []
    for name in asked.names or PEERS:
        rows += _rows(name, asked.events)
    print(table(rows))
    return 0


def _rows(name: str, count: int) -> Iterator[Row]:
    """A contender that cannot be had or does not run here says so in its own row."""
    for turn, make in enumerate(PEERS[name], 1):
        began = time.monotonic()
        try:
            yield row(_outage(make, count))
        except (NotInstalled, BrokerError, ChildFailed, OSError) as why:
            yield left_out(name, str(why))
        print(f"· {name} {turn} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _outage(make: Make, count: int) -> Outcome:
    """Each has the upstream to itself: sessions that an earlier one left behind would be served, too."""
    with (
        tempfile.TemporaryDirectory(prefix="peers-", dir=CACHE) as folder,
        opened(Path(folder) / "upstream", Upstream) as stage,
    ):
        return endure(make(stage, Path(folder) / "own"), stage.broker, count)


PEERS: Final[dict[str, Sequence[Make]]] = {
    "ours": [
        partial(Kentongan, event_class=EventClass.TROUBLE, centre=Centre.REAL),
        partial(Kentongan, event_class=EventClass.TROUBLE, centre=Centre.PLAYED),
        partial(Kentongan, event_class=EventClass.ALARM, centre=Centre.REAL),
        partial(Kentongan, event_class=EventClass.ALARM, centre=Centre.PLAYED),
    ],
    "bridge": [
        partial(Bridge, settings=STOCK, rest_s=AT_ONCE_S),
        partial(Bridge, settings=SENSIBLE, rest_s=AT_ONCE_S),
        partial(Bridge, settings=SENSIBLE, rest_s=LATER_S),
    ],
    "thingsboard": [
        partial(Gateway, said=number, rest_s=AT_ONCE_S),
        partial(Gateway, said=number, rest_s=LATER_S),
        partial(Gateway, said=undated, rest_s=LATER_S),
        partial(Gateway, said=whole, rest_s=LATER_S),
    ],
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
