"""The panel's thread: edges and words in, siren first, then the lamp, then the record. It waits for nothing else."""

import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from edge.core import codes
from edge.core.lamps import BLINK, Face, Lamps
from edge.core.panel import Panel
from edge.core.patterns import Switch, articulated
from edge.core.profiles import timeline_of
from edge.core.words import (
    SECOND_NS,
    Activation,
    Effect,
    EventClass,
    EventId,
    Hush,
    Identify,
    Keep,
    Noted,
    Pressed,
    Recalled,
    Record,
    Released,
    Restored,
    Sound,
    SounderId,
    Stimulus,
    Switched,
    Tick,
    Touched,
    Troubled,
    ZoneId,
)
from edge.daemons.alarm.kept import Kept
from edge.daemons.alarm.lines import LAMPS, Lines
from edge.daemons.alarm.notes import debt_in, names_in, refusal_in
from edge.daemons.alarm.outputs import LEASE_NS, OutputFailed, OutputMended, Played, Slot
from edge.daemons.alarm.past import Birth, Past
from edge.daemons.alarm.posts import Delivered, Edge, Leave, Lost, Ordered, Received, Stop, Undurable, Waits
from edge.daemons.alarm.voice import View
from edge.daemons.border import Border
from edge.ledger.told import Failed, Mended, Opened, Stored, Told

log = logging.getLogger("kentongan.alarm")

RENEW_NS: Final = SECOND_NS
LINGER_NS: Final = 3_000_000  # siren, ledger and link have the interpreter to themselves before our own chores want it
FOREVER_NS: Final = 2**62


Post = Edge | Stop | Leave | Stimulus | Ordered | Delivered | Told | Played | OutputFailed | OutputMended


class Write(Protocol):
    """Sign, freeze and hand on (edge.daemons.alarm.scribe)."""

    def __call__(self, record: Record, at_ns: int, notes: Mapping[str, object] | None = None) -> object: ...


