"""A real press is a call for help: it sounds, it is told, and it may confirm another."""

from edge.core import contact_id
from edge.core.alarms import Alarm, Alarms, Press
from edge.core.confirmation import Confirmation
from edge.core.plan import PanelPlan, ZonePlan
from edge.core.records import Records, zone_subject
from edge.core.sounding import Sounding
from edge.core.troubles import Troubles
from edge.core.words import SECOND_NS, EventClass, Json, Status

CAP_REACHED = "E-SOUND-CAP"


class Calls:
    def __init__(
        self,
        *,
        plan: PanelPlan,
        records: Records,
        alarms: Alarms,
        sounding: Sounding,
        troubles: Troubles,
        confirmation: Confirmation,
    ) -> None:
        self._plan = plan
        self._records = records
        self._alarms = alarms
        self._sounding = sounding
        self._troubles = troubles
        self._confirmation = confirmation

    def call(self, zone: ZonePlan, press: Press, now_ns: int) -> None:
        """Sound, whatever came before; a new alarm, or one press more of the zone's open one."""
        others = self._confirming(zone, press)
        alarm = self._alarms.continue_storm(zone, press)
        if alarm is None:
            alarm = self._alarms.begin(zone, press, now_ns)
            # What a silent zone did must not be read off a record that the lamp follows.
            alarm.confirmed = any(zone.silent or not each.zone.silent for each in others)
            self._tell(alarm, press, self._sound(alarm, now_ns))
        else:
            self._sound(alarm, now_ns)
        self._confirm(alarm, others)

    def _confirming(self, zone: ZonePlan, press: Press) -> list[Alarm]:
        """Alarms of other zones that this press confirms, and that confirm it."""
        if not press.is_held or not self._confirmation.is_clean(press.at_ns):
            return []
        others = (each for each in self._alarms.remembered() if each.zone.id != zone.id and not each.cancelled)
        return [each for each in others if self._confirmation.in_time(each.at_ns, press.at_ns)]

    def _confirm(self, alarm: Alarm, others: list[Alarm]) -> None:
        for each in others:
            each.openly_confirmed = each.openly_confirmed or not alarm.zone.silent
            alarm.openly_confirmed = alarm.openly_confirmed or not each.zone.silent
            if not each.confirmed:
                self._alarms.confirm(each, alarm.zone)
        if others and not alarm.confirmed:
            self._alarms.confirm(alarm, others[0].zone)

    def _sound(self, alarm: Alarm, now_ns: int) -> int:
        """Claim the sounders for one press; returns the granted ns."""
        if alarm.zone.silent or not self._sounding.has_sounders:
            return 0
        pattern = self._plan.pattern(alarm.zone.kind)
        granted_ns = self._sounding.press(alarm.name, alarm.zone.id, pattern, self._plan.sound_ns, now_ns)
        if granted_ns < self._plan.sound_ns:
            self._troubles.trouble(CAP_REACHED, contact_id.SOUNDER, "15 minutes of sound in one hour are spent")
        return granted_ns

    def _tell(self, alarm: Alarm, press: Press, granted_ns: int) -> None:
        zone = alarm.zone
        content: dict[str, Json] = {
            "alarm": alarm.name,
            "kind": zone.kind.value,
            "cid": contact_id.new(contact_id.alarm_code(zone.kind, silent=zone.silent)),
            "status": Status.ACTUAL.value,
            "zone": zone.id,
            "held_ms": press.held_ns // 1_000_000,
            "confirmed": alarm.confirmed,
            "presses": press.count,
            "sounder": self._sounder(zone, granted_ns),
        }
        subject = zone_subject(zone.id)
        shown, decided_ns = not zone.silent, press.decided_ns
        self._records.add(EventClass.ALARM, "alarm", subject, content, id=alarm.id, shown=shown, at_ns=decided_ns)

    def _sounder(self, zone: ZonePlan, granted_ns: int) -> dict[str, Json]:
        if zone.silent:
            return {"pattern": "", "state": "silent", "max_s": 0}
        state = "sounding" if granted_ns else "capped" if self._sounding.has_sounders else "none"
        pattern = self._plan.pattern(zone.kind)
        return {"pattern": pattern, "state": state, "max_s": granted_ns // SECOND_NS}
