"""What people ask of the panel: silence, cancel, sound, bypass, walk test. Local caps always win."""

from edge.core import contact_id
from edge.core.alarms import Alarm, Alarms
from edge.core.profiles import is_known
from edge.core.records import BOX, Records, by, zone_subject
from edge.core.sounding import Sounding
from edge.core.words import (
    SECOND_NS,
    Acknowledge,
    Bypass,
    Cancel,
    EventClass,
    Identify,
    Json,
    Operator,
    Purpose,
    Silence,
    SoundFor,
    Status,
    WalkTest,
    WayTest,
    ZoneId,
)
from edge.core.zones import BYPASS_NS, WALK_TEST_NS, Zones

CONSOLE = Operator("panel", "local")  # who ends what ends by itself


class Wishes:
    """Follow a wish or refuse it; either way it is recorded with who asked."""

    def __init__(self, records: Records, alarms: Alarms, sounding: Sounding, zones: Zones) -> None:
        self._records = records
        self._alarms = alarms
        self._sounding = sounding
        self._zones = zones

    # ---- alarms --------------------------------------------------------------------------------------------------

    def silence(self, wish: Silence, now_ns: int) -> None:  # noqa: ARG002 - every wish is asked in one way
        """Hush one alarm; what other alarms claim goes on."""
        known = self._alarms.find(wish.alarm) is not None
        hushed = wish.alarm in self._sounding.owners() and self._sounding.silence(wish.alarm)
        if not known and not hushed:
            self._records.refuse("silence", "unknown alarm", wish.by, {"alarm": wish.alarm})
            return
        self._records.audit("silenced", BOX, {"alarm": wish.alarm, "hushed": hushed, **by(wish.by)})

    def cancel(self, wish: Cancel, now_ns: int) -> None:
        """Contact ID 406: the alarm has left already and stays sent; a later press is a new alarm."""
        if wish.alarm is None:
            self._cancel_all(wish.by, now_ns)
        elif (alarm := self._alarms.find(wish.alarm)) is not None:
            self._cancel_one(alarm, wish.by)
        elif wish.alarm in self._sounding.owners():
            self._cancel_foreign(wish.alarm, wish.by)
        else:
            self._records.refuse("cancel", "unknown alarm", wish.by, {"alarm": wish.alarm})

    def acknowledge(self, wish: Acknowledge, now_ns: int) -> None:  # noqa: ARG002 - every wish is asked in one way
        """A human has taken it; the sound goes on until somebody silences it.

        An alarm of an earlier run is taken on the centre's word (`known` false): it was stored there before this box
        lost its power. One that this run never raised is refused.
        """
        if self._alarms.never_was(wish.alarm):
            self._records.refuse("acknowledge", "unknown alarm", wish.by, {"alarm": wish.alarm})
            return
        known = self._alarms.find(wish.alarm) is not None
        content: dict[str, Json] = {"alarm": wish.alarm, "ticket": wish.ticket, "known": known}
        self._records.audit("acknowledged", BOX, {**content, **by(wish.by)})

    def identify(self, wish: Identify, now_ns: int) -> None:  # noqa: ARG002 - every wish is asked in one way
        """The lamp is its keeper's; here it is only put on record."""
        self._records.audit("identified", BOX, {"for_s": wish.for_ns // SECOND_NS, **by(wish.by)})

    def _cancel_all(self, operator: Operator, now_ns: int) -> None:  # noqa: ARG002
        """The local key cannot name an alarm: all that can be heard or seen end, a silent one is neither."""
        sounding = self._sounding.owners()
        audible = [each for each in self._alarms.remembered() if not each.zone.silent and not each.cancelled]
        wanted = [each for each in audible if each in self._alarms.open or each.name in sounding]
        for purpose in (Purpose.REMOTE, Purpose.TEST):
            self._sounding.silence(purpose.value)
        for alarm in wanted:
            self._cancel_one(alarm, operator)
        for name in set(sounding) - {alarm.name for alarm in wanted}:
            self._cancel_foreign(name, operator)
        if not wanted and not sounding:
            self._records.audit("cancelled-nothing", BOX, by(operator))

    def _cancel_one(self, alarm: Alarm, operator: Operator) -> None:
        self._sounding.silence(alarm.name)
        if not alarm.cancelled:
            self._alarms.cancel(alarm, operator)

    def _cancel_foreign(self, alarm: str, operator: Operator) -> None:
        """An alarm of an earlier run of this boot: only its sound and its name are known."""
        self._sounding.silence(alarm)
        cid = contact_id.new(contact_id.CANCELLED)
        content: dict[str, Json] = {"alarm": alarm, "cid": cid, "status": Status.ACTUAL.value, "cancelled": True}
        self._records.add(EventClass.ALARM, "alarm-update", BOX, {**content, **by(operator)})

    # ---- sound ---------------------------------------------------------------------------------------------------

    def sound(self, wish: SoundFor, now_ns: int) -> None:
        asked = f"sound-{wish.purpose.value}"
        if wish.purpose is Purpose.PRESS:
            self._records.refuse(asked, "only a button presses", wish.by)
        elif wish.duration_ns <= 0:
            stopped = self._sounding.silence(wish.purpose.value)
            self._records.audit("sound-ended", BOX, {"purpose": wish.purpose.value, "hushed": stopped, **by(wish.by)})
        elif not is_known(wish.pattern):
            self._records.refuse(asked, "unknown pattern", wish.by, {"pattern": wish.pattern})
        elif wish.periodic and self._is_disturbing():
            self._records.refuse(asked, "not quiet", wish.by, {"pattern": wish.pattern})
        else:
            self._sound(wish, asked, now_ns)

    def _is_disturbing(self) -> bool:
        """A silent alarm counts too: its siren must not drive anybody to despair."""
        return bool(self._alarms.open or self._sounding.is_sounding or self._zones.walk_test_until_ns is not None)

    def _sound(self, wish: SoundFor, asked: str, now_ns: int) -> None:
        granted_ns = self._sounding.command(wish.purpose, wish.pattern, wish.duration_ns, now_ns)
        if granted_ns == 0:
            self._records.refuse(asked, "an alarm sounds or the hour is spent", wish.by, {"pattern": wish.pattern})
            return
        content: dict[str, Json] = {"pattern": wish.pattern, "max_s": granted_ns // SECOND_NS, **by(wish.by)}
        if wish.purpose is Purpose.TEST:
            cid = contact_id.PERIODIC_TEST if wish.periodic else contact_id.MANUAL_TEST
            self._test(cid, content)
        else:
            self._records.audit("sounded", BOX, content)

    def way_test(self, wish: WayTest, now_ns: int) -> None:  # noqa: ARG002 - every wish is asked in one way
        """Contact ID 602; it passes where its receipt comes back (edge.daemons.alarm.rounds)."""
        self._test(contact_id.PERIODIC_TEST, {"what": "self-test"})

    def _test(self, code: str, content: dict[str, Json]) -> None:
        told: dict[str, Json] = {"cid": contact_id.new(code), "status": Status.TEST.value}
        self._records.add(EventClass.TEST, "test", BOX, {**told, **content})

    # ---- zones ---------------------------------------------------------------------------------------------------

    def bypass(self, wish: Bypass, now_ns: int) -> None:
        """At most 8 h, ends itself; never the last zone that can call."""
        asked: dict[str, Json] = {"zone": wish.zone}
        if self._zones.find(wish.zone) is None:
            self._records.refuse("bypass", "unknown zone", wish.by, asked)
        elif wish.for_ns <= 0:
            self.end_bypass(wish.zone, wish.by)
        elif self._zones.is_last_in_service(wish.zone):
            self._records.refuse("bypass", "the last zone in service", wish.by, asked)
        else:
            for_ns = min(wish.for_ns, BYPASS_NS)
            self._zones.bypass(wish.zone, now_ns + for_ns)
            self._tell_bypass(EventClass.TROUBLE, wish.zone, {"for_s": for_ns // SECOND_NS, **by(wish.by)})

    def end_bypass(self, zone: ZoneId, operator: Operator = CONSOLE) -> None:
        if self._zones.is_bypassed(zone):
            self._zones.bypass(zone, None)
            self._tell_bypass(EventClass.RESTORAL, zone, by(operator))

    def _tell_bypass(self, event_class: EventClass, zone: ZoneId, content: dict[str, Json]) -> None:
        begins = event_class is EventClass.TROUBLE
        cid = contact_id.new(contact_id.BYPASS) if begins else contact_id.restored(contact_id.BYPASS)
        told: dict[str, Json] = {"zone": zone, "cid": cid, "status": Status.ACTUAL.value, "bypassed": begins}
        self._records.add(event_class, "bypass", zone_subject(zone), {**told, **content})

    def walk_test(self, wish: WalkTest, now_ns: int) -> None:
        """At most 15 min, ends itself."""
        if wish.for_ns <= 0:
            self.end_walk_test(wish.by)
            return
        for_ns = min(wish.for_ns, WALK_TEST_NS)
        self._zones.walk_test(now_ns + for_ns)
        self._tell_walk_test({"running": True, "for_s": for_ns // SECOND_NS, **by(wish.by)})

    def end_walk_test(self, operator: Operator = CONSOLE) -> None:
        if self._zones.walk_test_until_ns is not None:
            self._zones.walk_test(None)
            self._tell_walk_test({"running": False, **by(operator)})

    def _tell_walk_test(self, content: dict[str, Json]) -> None:
        code = contact_id.WALK_TEST
        cid = contact_id.new(code) if content["running"] else contact_id.restored(code)
        self._records.add(EventClass.TEST, "walk-test", BOX, {"cid": cid, "status": Status.TEST.value, **content})
