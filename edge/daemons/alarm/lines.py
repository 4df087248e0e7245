"""The box's wires: opens every line the site has, goes on without those it cannot have, and tries them again."""

import logging
from collections.abc import Callable
from typing import Final

from drivers.ports import Board, ContactWiring, DriverError, Output, OutputWiring
from drivers.ports import Contact as ContactPort
from edge.config.model import Configuration, Zone
from edge.core import codes
from edge.core.debounce import Debouncer, timing
from edge.core.faults import Meaning
from edge.core.words import SECOND_NS, Contact, Restored, Troubled, ZoneId
from edge.daemons.alarm.outputs import OutputWorker

log = logging.getLogger("kentongan.alarm")

RETRY_NS: Final = 5 * SECOND_NS
SCAN_NS: Final = SECOND_NS  # every level is read this often: an edge that never came is found
LAMPS: Final = "lamp:"  # prefix of a lamp worker's name; sounders go by their id

Post = Callable[[object], None]


class Lines:
    """Contacts with their debouncers and outputs with their workers. All methods run in the panel's thread."""

    def __init__(
        self,
        site: Configuration,
        open_board: Callable[[], Board],
        edge: Callable[[ZoneId, bool, int], None],
        post: Post,
        boot_ns: Callable[[], int],
        *,
        patience_ns: int = 0,
    ) -> None:
        """edge:        called with (zone, active, at_ns) from the driver's thread; it only enqueues
        patience_ns: how long a contact closed at the start waits for what the ledger remembers of it
        """
        self._site = site
        self._open_board = open_board
        self._edge = edge
        self._post = post
        self._boot_ns = boot_ns
        self._patience_ns = patience_ns
        self._board: Board | None = None
        self._contacts: dict[ZoneId, ContactPort] = {}
        self._debouncers: dict[ZoneId, Debouncer] = {}
        self.workers: Final[dict[str, OutputWorker]] = {}
        self._outputs: list[Output] = []
        self._troubles: dict[str, str] = {}  # line -> the code it was blamed with
        self._retry_ns = 0
        self._scan_ns = 0
        self._edge_faults = 0

    def open(self, now_ns: int) -> list[Contact]:
        """Open outputs, then contacts, whatever is not open yet; returns what closed contacts mean at the start."""
        self._retry_ns = now_ns + RETRY_NS
        if self._board is None and not self._tried("board", self._take_board):
            return []
        for sounder in self._site.sounders:
            self._open_output(sounder.id, OutputWiring(sounder.pin, sounder.relay))
        for lamp in self._site.lamps:
            self._open_output(LAMPS + lamp.id, OutputWiring(lamp.pin, lamp.relay))
        return [found for zone in self._site.zones for found in self._open_contact(zone)]

    def edge(self, zone: ZoneId, at_ns: int, *, active: bool) -> list[Contact]:
        debouncer = self._debouncers.get(zone)
        return debouncer.edge(active=active, at_ns=at_ns) if debouncer else []

    def advance(self, now_ns: int) -> list[Contact]:
        """Let time pass: deadlines with the level read now, and once a second every level."""
        found: list[Contact] = []
        if now_ns >= self._retry_ns and self._incomplete:
            found += self.open(now_ns)
        scan = now_ns >= self._scan_ns
        if scan:
            self._scan_ns = now_ns + SCAN_NS
            self._count_faults()
        for zone, debouncer in self._debouncers.items():
            due_ns = debouncer.due_ns
            if scan or (due_ns is not None and due_ns <= now_ns):
                found += debouncer.advance(now_ns, level=self._level(zone))
        return found

    def recall(self, zone: ZoneId, now_ns: int, *, held: bool, stuck: bool) -> list[Contact]:
        """What the ledger remembers of a contact that was closed at the start."""
        debouncer = self._debouncers.get(zone)
        if debouncer is None:
            return []
        if stuck:
            return debouncer.recall_stuck(now_ns)
        return debouncer.recall_held(now_ns) if held else debouncer.recall_normal(now_ns)

    def held(self) -> dict[str, int]:
        """First edge of every press that was decided and is not over, by zone."""
        since = {zone: debouncer.held_since_ns for zone, debouncer in self._debouncers.items()}
        return {zone: at_ns for zone, at_ns in since.items() if at_ns is not None}

    def is_pressed_from_start(self, zone: ZoneId) -> bool:
        """Closed at the start, and taken for a new press before anybody remembered it."""
        debouncer = self._debouncers.get(zone)
        return debouncer is not None and debouncer.pressed_from_start

    @property
    def due_ns(self) -> int:
        due = [at for debouncer in self._debouncers.values() if (at := debouncer.due_ns) is not None]
        return min([*due, self._scan_ns])

    @property
    def alive(self) -> bool:
        """False when edges can no longer arrive or an output has no worker: worth a restart."""
        board_alive = self._board is None or self._board.alive
        return board_alive and all(worker.alive for worker in self.workers.values())

    def zones(self) -> dict[str, str]:
        """Each zone's contact as people are told: normal, closed, stuck or fault."""
        words = {"rest": "normal", "holding": "closed", "held": "closed", "stuck": "stuck"}
        return {
            zone.id: words[self._debouncers[ZoneId(zone.id)].phase] if ZoneId(zone.id) in self._debouncers else "fault"
            for zone in self._site.zones
        }

    def close(self) -> None:
        """Every output off, then the lines."""
        for worker in self.workers.values():
            worker.stop()
        if self._board is not None:
            self._board.close()

    def _count_faults(self) -> None:
        """An edge whose callback raised reached nobody; the levels that are read now make up for it."""
        faults = self._board.sink_faults if self._board is not None else 0
        if faults > self._edge_faults:
            log.error("edge fault; going on  count=%d", faults)
        self._edge_faults = faults

    # ---- one line at a time ------------------------------------------------------------------------------------------

    @property
    def _incomplete(self) -> bool:
        wanted = len(self._site.zones) + len(self._site.sounders) + len(self._site.lamps)
        return len(self._contacts) + len(self.workers) < wanted

    def _take_board(self) -> None:
        self._board = self._open_board()

    def _open_output(self, name: str, wiring: OutputWiring) -> None:
        def take() -> None:
            assert self._board is not None
            output = self._board.output(wiring)
            self._outputs.append(output)
            self.workers[name] = OutputWorker(name, output, self._post, self._boot_ns)
            self.workers[name].start()

        if name not in self.workers:
            self._tried(wiring.line, take, part=name)

    def _open_contact(self, zone: Zone) -> list[Contact]:
        name = ZoneId(zone.id)
        found: list[Contact] = []

        def take() -> None:
            assert self._board is not None
            wiring = ContactWiring(zone.pin, zone.wiring, zone.contact)
            contact = self._board.contact(wiring, lambda active, at_ns: self._edge(name, active, at_ns))
            hold_ns = None if zone.hold_s is None else int(zone.hold_s * SECOND_NS)
            debouncer = Debouncer(name, timing(zone.button, hold_ns=hold_ns))
            try:
                active = contact.active
            except Exception:
                contact.close()  # the next try must find the line free
                raise
            read_ns = self._boot_ns()  # opening the lines before this one took its time: no press is older than itself
            found.extend(debouncer.start(active=active, now_ns=read_ns, patience_ns=self._patience_ns))
            self._contacts[name], self._debouncers[name] = contact, debouncer

        if name not in self._contacts:
            self._tried(zone.pin, take, shown=not zone.silent)
        return found

    def _level(self, zone: ZoneId) -> bool | None:
        try:
            return self._contacts[zone].active
        except Exception:  # noqa: BLE001  whatever a driver raises, the other zones are read too; edges still count
            return None

    def _tried(self, what: str, take: Callable[[], None], *, part: str = "", shown: bool = True) -> bool:
        """Do it, or say once what is wrong; say once when it is right again.

        part: whose trouble it is; a sounder's own name lets the panel use the backup ones
        """
        try:
            take()
        except Exception as error:  # noqa: BLE001  whatever a driver raises, the other lines are opened too
            meaning = _MEANINGS.get(error.code, codes.DRIVER) if isinstance(error, DriverError) else codes.DRIVER
            if what not in self._troubles:
                self._troubles[what] = f"{meaning.code}/{part or what}"
                fault = meaning.fault(what=str(error), where=what)
                log.error("%s  do=%s", fault.line(), fault.fix.en)
                self._post(Troubled(self._troubles[what], "380", str(error), lamp=shown))
            return False
        if what in self._troubles:
            log.info("%s back", what)
            self._post(Restored(self._troubles.pop(what)))
        return True


_MEANINGS: Final[dict[str, Meaning]] = {
    meaning.code: meaning
    for meaning in (
        codes.DEVICE_MISSING,
        codes.DEVICE_BUSY,
        codes.DEVICE_PERMISSION,
        codes.DEVICE_CONFIG,
        codes.DEVICE_PROTOCOL,
        codes.DRIVER,
    )
}
