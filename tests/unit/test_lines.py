"""A driver may raise what its port does not promise: it costs that line, never another zone's press."""

from typing import Final

import pytest

from drivers.ports import Board, Contact, ContactWiring, DriverError, EdgeSink, Output, OutputWiring
from edge.config.model import Configuration, Site, Sounder, Zone
from edge.core.words import SECOND_NS, Pressed, Touched, Troubled, ZoneId
from edge.daemons.alarm.lines import Lines

SITE: Final = Configuration(
    kit="lab",
    site=Site(id="33.74.10.1004-010-005", name="RT 005", rt="005", rw="010"),
    zones=(Zone(id="pos-ronda", pin="GPIO5"), Zone(id="masjid", pin="GPIO6")),
    sounders=(Sounder(id="sirene", pin="GPIO23"),),
)
FIRST, SECOND = ZoneId("pos-ronda"), ZoneId("masjid")


class Crooked:
    """A board whose lines can each be made to raise anything."""

    def __init__(self) -> None:
        self.opening: dict[str, Exception] = {"GPIO23": DriverError("no output here")}
        self.reading: dict[str, Exception] = {}
        self.levels: dict[str, bool] = {}
        self.closed: list[str] = []
        self.alive = True
        self.sink_faults = 0

    def contact(self, wiring: ContactWiring, sink: EdgeSink) -> Contact:
        del sink
        self._open(wiring.line)
        return _Contact(self, wiring.line)

    def output(self, wiring: OutputWiring) -> Output:
        self._open(wiring.line)
        raise AssertionError("no test opens an output")

    def close(self) -> None: ...

    def _open(self, line: str) -> None:
        if line in self.opening:
            raise self.opening[line]


class _Contact:
    def __init__(self, board: Crooked, line: str) -> None:
        self._board, self._line = board, line

    @property
    def active(self) -> bool:
        if self._line in self._board.reading:
            raise self._board.reading[self._line]
        return self._board.levels.get(self._line, False)

    def close(self) -> None:
        self._board.closed.append(self._line)


@pytest.fixture
def board() -> Crooked:
    return Crooked()


@pytest.fixture
def posted() -> list[object]:
    return []


@pytest.fixture
def lines(board: Crooked, posted: list[object]) -> Lines:
    def open_board() -> Board:
        return board

    return Lines(SITE, open_board, lambda _zone, _active, _at_ns: None, posted.append, lambda: 0)


def test_a_line_that_cannot_be_read_keeps_no_other_zone_from_its_press(board: Crooked, lines: Lines) -> None:
    lines.open(0)
    board.reading["GPIO5"] = RuntimeError("request released")
    board.levels["GPIO6"] = True
    assert lines.edge(SECOND, SECOND_NS, active=True) == [Touched(SECOND, SECOND_NS)]
    assert lines.advance(2 * SECOND_NS) == [Pressed(SECOND, SECOND_NS, SECOND_NS)]


def test_a_line_that_cannot_be_opened_for_any_reason_is_a_trouble_and_tried_again(
    board: Crooked, lines: Lines, posted: list[object]
) -> None:
    board.opening["GPIO5"] = ValueError("the kernel said something new")
    lines.open(0)
    troubles = [each for each in posted if isinstance(each, Troubled)]
    assert "the kernel said something new" in [each.text for each in troubles]
    assert lines.zones() == {FIRST: "fault", SECOND: "normal"}
    del board.opening["GPIO5"]
    lines.advance(60 * SECOND_NS)
    assert lines.zones() == {FIRST: "normal", SECOND: "normal"}


def test_a_line_that_opens_and_cannot_be_read_is_let_go_for_the_next_try(board: Crooked, lines: Lines) -> None:
    board.reading["GPIO5"] = ValueError("not yet")
    lines.open(0)
    assert board.closed == ["GPIO5"]


def test_a_contact_found_closed_is_as_old_as_the_look_at_it_and_not_as_the_start(
    board: Crooked, posted: list[object]
) -> None:
    """Opening many lines takes its time; a press of that time must not be dated before it."""
    clock = iter(range(100, 1000, 100))
    lines = Lines(SITE, lambda: board, lambda _zone, _active, _at_ns: None, posted.append, lambda: next(clock))
    board.levels |= {"GPIO5": True, "GPIO6": True}
    assert lines.open(0) == [Touched(FIRST, 100), Touched(SECOND, 200)]
