"""`kentongan demo`: the whole story with the real daemons on virtual wires, told with figures, or it exits 7."""

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from drivers.sim.lines import Stroke
from edge.centre import reader
from edge.centre.trust import CentreSigner
from edge.config.resources import CHECKOUT
from edge.core import codes
from edge.core.faults import Refused, Wording
from edge.core.seal import KEY_BYTES, Signer
from edge.field.broker import BrokerNotFound
from edge.field.console import Session, pass_session, session_options
from edge.field.orders import order_silence, own_signer
from edge.field.stage import Stage
from edge.field.status import ask_status

WITHIN_S: Final = 30.0  # safety bound of every wait; the whole story takes about 8 s


@click.command()
@click.option("--keep", is_flag=True, help="Tetap hidup, dengan papan tombol / stay, with a board of buttons")
@session_options
@pass_session
def demo(session: Session, *, keep: bool) -> int:
    """Peragaan lengkap tanpa perangkat / the whole story without hardware."""
    cache = CHECKOUT.parent / ".cache" if CHECKOUT.is_dir() else Path(tempfile.gettempdir())
    cache.mkdir(exist_ok=True)
    try:
        with (
            _ended_in_order(),
            tempfile.TemporaryDirectory(prefix="demo-", dir=cache) as folder,
            Stage(Path(folder), cache=cache) as stage,
        ):
            Story(stage, session).tell()
            if keep:
                from edge.field.board import keep_playing  # noqa: PLC0415  rich, for those who stay

                keep_playing(stage, session)
    except BrokerNotFound as error:
        raise Refused(codes.BROKER_MISSING.fault(what=str(error))) from error
    return 0


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM and a closed terminal end the story as Ctrl-C does: nothing is left behind."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, meaning in before.items():
            signal.signal(number, meaning)


