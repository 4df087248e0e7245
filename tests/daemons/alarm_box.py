"""A box with nothing but its alarm daemon: a real process on virtual wires, enrolled, no broker and no relay."""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.sim.bench import Bench
from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts, Tally
from edge.centre.trust import open_signer
from edge.config.apply import apply
from edge.config.load import SystemUsers
from edge.config.model import Lamp, Sounder
from edge.config.places import Places
from edge.core.seal import Signer, Use
from edge.core.words import SECOND_NS, Activation, Epoch, EventId, SiteId
from edge.daemons.alarm.kept import Kept
from edge.daemons.runtime import boot_id
from edge.field.children import Child
from edge.field.status import ask_status
from edge.link.frames import Row
from tests.daemons.bearer import Bearer

SITE: Final = SiteId("33.74.10.1004-010-005")
SITE_TOML: Final = """\
kit = "{kit}"

[site]
id = "{site}"
name = "RT 005 / RW 010 Tembalang"
rt = "005"
rw = "010"

[panel]
{panel}
"""
SIREN_MAX_S: Final = 5.0  # a stolen core, not a promise
PATIENCE_S: Final = 15.0
ALARM: Final = ("-m", "edge.daemons.alarm")

Wrap = Callable[[Sequence[str]], Sequence[str]]


class AlarmBox:
    """Enter to set it up; then `alarm.start(); alarm.wait_ready()`.

    panel:  lines of site.toml's [panel]
    entry:  what Python runs as the daemon
    wrap:   puts a command before it (strace, unshare, setpriv)
    """

    def __init__(
        self,
        folder: Path,
        *,
        kit: str = "lab",
        panel: str = "",
        entry: Sequence[str] = ALARM,
        wrap: Wrap = lambda command: command,
    ) -> None:
        self._folder = folder
        self._toml = SITE_TOML.format(kit=kit, site=SITE, panel=panel)
        self._entry = entry
        self._wrap = wrap
        self._open = ExitStack()
        self.places: Final = Places(folder / "box")
        self.centre: Final = CentrePlaces(folder / "centre")

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.box = enrol_here(Authority.make(self.centre), self.places, SITE)
        self.public = Signer((self.places.secrets / "box.key").read_bytes()).public
        self.places.site.write_text(self._toml, encoding="utf-8")
        self.site = apply(self.places, self.places.site, SystemUsers()).configuration
        self.wires = self._open.enter_context(Bench(self.places.run / "sim"))
        self.alarm = self.alarm_under(self._wrap)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def alarm_under(self, wrap: Wrap) -> Child:
        """The daemon of another command, for `alarm` from the next start on."""
        command = wrap([sys.executable, *self._entry, "--root", str(self.places.root)])
        environment = {"CREDENTIALS_DIRECTORY": str(self.places.secrets)}
        child = Child("alarm", list(command), self._folder / "alarm.log", environment)
        self._open.callback(child.stop)
        return child

    def bearer(self) -> Bearer:
        return self._open.enter_context(Bearer(self.places.link))

    def start(self) -> None:
        self.alarm.start()
        self.alarm.wait_ready()

    def line_of(self, name: str) -> str:
        """The pin of a zone, sounder or lamp."""
        pins = {zone.id: zone.pin for zone in self.site.zones}
        return (pins | {each.id: each.pin for each in self._outputs})[name]

    def receipt(self, rows: Iterable[Row], ask: tuple[tuple[Epoch, int, int], ...] = ()) -> bytes:
        """What the centre says of these rows, and what it asks for."""
        tally = Tally()
        tally.ask = ask
        for row in rows:
            tally.stored(EventId(row.epoch, row.seq), row.raw)
        receipts = Receipts(open_signer(self.centre, Use.RECEIPT), "Pusat Uji")
        (dispatch,) = receipts.write(self.box, tally, "2025-08-17T03:00:00Z")
        return dispatch.raw

    @property
    def _outputs(self) -> tuple[Sounder | Lamp, ...]:
        return (*self.site.sounders, *self.site.lamps)

    # ---- what must hold whatever is broken ---------------------------------------------------------------------------

    def sounds(self, zone: str = "", *, kept: bool = True, let_go: bool = True) -> bool:
        """Press a button (the first one, unless told otherwise), see the siren sound for this press, let it go.

        kept:   it may be sounding already; what is kept in /run says that this press prolonged it
        let_go: False holds it on
        """
        pin = self.line_of(zone or self.site.zones[0].id)
        before = len(self.strokes("sirene"))
        pressed_ns = self.wires.press(pin)
        until_ns = pressed_ns + int(self.site.panel.sound_s * SECOND_NS)

        def heard(_bench: Bench) -> bool:
            stroke = any(on for _, on in self.strokes("sirene")[before:])
            return stroke and (not kept or any(each.until_ns >= until_ns for each in self.activations()))

        try:
            return self.wires.watch(heard, SIREN_MAX_S)
        finally:
            if let_go:
                self.wires.release(pin)

    def strokes(self, output: str) -> list[tuple[int, bool]]:
        """(boot clock, on) of an output since the box was made."""
        (wired,) = (each for each in self._outputs if each.id == output)
        high_on = wired.relay == "high-on"
        return [(stroke.at_ns, stroke.level == high_on) for stroke in self.wires.trace() if stroke.line == wired.pin]

    def activations(self) -> tuple[Activation, ...]:
        """What the daemon keeps in /run for its own next life."""
        return Kept(self.places.activations, boot_id()).read()

    def shows(self, lamp: str) -> bool:
        """Wait until the lamp says so."""
        return self.wires.watch(lambda _bench: ask_status(self.places)["lamp"] == lamp, PATIENCE_S)

    def said(self, words: str, within_s: float = PATIENCE_S) -> bool:
        """Wait until the daemon's log holds `words`."""
        return self.wires.watch(lambda _bench: words in self.alarm.output(), within_s)
