"""When a camera's health is told, and how: not at the first miss, and a blackout as one event. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.core.inventory import Health
from edge.core.words import SECOND_NS

MISSES: Final = 2  # in a row, before a silence counts
MISSES_DAMPED: Final = 4  # where it came or went within DAMPED_NS
DAMPED_NS: Final = 600 * SECOND_NS
GROUP: Final = 3  # cameras that go or come together are one event
GATHER_NS: Final = 5 * SECOND_NS  # so long others are waited for, at least
GATHER_MAX_NS: Final = 180 * SECOND_NS  # cheap cameras take two minutes to start; more and what is known is told

_SOFT: Final = frozenset({Health.UNREACHABLE, Health.NO_PICTURE})  # may be chance; the others are a camera's own word


@dataclass(slots=True)
class Condition:
    """One camera's health, with hysteresis.

    health:   as it counts
    since_ns: of its last change
    """

    health: Health
    since_ns: int
    _wanted: Health | None = None
    _times: int = 0
    _before_ns: int | None = None  # of the change before any damping: None while it never changed

    @property
    def is_suspect(self) -> bool:
        """It missed, but not often enough yet."""
        return self._times > 0

    def seen(self, outcome: Health, now_ns: int) -> bool:
        """Take in what a look at it gave; True when its health has changed.

        REACHABLE says only that it lives: whatever a login has shown before stands.
        """
        if outcome is self.health or (outcome is Health.REACHABLE and self.health is not Health.UNREACHABLE):
            self._wanted, self._times = None, 0
            return False
        self._times = self._times + 1 if outcome is self._wanted else 1
        self._wanted = outcome
        if self._times < self._needed(outcome, now_ns):
            return False
        self.health, self.since_ns, self._before_ns = outcome, now_ns, now_ns
        self._wanted, self._times = None, 0
        return True

    def _needed(self, outcome: Health, now_ns: int) -> int:
        damped = self._before_ns is not None and now_ns - self._before_ns < DAMPED_NS
        if outcome in _SOFT:
            return MISSES_DAMPED if damped else MISSES
        return 2 if damped and self.health is Health.UNREACHABLE else 1


@dataclass(frozen=True, slots=True)
class Changed:
    """One camera's health."""

    name: str
    health: Health
    was: Health


@dataclass(frozen=True, slots=True)
class WentDark:
    """Several went together: a blackout, a switch without power, a cable."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CameBack:
    """Those of a blackout are back; missing: which of them are not. lasted_ns: from the event that it was told by."""

    names: tuple[str, ...]
    missing: tuple[str, ...]
    lasted_ns: int


News = Changed | WentDark | CameBack


@dataclass(slots=True)
class _Gathered:
    """Changes that wait for others like them."""

    since_ns: int = 0
    last_ns: int = 0
    was: dict[str, Health] = field(default_factory=dict)
    now: dict[str, Health] = field(default_factory=dict)

    def add(self, name: str, was: Health, now: Health, now_ns: int) -> None:
        if not self.was:
            self.since_ns = now_ns
        self.last_ns = now_ns
        self.was.setdefault(name, was)
        self.now[name] = now

    def drop(self, name: str) -> bool:
        self.now.pop(name, None)
        return self.was.pop(name, None) is not None

    def changes(self) -> tuple[Changed, ...]:
        return tuple(Changed(name, now, self.was[name]) for name, now in sorted(self.now.items()))

    def clear(self) -> None:
        self.was.clear()
        self.now.clear()


class Darkness:
    """Turns changes of health into news. Silences and returns wait a little for their like; the rest is told at once.

    dark: cameras of a blackout that was told, and not told as over; survives a restart
    """

    def __init__(self, dark: Mapping[str, int] | None = None) -> None:
        self.dark: dict[str, int] = dict(dark or {})
        self._going = _Gathered()
        self._coming = _Gathered()

    def changed(self, change: Changed, now_ns: int) -> tuple[News, ...]:
        """A camera's health has changed; what is to be told at once."""
        if change.health is Health.UNREACHABLE:
            if not self._coming.drop(change.name):  # gone again before its return was told: it never came
                self._going.add(change.name, change.was, change.health, now_ns)
            return ()
        if change.was is Health.UNREACHABLE or change.name in self._coming.was:
            if not self._going.drop(change.name):
                self._coming.add(change.name, Health.UNREACHABLE, change.health, now_ns)
            return ()
        return (change,)

    def forget(self, name: str) -> None:
        """It is no longer ours."""
        self.dark.pop(name, None)
        self._going.drop(name)
        self._coming.drop(name)

    @property
    def due_ns(self) -> int | None:
        """When to ask `turn` again at the latest; None while nothing waits."""
        waiting = [gathered.last_ns + GATHER_NS for gathered in (self._going, self._coming) if gathered.was]
        return min(waiting, default=None)

    def turn(self, now_ns: int, *, suspects: bool) -> tuple[News, ...]:
        """What has waited long enough. suspects: others may be about to go, as the looks at them say."""
        return (*self._gone(now_ns, suspects=suspects), *self._back(now_ns))

    def _gone(self, now_ns: int, *, suspects: bool) -> tuple[News, ...]:
        if not _is_ripe(self._going, now_ns, wait=suspects):
            return ()
        changes = self._going.changes()
        self._going.clear()
        if len(changes) < GROUP:
            return changes
        names = tuple(change.name for change in changes)
        self.dark.update(dict.fromkeys(names, now_ns))
        return (WentDark(names),)

    def _back(self, now_ns: int) -> tuple[News, ...]:
        still = self.dark.keys() - self._coming.was.keys()
        if not _is_ripe(self._coming, now_ns, wait=bool(still) and bool(self.dark.keys() & self._coming.was.keys())):
            return ()
        changes = self._coming.changes()
        self._coming.clear()
        grouped = tuple(change.name for change in changes if change.name in self.dark)
        alone = tuple(change for change in changes if change.name not in self.dark)
        if not grouped:
            return alone
        since_ns = min(self.dark[name] for name in grouped)
        missing = tuple(sorted(still))
        self.dark.clear()
        return (CameBack(grouped, missing, now_ns - since_ns), *alone)


def _is_ripe(gathered: _Gathered, now_ns: int, *, wait: bool) -> bool:
    if not gathered.was:
        return False
    if now_ns - gathered.since_ns >= GATHER_MAX_NS:
        return True
    return not wait and now_ns - gathered.last_ns >= GATHER_NS
