"""The operator's board in a terminal: open alarms on top, then what happened last."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.centre.ingest import Ordered, Pictured, Seen, Taken
from edge.centre.lines import Told, as_text, line_of
from edge.centre.session import Connected, Disconnected
from edge.core.faults import Language, Wording, printable
from edge.core.timing import TimeQuality, rfc3339
from edge.core.words import EventClass

ALARMS: Final = 15
LAST: Final = 8
TITLE: Final = Wording("Pusat Kentongan", "Kentongan centre")
COLUMNS: Final = (
    Wording("Waktu", "Time"),
    Wording("Alarm", "Alarm"),
    Wording("Boks", "Box"),
    Wording("Lokasi", "Site"),
    Wording("Titik", "Zone"),
    Wording("Jenis", "Kind"),
    Wording("Keadaan", "State"),
)
OPEN: Final = Wording("BELUM DITANGANI", "OPEN")
RESTORED: Final = Wording("pulih", "restored")
TAKEN_BY: Final = Wording("diterima {by} · {ticket}", "taken by {by} · {ticket}")
PICTURES: Final = Wording("· {count} gambar", "· {count} pictures")
ACTUAL: Final = "actual"


@dataclass(slots=True)
class _Row:
    time: str
    box: str
    site: str
    zone: str
    kind: str
    status: str
    restored: bool = False
    taken_by: str = ""
    ticket: str = ""
    pictures: int = 0


class Board:
    """Holds what is shown. Used by one thread."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._alarms: OrderedDict[tuple[str, str], _Row] = OrderedDict()
        self._last: deque[str] = deque(maxlen=LAST)
        self._online: dict[str, bool] = {}
        self._broker = ""

    def note(self, told: Told, now_ns: int) -> None:
        match told:
            case Taken():
                self._event(told)
            case Ordered(order) if order.name == "acknowledge":
                self._acknowledged(
                    (order.box, str(order.args.get("alarm"))), order.by, str(order.args.get("ticket", ""))
                )
            case Pictured(box, whole) if (box, whole.alarm) in self._alarms:
                self._alarms[box, whole.alarm].pictures += 1
            case Seen(box, online):
                self._online[box] = online
            case Connected(broker):
                self._broker = broker
            case Disconnected(broker, cause, _, _):
                self._broker = f"{broker} ✗ {cause}"
        self._last.append(as_text(line_of(told, now_ns)))

    def _event(self, taken: Taken) -> None:
        event = taken.event
        alarm = event.data.get("alarm")
        if not isinstance(alarm, str) or event.event_class not in {EventClass.ALARM, EventClass.RESTORAL}:
            return  # audits speak of alarms too, and change none
        zone, kind, status = (str(event.data.get(name, "")) for name in ("zone", "kind", "status"))
        row = self._alarms.setdefault((event.box, alarm), _Row(_time(taken), event.box, event.site, zone, kind, status))
        row.restored = event.event_class is EventClass.RESTORAL or row.restored
        while len(self._alarms) > ALARMS:
            self._alarms.popitem(last=False)

    def _acknowledged(self, alarm: tuple[str, str], by: str, ticket: str) -> None:
        if alarm in self._alarms:
            self._alarms[alarm].taken_by, self._alarms[alarm].ticket = by, ticket

    def draw(self) -> Group:
        online = sum(self._online.values())
        table = Table(
            *(column[self._language] for column in COLUMNS),
            title=f"{TITLE[self._language]}  {self._broker}  online {online}/{len(self._online)}",
            expand=True,
        )
        for (_, alarm), row in reversed(self._alarms.items()):
            cells = (row.time, alarm, row.box, row.site, row.zone, row.kind, self._state(row))
            table.add_row(*(Text(printable(cell)) for cell in cells), style=_style(row))
        return Group(table, *(Text(line, overflow="ellipsis", no_wrap=True, style="dim") for line in self._last))

    def _state(self, row: _Row) -> str:
        words = [] if row.status == ACTUAL else [row.status.upper()]
        if row.taken_by:
            words.append(TAKEN_BY[self._language].format(by=row.taken_by, ticket=row.ticket or "-"))
        if row.restored:
            words.append(RESTORED[self._language])
        words = words or [OPEN[self._language]]
        if row.pictures:
            words.append(PICTURES[self._language].format(count=row.pictures))
        return " ".join(words)


def _time(taken: Taken) -> str:
    """The corrected one with a mark; of a clock that nobody vouches for, with a question mark."""
    if taken.corrected is not None:
        return rfc3339(taken.corrected.utc_ns) + ("*" if taken.event.time_quality != TimeQuality.SYNCED else "")
    return taken.event.time + ("?" if taken.event.time_quality == TimeQuality.UNSYNCED else "")


def _style(row: _Row) -> str:
    if row.restored or row.status != ACTUAL:
        return "dim"
    return "yellow" if row.taken_by else "bold red"


class BoardView:
    """The board on a terminal (edge.centre.console.View)."""

    def __init__(self, language: Language) -> None:
        self._board = Board(language)
        self._live = Live(console=Console(), auto_refresh=False)
        self._live.start()

    def show(self, told: Told, at_ns: int) -> None:
        self._board.note(told, at_ns)

    def breathe(self) -> None:
        self._live.update(self._board.draw(), refresh=True)

    def close(self) -> None:
        self.breathe()
        self._live.stop()
