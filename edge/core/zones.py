"""Which zones are in service, under test or out of it, and what their contacts did a moment ago."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edge.core.alarms import Press
from edge.core.plan import ZonePlan
from edge.core.words import SECOND_NS, Brief, Button, Pressed, ZoneId

BYPASS_NS = 8 * 3600 * SECOND_NS  # one working shift; nobody comes back to end a longer one
WALK_TEST_NS = 15 * 60 * SECOND_NS
WALK_ALARM_NS = 3 * SECOND_NS  # held this long during a walk test, it is no test
SHORT_NS = SECOND_NS // 20  # a contact closed for less is noise
PAIR_NS = 5 * SECOND_NS  # two short presses within this are one person in a hurry


@dataclass(slots=True)
class _State:
    closed: bool = False
    short_ns: int | None = None  # first edge of a short press that waits for its second
    bypassed_until_ns: int | None = None
    walk_press: Pressed | None = None  # held during a walk test, not yet long enough to be real


class Zones:
    def __init__(self, plans: Iterable[ZonePlan]) -> None:
        self._plans = {plan.id: plan for plan in plans}
        self._states = {zone: _State() for zone in self._plans}
        self._walk_until_ns: int | None = None

    def find(self, zone: ZoneId) -> ZonePlan | None:
        return self._plans.get(zone)

    # ---- contacts ------------------------------------------------------------------------------------------------

    def closed(self, zone: ZoneId) -> None:
        self._states[zone].closed = True

    def opened(self, zone: ZoneId, at_ns: int) -> None:
        """A press of a walk test that ended in time was one."""
        state = self._states[zone]
        state.closed = False
        if state.walk_press is not None and at_ns < state.walk_press.at_ns + WALK_ALARM_NS:
            state.walk_press = None

    def is_closed(self, zone: ZoneId) -> bool:
        return self._states[zone].closed

    def completes_pair(self, brief: Brief) -> bool:
        """Whether this short press is the second within 5 s; each counts in one pair only."""
        state = self._states[brief.zone]
        if brief.lasted_ns < SHORT_NS:
            return False
        first_ns, state.short_ns = state.short_ns, brief.at_ns
        if first_ns is None or brief.at_ns - first_ns > PAIR_NS:
            return False
        state.short_ns = None
        return True

    def forget_short(self, zone: ZoneId) -> None:
        self._states[zone].short_ns = None

    # ---- bypass --------------------------------------------------------------------------------------------------

    @property
    def bypassed(self) -> Mapping[ZoneId, int]:
        """Zones out of service, with the time at which each comes back."""
        until = {zone: state.bypassed_until_ns for zone, state in self._states.items()}
        return MappingProxyType({zone: ns for zone, ns in until.items() if ns is not None})

    def is_bypassed(self, zone: ZoneId) -> bool:
        return self._states[zone].bypassed_until_ns is not None

    def is_last_in_service(self, zone: ZoneId) -> bool:
        """Without this zone nobody could call for help."""
        return not any(
            each.button is not Button.KEY and each.id != zone and not self.is_bypassed(each.id)
            for each in self._plans.values()
        )

    def bypass(self, zone: ZoneId, until_ns: int | None) -> None:
        """Out of service until then, or back in service (None)."""
        self._states[zone].bypassed_until_ns = until_ns

    # ---- walk test -----------------------------------------------------------------------------------------------

    @property
    def walk_test_until_ns(self) -> int | None:
        return self._walk_until_ns

    def walk_test(self, until_ns: int | None) -> None:
        self._walk_until_ns = until_ns

    def hold_in_walk_test(self, pressed: Pressed) -> None:
        self._states[pressed.zone].walk_press = pressed

    def long_presses(self, now_ns: int) -> list[tuple[ZonePlan, Press]]:
        """Presses of a walk test that have been held for 3 s: real ones; each is returned once."""
        found: list[tuple[ZonePlan, Press]] = []
        for zone, state in self._states.items():
            pressed = state.walk_press
            if pressed is not None and now_ns >= pressed.at_ns + WALK_ALARM_NS:
                state.walk_press = None
                found.append((self._plans[zone], Press.held(pressed, at_least_ns=WALK_ALARM_NS)))
        return found

    # ---- time ----------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        dues = [self._walk_until_ns] if self._walk_until_ns is not None else []
        for state in self._states.values():
            if state.bypassed_until_ns is not None:
                dues.append(state.bypassed_until_ns)
            if state.walk_press is not None:
                dues.append(state.walk_press.at_ns + WALK_ALARM_NS)
        return min(dues, default=None)