class Story:
    """Each chapter presses, waits for what is promised, and prints what it measured."""

    def __init__(self, stage: Stage, session: Session) -> None:
        self._stage = stage
        self._session = session
        self._siren = stage.line_of("sirene")
        self._pressed: Counter[str] = Counter()
        self._began = time.monotonic()

    def tell(self) -> None:
        """Raises Refused (E-TEST-FAILED) at the first promise that is not kept."""
        for chapter in (self._set, self._press, self._silent, self._outage, self._forged, self._sum):
            chapter()

    # ---- chapters ----------------------------------------------------------------------------------------------------

    def _set(self) -> None:
        self._head("Panggung: broker, pusat, alarm, relay", "The stage: broker, centre, alarm, relay")
        self._stage.start()
        self._wait("the centre answers the first beat", lambda: bool(self._status()["receiver"]))
        self._fact("siaga, pusat menjawab", "armed, the centre answers", self._since_s(), "s")

    def _press(self) -> None:
        self._head("Tombol pos-ronda ditekan 1 detik", "The button pos-ronda is held for 1 second")
        pressed_ns = self._hold("pos-ronda")
        stroke = self._first_stroke(pressed_ns)
        journey = self._received()
        self._fact(
            "akhir tahan 1000 ms -> sirene",
            "end of the 1000 ms hold -> siren",
            (stroke.at_ns - pressed_ns) / 1e6 - 1000,
        )
        self._fact(
            "keputusan -> tersimpan di disk (lampu: mengirim)",
            "decision -> on disk (lamp: mengirim)",
            journey["stored"],
        )
        self._fact("keputusan -> broker (PUBACK)", "decision -> broker (PUBACK)", journey["published"])
        self._fact(
            "keputusan -> bukti pusat (lampu: diterima pusat)",
            "decision -> centre's receipt (lamp: diterima pusat)",
            journey["received"],
        )
        self._lamp("diterima")

    def _silent(self) -> None:
        self._head("Tombol senyap di warung", "The silent button at the warung")
        before = len(self._strokes_of("lampu")), self._status()["lamp"]
        self._hold("warung")
        self._wait("the silent alarm at the centre", lambda: self._at_centre()["warung"] == 1)
        after = self._status()["lamp"]
        self._check("the lamp tells nothing of a silent alarm", after == before[1])
        self._fact(
            "sampai di pusat; lampu dan sirene tidak berubah", "reached the centre; lamp and siren unchanged", "ok", ""
        )

    def _outage(self) -> None:
        self._head(
            "Kabel dicabut; dua tombol ditekan; program alarm dibunuh",
            "Cable pulled; two presses; the alarm daemon killed",
        )
        self._stage.cable.pull()
        for zone in ("masjid", "posyandu"):
            self._hold(zone)
        self._wait(
            "two alarms waiting", lambda: int(self._status()["waiting"]) >= 2 and "mengirim" in self._status()["lamp"]
        )
        self._fact("lampu", "lamp", str(self._status()["lamp"]), "")
        killed = self._stage.alarm.kill()
        gone_ns = time.monotonic_ns()
        self._stage.alarm.start()
        self._stage.alarm.wait_ready()
        self._fact(
            f"SIGKILL ke {killed}; siap lagi setelah",
            f"SIGKILL to {killed}; armed again after",
            (time.monotonic_ns() - gone_ns) / 1e6,
        )
        self._wait("the siren goes on within its cap", self._sounds)
        self._check("the centre has nothing yet", self._at_centre()["masjid"] == 0)
        back_ns = time.monotonic_ns()
        self._stage.cable.plug()
        self._wait(
            "both alarms at the centre", lambda: self._at_centre()["masjid"] + self._at_centre()["posyandu"] >= 2
        )
        self._wait("every event receipted", lambda: int(self._status()["waiting"]) == 0)
        self._fact(
            "kabel kembali -> keduanya diterima", "cable back -> both received", (time.monotonic_ns() - back_ns) / 1e6
        )
        self._lamp("diterima")

    def _forged(self) -> None:
        self._head("Perintah palsu, lalu perintah pusat", "A forged order, then the centre's own")
        alarms = [
            alarm.alarm
            for alarm in reader.alarms(self._stage.centre_places.store)
            if alarm.kind and alarm.zone != "warung"
        ]
        own = own_signer(self._stage.centre_places)
        forged = self._order(CentreSigner(own.kid, Signer(os.urandom(KEY_BYTES))), alarms[0])
        self._check("a forged order is refused", forged == "refused")
        self._check("the siren does not care about it", self._sounds())
        self._fact("perintah dengan kunci lain", "order signed with another key", forged, "")
        # What ended with the program that was killed is nobody's to silence; what sounds on is, and must end.
        answers = [self._order(own, alarm) for alarm in alarms]
        self._check("the centre's order is accepted", "done" in answers)
        self._wait("silence", lambda: not self._sounds())
        self._fact("perintah pusat `silence`: sirene diam", "the centre's `silence`: siren quiet", "ok", "")

    def _sum(self) -> None:
        self._head("Hitungan di pusat", "The count at the centre")
        stored = self._at_centre()
        self._check(f"each press exactly once, got {dict(stored)}", stored == self._pressed)
        twice = [row for row, times in self._identities().items() if times != 1]
        self._check(f"no event stored twice, got {twice}", not twice)
        total = sum(self._pressed.values())
        self._fact(
            "ditekan / diterima tepat sekali",
            "pressed / received exactly once",
            f"{total} / {sum(stored.values())}",
            "",
        )
        self._fact("seluruh cerita", "the whole story", self._since_s(), "s")

    # ---- hands and eyes ----------------------------------------------------------------------------------------------

    def _hold(self, zone: str) -> int:
        """Press until the box has decided, then let go; returns the press's boot-clock time."""
        line = self._stage.line_of(zone)
        before = self._newest()
        self._pressed[zone] += 1
        pressed_ns = self._stage.wires.press(line)
        self._wait(f"the box decides about {zone}", lambda: self._newest() != before or bool(self._at_centre()[zone]))
        self._stage.wires.release(line)
        return pressed_ns

    def _newest(self) -> str:
        return str((self._status()["journey"] or {}).get("id"))

    def _first_stroke(self, after_ns: int) -> Stroke:
        def found() -> bool:
            return any(stroke.at_ns > after_ns and stroke.level for stroke in self._strokes_of("sirene"))

        self._wait("the siren", found)
        return next(stroke for stroke in self._strokes_of("sirene") if stroke.at_ns > after_ns and stroke.level)

    def _sounds(self) -> bool:
        return str(self._status()["sounders"]["sirene"]) == "sounding"

    def _strokes_of(self, name: str) -> list[Stroke]:
        line = self._stage.line_of(name)
        return [stroke for stroke in self._stage.wires.trace() if stroke.line == line]

    def _received(self) -> dict[str, str]:
        self._wait("the centre's receipt", lambda: bool((self._status()["journey"] or {}).get("received")))
        journey: dict[str, str] = self._status()["journey"]
        return journey

    def _status(self) -> dict[str, Any]:
        return ask_status(self._stage.places)

    def _lamp(self, face: str) -> None:
        self._wait(f"the lamp shows {face}", lambda: self._status()["lamp"] == face)
        self._fact("lampu", "lamp", face, "")

    def _at_centre(self) -> Counter[str]:
        """Alarms at the centre by zone."""
        return Counter(
            str(row["zone"]) for row in reader.export(self._stage.centre_places.store) if row["name"] == "alarm"
        )

    def _identities(self) -> Counter[tuple[object, object, object]]:
        rows = reader.export(self._stage.centre_places.store)
        return Counter((row["box"], row["epoch"], row["seq"]) for row in rows)

    def _order(self, signer: CentreSigner, alarm: str) -> str:
        answer = order_silence(self._stage.centre_places, self._stage.box, alarm, signer, within_s=8.0)
        return answer.reply.result if answer.reply else "no answer"

    # ---- telling -----------------------------------------------------------------------------------------------------

    def _wait(self, what: str, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not reached():
            self._check(f"{what}, within {WITHIN_S:.0f} s", time.monotonic() < deadline)
            time.sleep(0.01)

    def _check(self, what: str, kept: object) -> None:
        if not kept:
            words = f"{what} | alarm: {self._stage.alarm.last_words()} | relay: {self._stage.relay.last_words()}"
            raise Refused(codes.TEST_FAILED.fault(what=what, where=words))

    def _head(self, indonesian: str, english: str) -> None:
        self._session.say(Wording(f"\n{indonesian}", f"\n{english}"))

    def _fact(self, indonesian: str, english: str, value: float | str, unit: str = "ms") -> None:
        shown = f"{value:9.2f}" if isinstance(value, float) else f"{value:>9}"
        self._session.say(Wording(f"  {indonesian:<58} {shown} {unit}", f"  {english:<58} {shown} {unit}"))

    def _since_s(self) -> float:
        return time.monotonic() - self._began
