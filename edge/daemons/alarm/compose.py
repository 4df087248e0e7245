"""The composition root of kentongan-alarm: reads, builds, wires, runs. Nothing here decides anything."""

import argparse
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from drivers.ports import Board, OutputWiring
from drivers.registry import open_board
from drivers.rest import note_rest
from edge.config.active import Reading, Source, read_active, read_bare
from edge.config.model import Configuration, Lamp, Sounder
from edge.config.places import Places
from edge.core import codes
from edge.core.calendar import Monthly
from edge.core.events import Author, read_event
from edge.core.faults import Exit, Fault
from edge.core.lamps import Lamps
from edge.core.numbers import Numbers
from edge.core.orders import Policy
from edge.core.outbox import Outbox
from edge.core.panel import Panel, PanelPlan, SounderPlan, ZonePlan
from edge.core.timing import Clock, TimeQuality
from edge.core.words import SECOND_NS, Epoch, Kind, Record, SiteId, SounderId, Troubled, ZoneId
from edge.daemons.alarm.beside import Beside
from edge.daemons.alarm.dispatch import Dispatch
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.gauges import Gauges, cpu_c, free_mb
from edge.daemons.alarm.identity import Identity, read_identity
from edge.daemons.alarm.keeper import Keeper, Post, Write
from edge.daemons.alarm.kept import DEATHS_LIMIT, Kept, Starts
from edge.daemons.alarm.keyring import Keyring
from edge.daemons.alarm.lines import Lines
from edge.daemons.alarm.past import Birth
from edge.daemons.alarm.posts import Edge, Stop
from edge.daemons.alarm.rounds import Rounds
from edge.daemons.alarm.scribe import Scribe
from edge.daemons.alarm.voice import View, Voice
from edge.daemons.runtime import Notifier, SystemClock, boot_id, on_stop, recent_lines, settle_memory, start_logging
from edge.ledger.ballast import Ballast
from edge.ledger.files import set_aside
from edge.ledger.ledger import Ledger
from edge.ledger.recorder import Recorder
from edge.ledger.told import Asked, Digests, Fetched, Loaded, Owed, Rescued, Told
from edge.link.frames import Role
from edge.link.server import LinkServer

log = logging.getLogger("kentongan.alarm")

RECALL_NS: Final = SECOND_NS // 2  # a ledger opens in 20 ms; a contact closed at the start waits no longer for it
KEYRING_S: Final = 1.0  # the end waits this long for a keyset on its way to the card
STACK_BYTES: Final = 256 * 1024  # ten threads; the default of 8 MB each would be pinned by mlockall as it fills


OpenLedger = Callable[[Path, Epoch], Ledger]


def main(
    argv: Sequence[str] | None = None, *, open_ledger: OpenLedger = Ledger, clock: Callable[[], Clock] = SystemClock
) -> int:
    """Run until SIGTERM. Returns an exit code of edge.core.faults.Exit."""
    parser = argparse.ArgumentParser(prog="kentongan-alarm")
    parser.add_argument("--root", type=Path, default=Path("/"))
    places = Places(parser.parse_args(argv).root)
    start_logging()
    threading.stack_size(STACK_BYTES)
    now = clock()
    with suppress(OSError):  # each part that wants /run says for itself what it misses there
        places.run.mkdir(parents=True, exist_ok=True)
    starts = Starts(places.run / "starts.json", now.boot_ns())
    deaths = starts.begin()
    reading = _configuration(places, deaths)
    if reading.configuration is None:
        _log(reading.faults)
        return Exit.CONFIGURATION
    box = _Box(places, reading.configuration, reading.source, now, deaths=deaths, open_ledger=open_ledger)
    box.blame(reading.faults)
    box.run()
    starts.end_orderly()
    return Exit.OK


def _log(faults: Iterable[Fault]) -> None:
    for fault in faults:
        log.error("%s  do=%s", fault.line(), fault.fix.en)


