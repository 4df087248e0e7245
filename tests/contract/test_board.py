"""What every board promises, tried on each of them through its own wires."""

import itertools
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import boot_ns
from drivers.ports import Busy, Configuration, ContactType, ContactWiring, DriverError, OutputWiring, Relay, Wiring
from tests.contract.rigs import CountingBoard, Rig

WAIT_S = 10.0  # for an edge that should be here already
BURST = 100  # edges in flight at once; the kernel keeps 256

BUTTON = ContactWiring("GPIO23")
SECOND = ContactWiring("GPIO22")
SIREN = OutputWiring("GPIO24")

WIRINGS: tuple[Wiring, ...] = ("to-ground", "to-3v3")
CONTACTS: tuple[ContactType, ...] = ("no", "nc")
RELAYS: tuple[Relay, ...] = ("low-on", "high-on")


class Edges:
    """A sink as the alarm's: it only enqueues."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[bool, int]] = queue.SimpleQueue()

    def __call__(self, active: bool, at_ns: int) -> None:
        self._queue.put((active, at_ns))

    def take(self, count: int = 1) -> list[tuple[bool, int]]:
        return [self._queue.get(timeout=WAIT_S) for _ in range(count)]

    @property
    def empty(self) -> bool:
        return self._queue.empty()


@pytest.fixture
def board(rig: Rig) -> Iterator[CountingBoard]:
    board = rig.board()
    yield board
    board.close()


def test_a_press_and_a_release_are_two_edges(rig: Rig, board: CountingBoard) -> None:
    edges = Edges()
    contact = board.contact(BUTTON, edges)
    rig.press("GPIO23")
    assert [active for active, _ in edges.take()] == [True]
    assert contact.active
    rig.release("GPIO23")
    assert [active for active, _ in edges.take()] == [False]
    assert not contact.active


def test_none_of_a_thousand_edges_is_missed(rig: Rig, board: CountingBoard) -> None:
    edges = Edges()
    board.contact(BUTTON, edges)
    seen: list[tuple[bool, int]] = []
    for _ in range(1_000 // BURST):
        for _ in range(BURST // 2):
            rig.press("GPIO23")
            rig.release("GPIO23")
        seen += edges.take(BURST)
    assert edges.empty
    assert [active for active, _ in seen] == [True, False] * 500
    times = [at_ns for _, at_ns in seen]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_edges_carry_the_boot_clock_of_the_moment_they_happened(rig: Rig, board: CountingBoard) -> None:
    edges = Edges()
    board.contact(BUTTON, edges)
    before = boot_ns()
    rig.press("GPIO23")
    after = boot_ns()
    [(_, at_ns)] = edges.take()
    assert before - 1_000_000 <= at_ns <= after + 1_000_000


def test_edges_of_two_lines_keep_their_order(rig: Rig, board: CountingBoard) -> None:
    arrived: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    board.contact(BUTTON, lambda _, at_ns: arrived.put(("GPIO23", at_ns)))
    board.contact(SECOND, lambda _, at_ns: arrived.put(("GPIO22", at_ns)))
    for line in ("GPIO23", "GPIO22"):
        rig.press(line)
    for line in ("GPIO22", "GPIO23"):
        rig.release(line)
    seen = sorted((arrived.get(timeout=WAIT_S) for _ in range(4)), key=lambda edge: edge[1])
    assert [line for line, _ in seen] == ["GPIO23", "GPIO22", "GPIO22", "GPIO23"]


def test_a_contact_pressed_before_the_board_opened_reads_active_and_sends_no_edge(rig: Rig) -> None:
    if not rig.latching:
        pytest.skip("nothing lies on this rig's wires while their lines are closed")
    rig.press("GPIO23")
    edges = Edges()
    board = rig.board()
    contact = board.contact(BUTTON, edges)
    assert contact.active
    rig.release("GPIO23")
    assert [active for active, _ in edges.take()] == [False]
    board.close()


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("kind", CONTACTS)
def test_active_means_pressed_for_each_contact_on_each_wiring(
    rig: Rig, board: CountingBoard, wiring: Wiring, kind: ContactType
) -> None:
    button = ContactWiring("GPIO23", wiring=wiring, contact=kind)
    edges = Edges()
    if rig.latching:
        rig.wire(button)
        contact = board.contact(button, edges)
    else:
        contact = board.contact(button, edges)
        rig.wire(button)
        assert [active for active, _ in edges.take(int(kind == "nc"))] == [False] * int(kind == "nc")
    rest = contact.active
    rig.press("GPIO23")
    pressed, pressed_level = contact.active, rig.level("GPIO23")
    rig.release("GPIO23")
    assert (rest, pressed, contact.active) == (False, True, False)
    assert pressed_level == ((wiring == "to-3v3") == (kind == "no"))
    assert [active for active, _ in edges.take(2)] == [True, False]


@pytest.mark.parametrize("relay", RELAYS)
def test_the_first_level_driven_is_off_for_both_polarities(rig: Rig, board: CountingBoard, relay: Relay) -> None:
    output = board.output(OutputWiring("GPIO24", relay))
    off_level = relay == "low-on"
    assert not output.is_on
    assert rig.level("GPIO24") == off_level
    assert set(rig.driven("GPIO24")) == {off_level}


@pytest.mark.parametrize("relay", RELAYS)
def test_an_output_switches_and_is_read_back(rig: Rig, board: CountingBoard, relay: Relay) -> None:
    output = board.output(OutputWiring("GPIO24", relay))
    output.on()
    switched_on = (output.is_on, rig.level("GPIO24"))
    output.on()
    output.off()
    switched_off = (output.is_on, rig.level("GPIO24"))
    assert switched_on == (True, relay == "high-on")
    assert switched_off == (False, relay == "low-on")


@pytest.mark.parametrize("relay", RELAYS)
def test_closing_drives_an_output_off(rig: Rig, relay: Relay) -> None:
    board = rig.board()
    output = board.output(OutputWiring("GPIO24", relay))
    output.on()
    assert output.is_on
    seen_on = rig.level("GPIO24")
    output.close()
    output.close()
    if rig.driven("GPIO24")[1:]:  # a rig that keeps the history of a line
        assert rig.driven("GPIO24")[-2:] == [seen_on, not seen_on]
    board.close()
    board.close()


def test_a_closed_contact_sends_no_more_edges(rig: Rig, board: CountingBoard) -> None:
    edges, others = Edges(), Edges()
    contact = board.contact(BUTTON, edges)
    board.contact(SECOND, others)
    contact.close()
    contact.close()
    if rig.latching:
        rig.press("GPIO23")
    rig.press("GPIO22")
    others.take()
    assert edges.empty
    with pytest.raises(DriverError):
        assert contact.active


def test_one_line_has_one_owner(board: CountingBoard) -> None:
    board.contact(BUTTON, Edges())
    with pytest.raises(Busy, match="GPIO23"):
        board.contact(BUTTON, Edges())
    with pytest.raises(Busy, match="GPIO23"):
        board.output(OutputWiring("GPIO23"))


def test_two_boards_cannot_share_a_line_until_one_closes(rig: Rig) -> None:
    if not rig.one_device:
        pytest.skip("each of this rig's boards has pins of its own")
    first, second = rig.board(), rig.board()
    first.output(SIREN)
    with pytest.raises(Busy, match="GPIO24") as refusal:
        second.output(SIREN)
    assert refusal.value.__cause__ is not None
    assert "held by" in str(refusal.value)
    first.close()
    assert not second.output(SIREN).is_on
    second.close()


@pytest.mark.parametrize("line", [23, "23", "BCM23", "BOARD16", "GPIO023", "gpio23", "GPIO99", "GPIO", "", "GPIO23\n"])
def test_a_line_is_named_as_gpio_and_number_only(board: CountingBoard, line: str) -> None:
    with pytest.raises(Configuration):
        board.contact(ContactWiring(line), Edges())
    with pytest.raises(Configuration):
        board.output(OutputWiring(line))


def test_a_sink_that_raises_is_counted_and_silences_nobody(rig: Rig, board: CountingBoard) -> None:
    def broken(_active: bool, _at_ns: int) -> None:
        raise RuntimeError("a fault in somebody's sink")

    edges = Edges()
    board.contact(BUTTON, broken)
    board.contact(SECOND, edges)
    for _ in range(3):
        rig.press("GPIO23")
        rig.release("GPIO23")
    rig.press("GPIO22")
    assert [active for active, _ in edges.take()] == [True]
    assert board.sink_faults == 6
    assert board.alive


def test_a_closed_board_is_not_alive_and_leaves_no_thread_and_no_descriptor(rig: Rig) -> None:
    rig.board().close()  # whatever is loaded and opened once for all boards is loaded now
    threads, descriptors = set(threading.enumerate()), _descriptors()
    for _ in range(5):
        board = rig.board()
        board.contact(BUTTON, Edges())
        board.output(SIREN)
        assert board.alive
        board.close()
        assert not board.alive
    assert set(threading.enumerate()) == threads
    assert _descriptors() == descriptors


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
