"""The one who plays with the stage: presses, pulls, kills and silences, looks at everything, revives what died."""

import threading
from pathlib import Path
from typing import Final

from drivers.lines import active, on_level
from drivers.mqtt_centre import SessionLost
from drivers.ports import ContactWiring, OutputWiring
from edge.config.model import Lamp, Sounder, Zone
from edge.core.faults import Wording
from edge.core.words import SECOND_NS
from edge.field.children import Child, ChildFailed
from edge.field.orders import open_alarms, order_silence, own_signer
from edge.field.sight import BoxSight, Ear, OutputSight, Quiet, Sight, ZoneSight, centre_lines
from edge.field.stage import Stage

RESTART_NS: Final = SECOND_NS // 10  # RestartSec of kentongan-alarm.service
READ_CENTRE_NS: Final = SECOND_NS // 4
CENTRE_LINES: Final = 40  # more than a tall terminal shows
SILENCE_MAX_S: Final = 3.0
MILLISECOND_NS: Final = SECOND_NS // 1000


class Player:
    """Used by the main thread alone: the kernel ends a child when the *thread* that started it ends."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ear = Ear(stage.places.link / "cli.sock")
        self._revivals = [Revival(child) for child in (stage.alarm, stage.relay, stage.centre)]
        self._zones = {str(number): zone for number, zone in enumerate(stage.site.zones, start=1)}
        self._told = BoxSight()
        self._quiet: tuple[str, Quiet] | None = None
        self._plugged = True
        self._died_ns: int | None = None
        self._armed_after_ms: float | None = None
        self._centre: tuple[str, ...] = ()
        self._read_centre_ns = -READ_CENTRE_NS
        self._silencing: threading.Thread | None = None
        self._notice = Wording("Tekan tombol, lalu lihat sirene dan lampu.", "Press a button; watch siren and lamp.")

    @property
    def root(self) -> Path:
        """Of the box."""
        return self._stage.places.root

    def close(self) -> None:
        if self._silencing is not None:
            self._silencing.join()
        self._ear.close()

    # ---- hands -------------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """Do what a key stands for; other keys do nothing."""
        if key in self._zones:
            self._toggle(self._zones[key])
        elif key == "c":
            self._switch_cable()
        elif key == "k":
            self._kill()
        elif key == "s":
            self._silence()

    def _toggle(self, zone: Zone) -> None:
        pressed = self._is_pressed(zone)
        if pressed:
            self._stage.wires.release(zone.pin)
        else:
            self._stage.wires.press(zone.pin)
            told = self._told
            quiet = Quiet(told.sounding, told.face, sounds_now=told.sounding, face_now=told.face)
            self._quiet = (zone.id, quiet) if zone.silent else None
        label = zone.label or zone.id
        self._notice = Wording(f"{label}: dilepas", f"{label}: released")
        if not pressed:
            self._notice = Wording(f"{label}: ditekan, tetap tertekan", f"{label}: pressed, and stays pressed")

    def _switch_cable(self) -> None:
        self._plugged = not self._plugged
        if self._plugged:
            self._stage.cable.plug()
            self._notice = Wording("Kabel dipasang.", "The cable is back.")
        else:
            self._stage.cable.pull()
            self._notice = Wording("Kabel dicabut: alarm menunggu di disk.", "Cable pulled: alarms wait on the disk.")

    def _kill(self) -> None:
        try:
            killed = self._stage.alarm.kill()
        except ChildFailed:
            return  # dead already
        self._notice = Wording(f"SIGKILL ke program alarm {killed}.", f"SIGKILL to the alarm program {killed}.")

    def _silence(self) -> None:
        if self._silencing is not None and self._silencing.is_alive():
            return
        self._notice = Wording("Pusat memerintahkan diam ...", "The centre orders silence ...")
        self._silencing = threading.Thread(target=self._order_silence, name="operator", daemon=True)
        self._silencing.start()

    def _order_silence(self) -> None:
        """In a thread of its own: the box may be out of reach."""
        places, audible = self._stage.centre_places, {zone.id for zone in self._stage.site.zones if not zone.silent}
        try:
            alarms = [alarm for alarm in open_alarms(places) if alarm.zone in audible]
            answers = [
                order_silence(places, self._stage.box, alarm.alarm, own_signer(places), within_s=SILENCE_MAX_S)
                for alarm in alarms
            ]
        except SessionLost as lost:
            self._notice = Wording(f"Perintah tidak terkirim: {lost}", f"The order did not leave: {lost}")
            return
        results = [answer.reply.result if answer.reply else "" for answer in answers]
        self._notice = _told_of(results)

    # ---- eyes --------------------------------------------------------------------------------------------------------

    def look(self, now_ns: int) -> Sight:
        """Everything there is to see now; revives what has died on the way."""
        self._told = self._ear.listen(now_ns)
        self._revive(now_ns)
        if now_ns - self._read_centre_ns >= READ_CENTRE_NS:
            self._read_centre_ns = now_ns
            self._centre = centre_lines(self._stage.centre.output(), CENTRE_LINES)
        site = self._stage.site
        return Sight(
            site=site.site.name,
            box=self._stage.box,
            zones=tuple(self._zone(key, zone) for key, zone in self._zones.items()),
            siren=self._output(site.sounders[0]),
            lamp=self._output(site.lamps[0]),
            told=self._told,
            plugged=self._plugged,
            armed_after_ms=self._armed_after_ms,
            centre=self._centre,
            notice=self._notice,
        )

    def _revive(self, now_ns: int) -> None:
        for revival in self._revivals:
            revival.look(now_ns)
        if not self._stage.alarm.running and self._died_ns is None:
            self._died_ns = now_ns
        if self._died_ns is not None and self._told.face is not None and self._stage.alarm.running:
            self._armed_after_ms = (now_ns - self._died_ns) / MILLISECOND_NS
            self._died_ns = None

    def _zone(self, key: str, zone: Zone) -> ZoneSight:
        quiet: Quiet | None = None
        if self._quiet is not None and self._quiet[0] == zone.id:
            before = self._quiet[1]
            quiet = Quiet(before.sounding, before.face, sounds_now=self._told.sounding, face_now=self._told.face)
        said = dict(self._told.zones).get(zone.id, "")
        pressed = self._is_pressed(zone)
        return ZoneSight(key, zone.label or zone.id, zone.kind, zone.silent, pressed, said, quiet)

    def _is_pressed(self, zone: Zone) -> bool:
        wiring = ContactWiring(zone.pin, contact=zone.contact, wiring=zone.wiring)
        return active(wiring, self._stage.wires.level(zone.pin))

    def _output(self, output: Sounder | Lamp) -> OutputSight:
        lit = self._stage.wires.level(output.pin) == on_level(OutputWiring(output.pin, relay=output.relay))
        return OutputSight(output.pin, lit)


class Revival:
    """Starts a child again 100 ms after it was found dead, as systemd would."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._again_ns: int | None = None

    def look(self, now_ns: int) -> None:
        if self._child.running:
            self._again_ns = None
        elif self._again_ns is None:
            self._again_ns = now_ns + RESTART_NS
        elif now_ns >= self._again_ns:
            self._again_ns = None
            self._child.start()


def _told_of(results: list[str]) -> Wording:
    done = results.count("done")
    if not results:
        return Wording("Pusat tidak punya alarm yang terbuka.", "The centre has no open alarm.")
    if "" in results:
        return Wording("Boks tidak menjawab perintah pusat.", "The box did not answer the centre's order.")
    if done < len(results):
        refused = len(results) - done
        return Wording(f"Boks menolak {refused} perintah diam.", f"The box refused {refused} orders to be silent.")
    return Wording(f"Boks mematuhi pusat: {done} alarm didiamkan.", f"The box obeyed the centre: {done} silenced.")