def _configuration(places: Places, deaths: int) -> Reading:
    reading = read_active(places)
    tested = reading.configuration is not None and reading.configuration.panel.lab
    if deaths < DEATHS_LIMIT or tested:
        return reading
    bare = read_bare(places)
    return replace(bare, faults=(codes.DEATHS.fault(count=deaths), *bare.faults))


@dataclass(frozen=True, slots=True)
class _Way:
    """What records and views are handed to: the ledger and the link, or nothing when only the pins are left."""

    write: Write
    note: Callable[[Mapping[str, object]], None]
    show: Callable[[View], None]
    start: Callable[[], None]
    stop: Callable[[], None]


class _Box:
    """Every part, made once, held for the life of the daemon."""

    def __init__(
        self,
        places: Places,
        site: Configuration,
        source: Source,
        clock: Clock,
        *,
        deaths: int,
        open_ledger: OpenLedger,
    ) -> None:
        self._places = places
        self._open_ledger = open_ledger
        self._site = site
        self._clock = clock
        self._boot = boot_id()
        self._inbox: queue.SimpleQueue[Post] = queue.SimpleQueue()
        self._notifier = Notifier()
        numbers = Numbers(Epoch(os.urandom(4).hex()))
        birth = Birth(numbers.next(), self._boot, deaths, source.value)
        self._way = self._nothing() if source is Source.BARE else self._world(numbers)
        self._lines = Lines(
            site,
            self._open_board,
            lambda zone, active, at_ns: self._inbox.put(Edge(zone, active, at_ns)),
            self._post,
            clock.boot_ns,
            patience_ns=0 if source is Source.BARE else RECALL_NS,
        )
        self._keeper = Keeper(
            inbox=self._inbox,
            lines=self._lines,
            switches={SounderId(sounder.id): sounder.switch for sounder in site.sounders},
            panel=Panel(plan_of(site), numbers),
            lamps=Lamps(),
            write=self._way.write,
            note=self._way.note,
            show=self._way.show,
            kept=Kept(places.activations, self._boot),
            birth=birth,
            boot_ns=clock.boot_ns,
            alive=self._notifier.alive,
        )

    def blame(self, faults: Sequence[Fault]) -> None:
        """Log what is wrong from the start, and show it: it stays wrong until the next one."""
        _log(faults)
        for fault in faults:
            self._inbox.put(Troubled(fault.code, "", fault.text.en))

    def run(self) -> None:
        on_stop(lambda: self._inbox.put(Stop()))
        self._keeper.begin()
        self._way.start()
        pinned = settle_memory()
        self._notifier.ready("siaga")
        log.info(
            "armed  site=%s zones=%d memory=%s",
            self._site.site.id,
            len(self._site.zones),
            "pinned" if pinned else "not pinned",
        )
        self._keeper.run()
        self._notifier.stopping()
        self._lines.close()
        self._way.stop()
        self._notifier.close()

    def _open_board(self) -> Board:
        """Leave in /run what must be driven off after our death, then open what drives it."""
        switched: tuple[Sounder | Lamp, ...] = (*self._site.sounders, *self._site.lamps)
        try:
            note_rest(self._places.run / "outputs", (OutputWiring(each.pin, each.relay) for each in switched))
        except OSError as error:
            log.warning("outputs stay as they are after our death  cause=%s", error)
        return open_board(self._site.driver, self._places.run / "sim")

    def _post(self, post: object) -> None:
        self._inbox.put(post)  # type: ignore[arg-type]  # workers post what keeper.Post lists

    def _nothing(self) -> _Way:
        def lose(record: Record, at_ns: int, notes: Mapping[str, object] | None = None) -> None:
            del at_ns, notes
            if record.shown:  # nothing else: a log is no place for what a silent zone does
                log.warning("not recorded, pins only  class=%s subject=%s", record.event_class, record.subject)

        return _Way(lose, lambda _notes: None, lambda _view: None, lambda: None, lambda: None)

    def _world(self, numbers: Numbers) -> _Way:
        identity = read_identity(self._places, SiteId(self._site.site.id))
        self.blame(identity.faults)
        author = Author(identity.box, identity.site, numbers.epoch, self._boot)
        recorder = self._recorder(numbers.epoch, identity.signer.public)
        voice = self._voice(author, identity)
        keyring = Keyring(identity.box, identity.keyset, identity.root_public, self._places.keyset)
        dispatch = self._dispatch(author, recorder, voice, keyring)
        self._told: Callable[[Told], None] = dispatch.told
        scribe = Scribe(author, identity.signer, self._clock, recorder, dispatch)

        def start() -> None:
            recorder.start()
            dispatch.start()

        def stop() -> None:
            recorder.stop()
            dispatch.stop()
            keyring.settle(KEYRING_S)

        return _Way(scribe.write, recorder.note, voice.show, start, stop)

    def _recorder(self, epoch: Epoch, public: bytes) -> Recorder:
        path = self._places.ledger

        def tell(told: Told) -> None:
            self._told(told)  # first: what is stored may leave
            if not isinstance(told, Fetched | Digests | Loaded | Asked | Owed | Rescued):  # for dispatch alone
                self._post(told)

        return Recorder(
            lambda: self._open_ledger(path, epoch),
            lambda: set_aside(path, epoch),
            tell,
            verify=partial(read_event, public=public),
            ballast=Ballast(path.parent),
        )

    def _voice(self, author: Author, identity: Identity) -> Voice:
        uplink = self._site.uplink
        return Voice(
            author, identity.signer, self._clock, _token, version=version("kentongan-edge"),
            generation=self._site.generation, beat_s=uplink.beat_s if uplink else 60.0,
            gauges=Gauges({"free_mb": lambda: free_mb(self._places.state), "cpu_c": cpu_c}),
        )  # fmt: skip

    def _dispatch(self, author: Author, recorder: Recorder, voice: Voice, keyring: Keyring) -> Dispatch:
        uids = {Role(role): uid for role, uid in self._site.link.uids.items()}
        return Dispatch(
            server=lambda hear, lost: LinkServer(self._places.link, uids, hear, lost, self._clock.boot_ns),
            recorder=recorder,
            outbox=Outbox(lambda: int.from_bytes(os.urandom(4)) / 2**32),
            gate=Gate(author.box, keyring, _token),
            voice=voice,
            policy=Policy(sound=self._site.panel.remote_sound, bypass=self._site.panel.remote_bypass),
            beside=Beside(self._places, self._site, recent_lines),
            rounds=self._rounds(author, recorder),
            post=self._post,
            boot_ns=self._clock.boot_ns,
            utc_s=self._trusted_utc_s,
        )

    def _rounds(self, author: Author, recorder: Recorder) -> Rounds:
        monthly = Monthly(self._site.panel.siren_test_day, self._site.panel.siren_test_at)
        return Rounds(self._clock, author, monthly, note=recorder.note, post=self._post)

    def _trusted_utc_s(self) -> int | None:
        synced = self._clock.quality() is TimeQuality.SYNCED
        return self._clock.utc_ns() // SECOND_NS if synced else None


def plan_of(site: Configuration) -> PanelPlan:
    """What the panel needs of a site: no pins, no polarity."""
    return PanelPlan(
        zones=tuple(ZonePlan(ZoneId(zone.id), zone.kind, zone.button, zone.silent) for zone in site.zones),
        sounders=tuple(SounderPlan(SounderId(each.id), each.switch, each.backup) for each in site.sounders),
        profile=site.panel.profile,
        sound_ns=int(site.panel.sound_s * SECOND_NS),
        storm_ns=int(site.panel.storm_s * SECOND_NS),
        calls={kind: str(getattr(site.calls, kind)) for kind in Kind},
    )


def _token() -> str:
    return os.urandom(12).hex()