class Keeper:
    """One queue, one loop. Everything that can wait is somewhere else."""

    def __init__(
        self,
        *,
        inbox: "queue.SimpleQueue[Post]",
        lines: Lines,
        switches: Mapping[SounderId, Switch],
        panel: Panel,
        lamps: Lamps,
        write: Write,
        note: Callable[[Mapping[str, object]], None],
        show: Callable[[View], None],
        kept: Kept,
        birth: Birth,
        boot_ns: Callable[[], int],
        alive: Callable[[], None],
    ) -> None:
        self._inbox = inbox
        self._lines = lines
        self._switches = switches
        self._panel = panel
        self._lamps = lamps
        self._write = write
        self._show = show
        self._kept = kept
        self._past = Past(birth, kept, note, boot_ns())
        self._boot = birth.boot
        self._boot_ns = boot_ns
        self._alive = alive
        self._sounding: dict[SounderId, Activation] = {}
        self._face: Face | None = None
        self._shown: set[EventId] = set()
        self._failed_outputs: dict[str, str] = {}
        self._lit_troubles: frozenset[str] = frozenset()
        self._last_face: Face | None = None
        self._last_since_ns = 0
        self._renew_ns = 0
        self._leaving = False
        self._border = Border(log, "panel")
        self.stopped = False

    # ---- the loop ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Take what is still sounding and what is closed already; then `run`."""
        now_ns = self._boot_ns()
        activations = self._kept.read()
        self._apply(self._panel.restore(activations, now_ns, self._kept.bypassed), now_ns)
        self._each(self._lines.open(now_ns), now_ns)
        self._recall_here(now_ns)
        self._light(now_ns)
        self._show(self._view())

    def _recall_here(self, now_ns: int) -> None:
        """What /run remembers of each contact: open now is let go, closed and told goes on, closed and raised waits."""
        held, zones = self._past.held_here(), self._lines.zones()
        open_now = [zone for zone, state in zones.items() if state == "normal"]
        self._kept_or_said(partial(self._kept.release, now_ns, *open_now))
        for zone in held.difference(open_now):
            self._each(self._lines.recall(ZoneId(zone), now_ns, held=True, stuck=False), now_ns)
        self._past.doubt(zone for zone, state in zones.items() if state == "closed")

    def run(self) -> None:
        while not self.stopped:
            self._border.call(self.turn)

    def turn(self) -> None:
        """Wait for the next thing, take all that comes with it, then do what is due."""
        until_ns = self._boot_ns() + int(self._patience_s() * SECOND_NS)
        with suppress(queue.Empty):
            for _ in range(256):
                post = self._inbox.get(timeout=max(0.0, (until_ns - self._boot_ns()) / SECOND_NS))
                self._border.call(self._take, post, self._boot_ns())
                until_ns = min(until_ns, self._boot_ns() + LINGER_NS)
        now_ns = self._boot_ns()
        self._border.call(self._take, Tick(), now_ns)
        for chore in (self._renew, self._light, self._tell_how_it_is):
            self._border.call(chore, now_ns)
        if self._leaving and self._is_quiet(now_ns):
            log.info("leaving to begin again with another configuration")
            self.stopped = True

    def _is_quiet(self, now_ns: int) -> bool:
        """Nobody calls, nothing sounds, no finger is on a button: half a second without us costs nobody anything."""
        return self._panel.is_quiet(now_ns) and "closed" not in self._lines.zones().values()

    def _patience_s(self) -> float:
        due = [self._renew_ns, self._lines.due_ns]
        due += [at for at in (self._panel.due_ns, self._lamps.due_ns, self._past.survive_ns) if at is not None]
        return min(1.0, max(0.0, (min(due) - self._boot_ns()) / SECOND_NS))

    def _take(self, post: Post, now_ns: int) -> None:
        match post:
            case Edge():
                self._edge(post, now_ns)
            case Tick():
                self._each(self._lines.advance(now_ns), now_ns)
                self._handle(post, now_ns)
                self._tell_past(None, now_ns)
                self._past.survived(now_ns)
            case Stored() | Received() | Undurable() | Lost() | Waits():
                self._delivered(post, now_ns)
            case Ordered(stimulus, answered):
                answered(refusal_in(self._handle(stimulus, now_ns)))
            case Opened() | Failed() | Mended():
                self._ledger(post, now_ns)
            case Played(name, playing, at_ns):
                if not name.startswith(LAMPS):
                    self._handle(Switched(SounderId(name), playing, at_ns), now_ns)
            case OutputFailed(name, error):
                log.error("%s output failed  output=%s cause=%s", error.code, name, error)
                self._failed_outputs[name] = f"{error.code}/{name}"
                self._handle(Troubled(self._failed_outputs[name], "321", str(error)), now_ns)
            case OutputMended(name):
                self._handle(Restored(self._failed_outputs.pop(name)), now_ns)
            case Stop():
                self.stopped = True
            case Leave():
                self._leaving = True
            case _:
                self._handle(post, now_ns)  # type: ignore[arg-type]  # the rest of Told never comes here

    def _edge(self, edge: Edge, now_ns: int) -> None:
        if not edge.active and edge.zone in self._lines.held():
            self._let_go(edge.zone, edge.at_ns)
        self._each(self._lines.edge(edge.zone, edge.at_ns, active=edge.active), now_ns)

    def _each(self, stimuli: Iterable[Stimulus], now_ns: int) -> None:
        for stimulus in stimuli:
            self._border.call(self._handle, stimulus, now_ns)

    def _handle(self, stimulus: Stimulus, now_ns: int) -> Sequence[Effect]:
        if isinstance(stimulus, Released):
            self._let_go(stimulus.zone, stimulus.at_ns)
        if isinstance(stimulus, Touched) and not self._panel.is_silent(stimulus.zone):
            self._lamps.touched(stimulus.at_ns)
        if isinstance(stimulus, Identify):
            self._lamps.identify(now_ns + stimulus.for_ns)
        if isinstance(stimulus, Pressed) and self._is_withheld(stimulus):
            return []
        effects = self._panel.handle(stimulus, now_ns)
        self._apply(effects, now_ns)
        return effects

    def _is_withheld(self, pressed: Pressed) -> bool:
        """Found closed at the start, and perhaps told before it: the ledger will know, the siren sounds already."""
        return self._lines.is_pressed_from_start(pressed.zone) and self._past.withholds(pressed)

    # ---- effects: siren, lamp, record --------------------------------------------------------------------------------

    def _apply(self, effects: Iterable[Effect], now_ns: int) -> None:
        records: list[Record] = []
        for effect in effects:
            if isinstance(effect, Record):
                records.append(effect)
            else:
                self._border.call(self._put_out, effect, now_ns)
        self._border.call(self._follow_troubles)
        self._border.call(self._light, now_ns)
        for record in records:  # an event that was not written is written once more: nobody else knows of it
            if not self._border.call(self._record, record, now_ns):
                self._border.call(self._record, record, now_ns)

    def _put_out(self, effect: Keep | Sound | Hush, now_ns: int) -> None:
        match effect:
            case Keep(activations):
                self._kept_or_said(partial(self._kept.keep, activations))
            case Sound(activation):
                self._sounding[activation.sounder] = activation
                self._play(activation, now_ns)
            case Hush(sounder):
                self._sounding.pop(sounder, None)
                self._rest(sounder)

    def _let_go(self, zone: ZoneId, at_ns: int) -> None:
        """Kept at the opening edge, before it settles: after a crash here, a closed contact is another press."""
        if not self._kept.is_released_since(zone, at_ns - 1):
            self._kept_or_said(partial(self._kept.release, at_ns, zone))

    def _kept_or_said(self, keep: Callable[[], None]) -> None:
        try:
            keep()
        except OSError as error:
            log.error("not kept in /run  cause=%s", error)

    def _play(self, activation: Activation, now_ns: int) -> None:
        worker = self._lines.workers.get(activation.sounder)
        if worker is not None:
            timeline = articulated(timeline_of(activation.pattern), self._switches[activation.sounder])
            worker.play(Slot(timeline, activation.phase_ns, min(activation.until_ns, now_ns + LEASE_NS)))

    def _rest(self, sounder: SounderId) -> None:
        worker = self._lines.workers.get(sounder)
        if worker is not None:
            worker.play(None)

    def _renew(self, now_ns: int) -> None:
        """Once a second: every lease, and the watchdog's, which this loop alone may feed."""
        if now_ns < self._renew_ns:
            return
        self._renew_ns = now_ns + RENEW_NS
        for sounder, activation in tuple(self._sounding.items()):
            if activation.until_ns <= now_ns:
                del self._sounding[sounder]
            else:
                self._play(activation, now_ns)
        self._face = None  # renews the lamps' leases too
        if self._lines.alive:
            self._alive()

    def _light(self, now_ns: int) -> None:
        face = self._lamps.face(now_ns)
        if face is self._face:
            return
        self._face = face
        for name, worker in self._lines.workers.items():
            if name.startswith(LAMPS):
                worker.play(Slot(BLINK[face], self._lit_since(face, now_ns), now_ns + LEASE_NS))

    def _lit_since(self, face: Face, now_ns: int) -> int:
        """A renewed lease keeps its rhythm; a new face begins with its first flash."""
        if face is not self._last_face:
            self._last_face, self._last_since_ns = face, now_ns
        return self._last_since_ns

    def _record(self, record: Record, now_ns: int) -> None:
        notes: dict[str, object] = {}
        if record.shown:
            self._lamps.raised(record.id)
            self._shown.add(record.id)
        if record.event_class is EventClass.ALARM:
            # In the alarm's own transaction: after a crash this press is known to be told already.
            held = self._lines.held()
            notes["held"] = {"boot": self._boot, "zones": {zone: str(ns) for zone, ns in held.items()}}
            self._kept_or_said(partial(self._past.telling, record, held))
        if record.event_class is EventClass.ALARM and self._sounding:
            notes["sounding"] = {"boot": self._boot, "at_ns": str(now_ns)}
            self._past.sounded(now_ns)
        if record.event_class in {EventClass.TROUBLE, EventClass.RESTORAL}:
            notes["stuck"] = sorted(zone for zone, state in self._lines.zones().items() if state == "stuck")
        notes |= debt_in(record)
        self._write(record, now_ns, notes)

    def _follow_troubles(self) -> None:
        shown = self._panel.shown_troubles
        for code in self._lit_troubles - shown:
            self._lamps.restored(code)
        for code in shown - self._lit_troubles:
            self._lamps.troubled(code)
        self._lit_troubles = shown
        if self._panel.bypassed != self._kept.bypassed:
            self._kept_or_said(partial(self._kept.bypass, self._panel.bypassed))
        self._lamps.bypassed(frozenset(zone for zone in self._panel.bypassed if not self._panel.is_silent(zone)))

    # ---- what the ledger and the centre say --------------------------------------------------------------------------

    def _delivered(self, post: Stored | Delivered, now_ns: int) -> None:
        if isinstance(post, Waits):
            self._shown.update(post.ids)
        if isinstance(post, Stored | Received):
            self._kept_or_said(partial(self._past.told, post.ids))
        for identity in post.ids:
            if identity not in self._shown:
                continue
            match post:
                case Stored() | Waits():
                    self._lamps.stored(identity, now_ns)
                case Undurable():
                    self._lamps.undurable(identity, now_ns)
                case Received():
                    self._lamps.received(identity, now_ns)
                    self._shown.discard(identity)
                case Lost():
                    self._lamps.lost(identity)
                    self._shown.discard(identity)

    def _ledger(self, post: Opened | Failed | Mended, now_ns: int) -> None:
        match post:
            case Opened():
                self._opened(post, now_ns)
            case Failed():
                self._ledger_failed(post, now_ns)
            case Mended():
                log.info("ledger back")
                self._each([Restored(each.code) for each in (codes.STATE_READONLY, codes.LEDGER_BROKEN)], now_ns)

    def _opened(self, opened: Opened, now_ns: int) -> None:
        self._delivered(Waits(tuple(row.id for row in opened.waiting if row.shown)), now_ns)
        if self._past.is_asked:
            noted = names_in(opened.notes.get("stuck"))
            stuck = frozenset(ZoneId(zone) for zone in self._lines.zones() if zone in noted)
            held, withheld = self._past.held(opened.notes.get("held")), self._past.withheld
            self._each(self._past.settle(opened.notes.get("held")), now_ns)
            for zone in self._lines.zones():
                name = ZoneId(zone)
                if name in held - withheld and self._lines.is_pressed_from_start(name):
                    self._handle(Noted("press-told-twice", {"zone": zone}), now_ns)
                self._each(self._lines.recall(name, now_ns, held=name in held, stuck=name in stuck), now_ns)
            self._handle(Recalled(stuck, self._past.brownouts(opened.notes)), now_ns)
        self._tell_past(opened, now_ns)

    def _ledger_failed(self, failed: Failed, now_ns: int) -> None:
        meaning = codes.LEDGER_BROKEN if failed.corrupt else codes.STATE_READONLY
        fault = meaning.fault(what=failed.text if failed.corrupt else "ledger", why=failed.text)
        log.error("%s  do=%s", fault.line(), fault.fix.en)
        self._handle(Troubled(meaning.code, "", failed.text), now_ns)

    def _tell_past(self, opened: Opened | None, now_ns: int) -> None:
        if (record := self._past.first(opened, now_ns)) is not None:
            self._each(self._past.settle(None), now_ns)
            self._write(record, self._past.born_ns)

    def _tell_how_it_is(self, _now_ns: int) -> None:
        self._show(self._view())

    def _view(self) -> View:
        panel = self._panel
        zones = {zone: "bypassed" if zone in panel.bypassed else state for zone, state in self._lines.zones().items()}
        sounders = {str(name): "sounding" if name in self._sounding else "quiet" for name in self._switches}
        return View(
            zones=zones, sounders=sounders, troubles=tuple(sorted(panel.shown_troubles)),
            lamp=str(self._last_face or ""), causes=panel.causes,
            silent=frozenset(zone for zone in zones if panel.is_silent(ZoneId(zone))),
        )  # fmt: skip
