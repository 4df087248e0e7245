import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from drivers.edge_watch import STALL_S, EdgeWatch

WAIT_S = 5.0  # a bound, not a pause: every wait below ends as soon as the thread has spoken


@dataclass
class Line:
    """One end of a pipe that is readable while edges wait, as a line request is."""

    source: int
    sink: int
    seen: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def edge(self, number: int) -> None:
        os.write(self.sink, bytes([number]))

    def read(self) -> list[int]:
        return list(os.read(self.source, 64))


@pytest.fixture
def watch() -> Iterator[EdgeWatch[int]]:
    watch: EdgeWatch[int] = EdgeWatch()
    yield watch
    watch.close()


@pytest.fixture
def line() -> Iterator[Callable[[], Line]]:
    made: list[Line] = []

    def make() -> Line:
        made.append(Line(*os.pipe()))
        return made[-1]

    yield make
    for line in made:
        os.close(line.source)
        os.close(line.sink)


def test_edges_of_every_line_arrive_on_one_thread(watch: EdgeWatch[int], line: Callable[[], Line]) -> None:
    threads: set[int] = set()
    lines = [line() for _ in range(5)]
    for each in lines:

        def receive(edge: int, seen: "queue.Queue[int]" = each.seen) -> None:
            threads.add(threading.get_ident())
            seen.put(edge)

        watch.watch(each.source, each.read, receive)
    for number, each in enumerate(lines):
        each.edge(number)
    assert [each.seen.get(timeout=WAIT_S) for each in lines] == [0, 1, 2, 3, 4]
    assert len(threads) == 1


def test_a_receiver_that_raises_loses_its_own_edge_and_nothing_else(
    watch: EdgeWatch[int], line: Callable[[], Line]
) -> None:
    bad, good = line(), line()

    def receive(edge: int) -> None:
        if edge == 1:
            raise RuntimeError("a bug in a callback")
        bad.seen.put(edge)

    watch.watch(bad.source, bad.read, receive)
    watch.watch(good.source, good.read, good.seen.put)
    bad.edge(1)
    bad.edge(2)
    assert bad.seen.get(timeout=WAIT_S) == 2
    good.edge(3)
    assert good.seen.get(timeout=WAIT_S) == 3
    assert (watch.receiver_faults, watch.alive) == (1, True)


def test_a_line_that_cannot_be_read_any_more_ends_alive_but_not_the_others(
    watch: EdgeWatch[int], line: Callable[[], Line]
) -> None:
    gone, good = line(), line()

    def unplugged() -> list[int]:
        raise OSError(19, "No such device")

    watch.watch(gone.source, unplugged, gone.seen.put)
    watch.watch(good.source, good.read, good.seen.put)
    gone.edge(1)
    good.edge(2)
    assert good.seen.get(timeout=WAIT_S) == 2
    good.edge(3)
    assert good.seen.get(timeout=WAIT_S) == 3
    assert (watch.lines_gone, watch.alive) == (1, False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death is the point here
def test_the_death_of_the_thread_is_seen(watch: EdgeWatch[int], line: Callable[[], Line]) -> None:
    fatal = line()

    def receive(_edge: int) -> None:
        raise SystemExit  # ends a thread without a trace on stderr

    watch.watch(fatal.source, fatal.read, receive)
    alive = [watch.alive]
    fatal.edge(1)
    assert watch._thread is not None
    watch._thread.join(WAIT_S)
    alive.append(watch.alive)
    assert alive == [True, False]


def test_a_receiver_that_never_returns_is_seen(line: Callable[[], Line]) -> None:
    now_ns = [0]
    watch: EdgeWatch[int] = EdgeWatch(lambda: now_ns[0])
    stuck, entered, release = line(), queue.Queue[int](), queue.Queue[int]()

    def receive(edge: int) -> None:
        entered.put(edge)
        release.get(timeout=WAIT_S)

    watch.watch(stuck.source, stuck.read, receive)
    stuck.edge(1)
    entered.get(timeout=WAIT_S)
    alive = [watch.alive]
    now_ns[0] = int((STALL_S + 1) * 1e9)
    alive.append(watch.alive)
    release.put(1)
    watch.close()
    assert alive == [True, False]


def test_an_unwatched_line_is_left_alone(watch: EdgeWatch[int], line: Callable[[], Line]) -> None:
    one, other = line(), line()
    watch.watch(one.source, one.read, one.seen.put)
    watch.watch(other.source, other.read, other.seen.put)
    watch.unwatch(one.source)
    watch.unwatch(one.source)
    one.edge(1)
    other.edge(2)
    assert other.seen.get(timeout=WAIT_S) == 2
    assert one.seen.empty()


def test_a_closed_watch_is_not_alive_and_closes_twice() -> None:
    watch: EdgeWatch[int] = EdgeWatch()
    alive = [watch.alive]
    watch.close()
    watch.close()
    alive.append(watch.alive)
    assert alive == [True, False]
