"""The panel: what happens goes in, what must be done comes out. It asks no clock, waits for nothing, raises nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edge.core import contact_id
from edge.core.alarms import Alarms, Press
from edge.core.calls import CAP_REACHED, Calls
from edge.core.confirmation import Confirmation
from edge.core.numbers import Numbers
from edge.core.plan import PanelPlan, SounderPlan, ZonePlan
from edge.core.records import BOX, Records, zone_subject
from edge.core.sounding import Sounding
from edge.core.tallies import Tallies
from edge.core.troubles import Troubles
from edge.core.wishes import Wishes
from edge.core.words import (
    Acknowledge,
    Activation,
    Brief,
    Button,
    Bypass,
    Cancel,
    Effect,
    EventClass,
    Gone,
    Identify,
    Json,
    LostEdge,
    Noted,
    Observed,
    Operator,
    Pictured,
    Pressed,
    Recalled,
    Released,
    Restored,
    Silence,
    SounderId,
    SoundFor,
    Status,
    Stimulus,
    Stuck,
    Switched,
    Tick,
    Touched,
    Troubled,
    WalkTest,
    WayTest,
    ZoneId,
)
from edge.core.zones import WALK_ALARM_NS, Zones

__all__ = ["OpenAlarm", "Panel", "PanelPlan", "SounderPlan", "ZonePlan"]

BROWN_OUT = "E-BROWN-OUT"
ZONE_STUCK = "E-ZONE-STUCK"
NOTHING: Mapping[ZoneId, int] = MappingProxyType({})
BROWN_OUTS = 2  # boots in a row that died within 10 s of siren-on


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """What may be seen at the box of an alarm that is not over."""

    alarm: str
    zone: ZoneId
    presses: int
    confirmed: bool


class Panel:
    """The state machine of the box. Effects come in the order keep, sound or hush, record."""

    def __init__(self, plan: PanelPlan, numbers: Numbers) -> None:
        self._plan = plan
        self._now_ns = 0
        self._records = Records(numbers)
        self._sounding = Sounding(plan.sounders)
        self._zones = Zones(plan.zones)
        self._alarms = Alarms(self._records, plan.storm_ns)
        self._troubles = Troubles(self._records)
        self._confirmation = Confirmation()
        self._tallies: Tallies[tuple[str, str]] = Tallies()  # (what, subject)
        self._calls = Calls(
            plan=plan,
            records=self._records,
            alarms=self._alarms,
            sounding=self._sounding,
            troubles=self._troubles,
            confirmation=self._confirmation,
        )
        self._wishes = Wishes(self._records, self._alarms, self._sounding, self._zones)
        self._recalled = False
        self._cap_back_ns: int | None = None  # when the budget of presses is back, while its trouble is open
        self._reactions: Mapping[type, Callable[[Any, int], None]] = {
            Touched: self._touched,
            Pressed: self._pressed,
            Brief: self._brief,
            Released: self._released,
            Stuck: self._stuck,
            LostEdge: self._lost_edge,
            Silence: self._wishes.silence,
            Identify: self._wishes.identify,
            Cancel: self._wishes.cancel,
            Acknowledge: self._wishes.acknowledge,
            SoundFor: self._wishes.sound,
            WayTest: self._wishes.way_test,
            Bypass: self._wishes.bypass,
            WalkTest: self._wishes.walk_test,
            Switched: self._switched,
            Troubled: self._troubled,
            Restored: self._restored,
            Noted: self._noted,
            Observed: self._observed,
            Pictured: self._pictured,
            Gone: self._gone,
            Recalled: self._recall,
        }

    # ---- read only -------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        """When to call `handle(Tick(), now)` at the latest."""
        dues = (
            self._sounding.due_ns,
            self._zones.due_ns,
            self._alarms.due_ns,
            self._tallies.due_ns,
            self._cap_back_ns,
        )
        return min((due for due in dues if due is not None), default=None)

    def is_quiet(self, now_ns: int) -> bool:
        """No alarm is open or could still be confirmed by a second press, nothing sounds, nobody tests."""
        last = max((alarm.pressed_ns for alarm in self._alarms.remembered()), default=None)
        recent = last is not None and Confirmation.in_time(last, now_ns)
        return not (recent or self._alarms.open or self._sounding.is_sounding or self._zones.walk_test_until_ns)

    @property
    def open_alarms(self) -> tuple[OpenAlarm, ...]:
        """Alarms that are not over, silent ones left out: a page may show this."""
        audible = (alarm for alarm in self._alarms.open if not alarm.zone.silent)
        return tuple(OpenAlarm(each.name, each.zone.id, each.total, each.openly_confirmed) for each in audible)

    @property
    def bypassed(self) -> Mapping[ZoneId, int]:
        """Zones out of service, with the boot-clock time at which each comes back."""
        return self._zones.bypassed

    @property
    def walk_test_until_ns(self) -> int | None:
        return self._zones.walk_test_until_ns

    @property
    def shown_troubles(self) -> frozenset[str]:
        """Open troubles as code or code/part; without those of silent zones, so that anybody may see them."""
        return self._troubles.shown

    @property
    def causes(self) -> dict[str, str]:
        """The same with what is known of each."""
        return self._troubles.causes

    def is_silent(self, zone: ZoneId) -> bool:
        """Whether the lamp must not answer a touch of this zone."""
        plan = self._zones.find(zone)
        return plan is not None and plan.silent

    # ---- in and out ------------------------------------------------------------------------------------------------

    def restore(
        self, activations: Iterable[Activation], now_ns: int, bypassed: Mapping[ZoneId, int] = NOTHING
    ) -> list[Effect]:
        """Once, before anything else: what the last run of the panel in this boot kept. Spent time stays spent.

        bypassed: zones out of service, with when each comes back; one that is due comes back at the next `handle`
        """
        self._now_ns = now_ns
        for zone, until_ns in bypassed.items():
            if self._zones.find(zone) is not None and not self._zones.is_last_in_service(zone):
                self._zones.bypass(zone, until_ns)
        return self._sounding.restore(activations, now_ns)

    def handle(self, stimulus: Stimulus, now_ns: int) -> list[Effect]:
        """What to do about one stimulus; never raises. A `now_ns` older than the last one counts as that."""
        self._now_ns = now_ns = max(now_ns, self._now_ns)
        if isinstance(stimulus, Released) and self._zones.find(stimulus.zone) is not None:
            self._zones.opened(stimulus.zone, stimulus.at_ns)  # its timestamp comes before the deadlines
        self._run(now_ns)
        reaction = self._reactions.get(type(stimulus))
        if reaction is not None:
            reaction(stimulus, now_ns)
        elif not isinstance(stimulus, Tick):
            self._tally("unknown-stimulus", type(stimulus).__name__, now_ns)
        self._alarms.run(now_ns)
        outputs = self._sounding.settle(now_ns)
        if self._troubles.is_open(CAP_REACHED) and (outputs or self._cap_back_ns is None):
            self._look_at_cap(now_ns)
        return [*outputs, *self._records.take()]

    def _run(self, now_ns: int) -> None:
        """Everything that was due."""
        for zone, press in self._zones.long_presses(now_ns):
            self._calls.call(zone, press, now_ns)
        self._alarms.run(now_ns)
        for bypassed, until_ns in self._zones.bypassed.items():
            if now_ns >= until_ns:
                self._wishes.end_bypass(bypassed)
        walk_until_ns = self._zones.walk_test_until_ns
        if walk_until_ns is not None and now_ns >= walk_until_ns:
            self._wishes.end_walk_test()
        for (what, subject), count in self._tallies.ripe(now_ns):
            self._records.audit(what, subject, {"count": count})
        if self._cap_back_ns is not None and now_ns >= self._cap_back_ns:
            self._look_at_cap(now_ns)

    # ---- contacts --------------------------------------------------------------------------------------------------

    def _touched(self, touched: Touched, now_ns: int) -> None:
        if self._known(touched.zone, now_ns) is not None:
            self._zones.closed(touched.zone)

    def _pressed(self, pressed: Pressed, now_ns: int) -> None:
        zone = self._known(pressed.zone, now_ns)
        if zone is None:
            return
        self._zones.closed(zone.id)
        self._zones.forget_short(zone.id)
        if self._zones.is_bypassed(zone.id):
            self._tally("press-bypassed", zone_subject(zone.id), now_ns)
        elif zone.button is Button.KEY:
            self._key(zone, pressed, now_ns)
        elif self._is_tested(zone):
            self._test(zone, pressed)
            self._zones.hold_in_walk_test(pressed)
            if pressed.held_ns >= WALK_ALARM_NS:
                self._run(now_ns)
        else:
            self._calls.call(zone, Press.held(pressed), now_ns)

    def _brief(self, brief: Brief, now_ns: int) -> None:
        zone = self._known(brief.zone, now_ns)
        if zone is None:
            return
        self._zones.opened(zone.id, brief.at_ns + brief.lasted_ns)
        self._tally("press-short", zone_subject(zone.id), now_ns, {"lasted_ms": brief.lasted_ns // 1_000_000})
        if self._zones.is_bypassed(zone.id) or zone.button is Button.KEY:
            return
        if self._zones.completes_pair(brief) and not self._is_tested(zone):
            self._calls.call(zone, Press.second_short(brief), now_ns)

    def _released(self, released: Released, now_ns: int) -> None:
        zone = self._known(released.zone, now_ns)
        if zone is not None:
            self._alarms.release(zone)
            self._troubles.restored(ZONE_STUCK, zone_subject(zone.id))

    def _stuck(self, stuck: Stuck, now_ns: int) -> None:
        zone = self._known(stuck.zone, now_ns)
        if zone is not None:
            self._zones.closed(zone.id)
            self._zone_stuck(zone)

    def _lost_edge(self, lost: LostEdge, now_ns: int) -> None:
        if self._known(lost.zone, now_ns) is not None:
            self._tally("lost-edge", zone_subject(lost.zone), now_ns)

    def _known(self, zone: ZoneId, now_ns: int) -> ZonePlan | None:
        plan = self._zones.find(zone)
        if plan is None:
            self._tally("unknown-zone", zone_subject(zone), now_ns)
        return plan

    def _is_tested(self, zone: ZonePlan) -> bool:
        """Under walk test; a zone whose alarm is open stays real."""
        return self._zones.walk_test_until_ns is not None and self._alarms.of_zone(zone) is None

    def _key(self, zone: ZonePlan, pressed: Pressed, now_ns: int) -> None:
        if self._zones.walk_test_until_ns is not None:
            self._test(zone, pressed)
        self._wishes.cancel(Cancel(None, Operator(zone.id, "local")), now_ns)

    def _test(self, zone: ZonePlan, pressed: Pressed) -> None:
        content: dict[str, Json] = {
            "zone": zone.id,
            "kind": zone.kind.value,
            "cid": contact_id.new(contact_id.WALK_TEST),
            "status": Status.TEST.value,
            "held_ms": pressed.held_ns // 1_000_000,
        }
        self._records.add(EventClass.TEST, "test", zone_subject(zone.id), content)

    # ---- parts and memory ------------------------------------------------------------------------------------------

    def _switched(self, switched: Switched, now_ns: int) -> None:
        if self._sounding.knows(switched.sounder):
            self._confirmation.switched(switched.at_ns)
        else:
            self._tally("unknown-sounder", f"sounder/{switched.sounder}", now_ns)

    def _troubled(self, troubled: Troubled, now_ns: int) -> None:  # noqa: ARG002 - every reaction is called in one way
        self._troubles.trouble(troubled.code, troubled.cid, troubled.text, lamp=troubled.lamp)
        self._sounder_works(troubled.code, works=False)

    def _restored(self, restored: Restored, now_ns: int) -> None:  # noqa: ARG002 - every reaction is called in one way
        self._troubles.restored(restored.code)
        self._sounder_works(restored.code, works=True)

    def _sounder_works(self, code: str, *, works: bool) -> None:
        """A part's trouble is "code/part"; where the part is a sounder, the backup ones sound beside it."""
        sounder = SounderId(code.rpartition("/")[2])
        if self._sounding.knows(sounder):
            self._sounding.part_broken(sounder, broken=not works)

    def _noted(self, noted: Noted, now_ns: int) -> None:  # noqa: ARG002 - every reaction is called in one way
        self._records.audit(noted.what, BOX, noted.content)

    def _observed(self, observed: Observed, now_ns: int) -> None:  # noqa: ARG002 - every reaction is called in one way
        """What a camera noticed while an alarm is open speaks for that alarm, and does nothing else."""
        newest = max(self._alarms.open, key=lambda alarm: alarm.id.seq, default=None)
        alarm: dict[str, Json] = {"alarm": newest.name} if newest and observed.name == "camera-event" else {}
        self._records.add(EventClass.INVENTORY, observed.name, observed.subject, {**observed.content, **alarm})

    def _pictured(self, pictured: Pictured, now_ns: int) -> None:
        subject = f"camera/{pictured.camera}"
        at_ns = min(pictured.at_ns, now_ns)
        self._records.add(EventClass.PICTURE, "picture", subject, pictured.content, at_ns=at_ns)

    def _gone(self, gone: Gone, now_ns: int) -> None:  # noqa: ARG002 - every reaction is called in one way
        ranges: list[Json] = [[first, last] for first, last in gone.ranges]
        stretch: dict[str, Json] = {"stretch": gone.stretch} if gone.stretch else {}
        self._records.add(EventClass.AUDIT, "lost", BOX, {"epoch": gone.epoch, "ranges": ranges, **stretch})

    def _recall(self, recalled: Recalled, now_ns: int) -> None:
        """What the ledger knew: a contact stuck then and open now is a fault that ended while nobody looked."""
        for stuck in sorted(recalled.stuck):
            zone = self._known(stuck, now_ns)
            if zone is not None and self._zones.is_closed(stuck):
                self._zone_stuck(zone)
            elif zone is not None and not self._recalled:
                self._records.restoral(ZONE_STUCK, contact_id.SENSOR_TROUBLE, zone_subject(stuck))
        self._recalled = True
        if recalled.brownouts >= BROWN_OUTS:
            self._sounding.use_backup_only()
            text = f"{recalled.brownouts} boots in a row died within 10 s of the siren"
            self._troubles.trouble(BROWN_OUT, contact_id.POWER_OVERCURRENT, text)

    def _zone_stuck(self, zone: ZonePlan) -> None:
        subject = zone_subject(zone.id)
        text = "contact closed for 60 s"
        self._troubles.trouble(ZONE_STUCK, contact_id.SENSOR_TROUBLE, text, subject=subject, lamp=not zone.silent)

    # ---- caps and counts -------------------------------------------------------------------------------------------

    def _look_at_cap(self, now_ns: int) -> None:
        """The trouble ends when one press could sound to its end again."""
        self._cap_back_ns = self._sounding.falls_short_ns(self._plan.sound_ns, now_ns)
        if self._cap_back_ns is None:
            self._troubles.restored(CAP_REACHED)

    def _tally(self, what: str, subject: str, now_ns: int, content: Mapping[str, Json] | None = None) -> None:
        """An audit event of which many may come: the first now, the others as a count."""
        if self._tallies.count((what, subject), now_ns):
            self._records.audit(what, subject, {**(content or {}), "count": 1})
