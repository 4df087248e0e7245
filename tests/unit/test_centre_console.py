"""What operators, the demo and log collectors read; and that a slow reader holds nothing up."""

import io
import json
import threading
from typing import TextIO

import pytest

from edge.centre.board import Board
from edge.centre.console import QUEUE_LIMIT, Console, LineView, view_for
from edge.centre.ingest import Beaten, Ordered, Refused, Seen, Taken
from edge.centre.kept import Kept
from edge.centre.lines import Told, as_json, as_text, line_of
from edge.centre.session import Connected, Disconnected
from edge.core.events import Event
from edge.core.faults import Language
from edge.core.messages import Command
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, SiteId

BOX = BoxId("ktg-k7q2m9xa")
AT_NS = 1_795_475_852_070_000_000


def taken(event_class: EventClass = EventClass.ALARM, **content: Json) -> Taken:
    said: dict[str, Json] = {"alarm": "7c1f0b2e.1", "zone": "pos-ronda", "kind": "crime", "status": "actual", **content}
    event = Event(
        id=EventId(Epoch("7c1f0b2e"), 1), box=BOX, site=SiteId("33.74.10.1004-010-005"), name="alarm",
        event_class=event_class, subject="zone/pos-ronda", time="2026-11-23T23:17:32.000Z", boot_id="5f0e2a9c",
        boot_ns=1, time_quality="synced", data=said, raw=b"",
    )  # fmt: skip
    return Taken(event, Kept.NEW, durable=True, received_ns=AT_NS)


def order(name: str = "acknowledge", **args: str | int) -> Ordered:
    return Ordered(Command(BOX, "j1", "n", 1, name, {"alarm": "7c1f0b2e.1", **args}, "Sari"))


ALL: list[Told] = [
    taken(),
    Beaten(BOX, Epoch("7c1f0b2e"), 7, 0, 0),
    Seen(BOX, online=False, site="33.74.10.1004-010-005"),
    order(ticket="T-17"),
    Refused("unknown box", "kentongan/v1/x/beat", 12),
    Connected("127.0.0.1:8883"),
    Disconnected("127.0.0.1:8883", "lost", "the broker closed the connection", 1.5),
]


@pytest.mark.parametrize("told", ALL, ids=lambda told: type(told).__name__)
def test_every_fact_is_one_line_in_both_forms(told: Told) -> None:
    line = line_of(told, AT_NS)
    assert "\n" not in as_json(line) + as_text(line)
    assert json.loads(as_json(line)) == line
    assert as_text(line).startswith("2026-11-23T23:17:32.070Z ")
    assert list(line)[:2] == ["at", "what"]


def test_an_event_line_has_the_keys_that_readers_count_on() -> None:
    line = line_of(taken(presses=3), AT_NS)
    expected = {
        "kept": "new",
        "box": BOX,
        "epoch": "7c1f0b2e",
        "seq": 1,
        "zone": "pos-ronda",
        "presses": 3,
        "late_ms": 70,
    }
    assert {key: line[key] for key in expected} == expected


@pytest.mark.parametrize("zone", ["masjid\n2026 event kept=new", "masjid\x1b[2J", "masjid\u202e", "masjid\r\n"])
def test_a_box_cannot_write_a_second_line_or_move_the_cursor(zone: str) -> None:
    assert as_text(line_of(taken(zone=zone), AT_NS)).isprintable()


def test_an_order_cannot_rename_its_own_line() -> None:
    assert line_of(order("silence", what="event", at="never"), AT_NS)["what"] == "command"


@pytest.mark.parametrize("time", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_costs_only_its_figure(time: str) -> None:
    told = taken()
    object.__setattr__(told.event, "time", time)
    assert line_of(told, AT_NS)["late_ms"] is None


def board(*told: Told) -> str:
    from rich.console import Console as Terminal

    shown = Board(Language.EN)
    for one in told:
        shown.note(one, AT_NS)
    terminal = Terminal(file=io.StringIO(), width=200, record=True)
    terminal.print(shown.draw())
    return terminal.export_text()


def test_the_board_shows_an_open_alarm_until_somebody_takes_it() -> None:
    assert "OPEN" in board(taken())
    after = board(taken(), order(ticket="T-17"))
    assert "taken by Sari · T-17" in after
    assert "OPEN" not in after


@pytest.mark.parametrize("member", ["alarm", "zone", "kind", "status"])
def test_nothing_that_a_box_says_commands_the_operators_terminal(member: str) -> None:
    told = taken()
    told.event.data[member] = "x\x1b]0;title\x07\x9b2J\u202e"
    shown = board(told)
    assert "x?]0;" in shown.lower()
    assert all(line.isprintable() for line in shown.splitlines())


def test_the_board_shows_restored_and_test_as_such() -> None:
    assert "restored" in board(taken(), taken(EventClass.RESTORAL))
    assert "TEST" in board(taken(status="test"))


def test_the_boxs_own_audit_of_an_acknowledgement_opens_nothing() -> None:
    assert "OPEN" not in board(taken(EventClass.AUDIT, what="acknowledged"))


def test_rich_markup_from_a_box_is_only_text() -> None:
    assert "[bold]masjid[/bold]" in board(taken(zone="[bold]masjid[/bold]"))


def shown(*, as_lines_of_json: bool) -> str:
    stream = io.StringIO()
    with Console(view_for(stream, Language.ID, json=as_lines_of_json)) as console:
        console.tell(taken())
    return stream.getvalue()


def test_a_pipe_gets_words() -> None:
    _, words = shown(as_lines_of_json=False).split(" ", 1)
    assert words.startswith(f"event kept=new box={BOX} ")


def test_who_asks_for_json_gets_json() -> None:
    line = json.loads(shown(as_lines_of_json=True))
    assert (line["what"], line["kept"], line["box"]) == ("event", "new", BOX)


class Stuck(io.StringIO):
    """A terminal that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.go_on.wait(10)
        return super().write(text)


def test_a_stuck_reader_costs_lines_and_never_a_wait() -> None:
    stream = Stuck()
    with Console(LineView(stream, as_text)) as console:
        for _ in range(QUEUE_LIMIT + 100):
            console.tell(Connected("b"))
        assert console.missed >= 90
        stream.go_on.set()


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_went_away_ends_nothing() -> None:
    stream: TextIO = Gone()
    with Console(LineView(stream, as_text)) as console:
        for _ in range(10):
            console.tell(Connected("b"))
    assert console.missed == 9
