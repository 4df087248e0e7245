"""Who may sound now: claims on the sounders become Keep, Sound and Hush, inside every cap."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from edge.core.caps import ACTIVATION_NS, GRACE_NS, Hour
from edge.core.plan import SounderPlan
from edge.core.words import SECOND_NS, Activation, Effect, Hush, Keep, Purpose, Sound, SounderId

RANK: Mapping[Purpose, int] = MappingProxyType({Purpose.PRESS: 2, Purpose.REMOTE: 1, Purpose.TEST: 0})
# A new pattern begins with a stroke: changing faster than this, two buttons in turn would make a steady tone.
DWELL_NS = 4 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Claim:
    """One wish to sound. owner: the alarm, or the purpose of a command; a new claim replaces its owner's old one."""

    owner: str
    purpose: Purpose
    pattern: str
    zone: str
    until_ns: int
    grace: bool = False


class Voice:
    """One sounder: it plays the latest of its highest claims that its hour still pays for."""

    def __init__(self, plan: SounderPlan) -> None:
        self.plan = plan
        self.hour = Hour()
        self.claims: list[Claim] = []  # latest last
        self._claim: Claim | None = None  # the one that plays
        self._playing: Activation | None = None

    @property
    def due_ns(self) -> int | None:
        """When another claim or another pattern takes over."""
        if self._playing is None:
            return None
        if self._claim is not None and self._claim.pattern != self._playing.pattern:
            return min(self._playing.until_ns, self._playing.phase_ns + DWELL_NS)
        return self._playing.until_ns

    def claim(self, claim: Claim, now_ns: int) -> int:
        """Take what the hour allows of a wish; returns the granted ns, 0 leaves everything as it was."""
        left_ns = self.hour.left_ns(claim.purpose, now_ns)
        if claim.purpose is Purpose.PRESS and left_ns < GRACE_NS:
            grace_ns = self.hour.grace_left_ns(claim.zone, now_ns)
            if grace_ns > left_ns:
                left_ns, claim = grace_ns, replace(claim, grace=True)
        granted_ns = min(left_ns, claim.until_ns - now_ns)
        if granted_ns > 0:
            self.claims = [each for each in self.claims if not _supersedes(claim, each)]
            self.claims.append(replace(claim, until_ns=now_ns + granted_ns))
        return granted_ns

    def resume(self, now_ns: int) -> Sound | None:
        """Go on with what sounded when the last run of the panel ended, if the hour it left behind allows."""
        kept = self.hour.kept(now_ns)
        if not kept or kept[-1].until_ns <= now_ns:
            return None
        last = kept[-1]
        claim = Claim(last.alarm or last.purpose, last.purpose, last.pattern, last.zone, last.until_ns, last.grace)
        until_ns = min(last.until_ns, now_ns + self._left_ns(claim, now_ns))
        self.hour.cut(until_ns)
        if until_ns <= now_ns:
            return None
        self._claim = replace(claim, until_ns=until_ns)
        self._playing = replace(last, until_ns=until_ns)
        self.claims = [self._claim]
        return Sound(self._playing)

    def settle(self, now_ns: int) -> Sound | Hush | None:
        """Bring the output to what the claims say; None when it is already so."""
        if self._playing is not None and self._playing.until_ns <= now_ns:
            self._playing = self._claim = None  # its own end: the output knew it from the beginning
        self.claims = [each for each in self.claims if each.until_ns > now_ns]
        if self._playing is not None and self._is_right(self._playing, now_ns):
            return None
        return self._change(now_ns)

    def _is_right(self, playing: Activation, now_ns: int) -> bool:
        claim = self._highest()
        if claim is None or claim is not self._claim:
            return False
        return claim.pattern == playing.pattern or now_ns < playing.phase_ns + DWELL_NS

    def _highest(self) -> Claim | None:
        return max(reversed(self.claims), key=lambda each: RANK[each.purpose], default=None)

    def _change(self, now_ns: int) -> Sound | Hush | None:
        before, self._playing = self._playing, None
        self.hour.cut(now_ns)
        while (claim := self._highest()) is not None:
            until_ns = min(claim.until_ns, now_ns + self._left_ns(claim, now_ns))
            if until_ns > now_ns:
                return self._sound(claim, until_ns, now_ns, before)
            self.claims.remove(claim)
        self._claim = None
        return None if before is None else Hush(self.plan.id)

    def _left_ns(self, claim: Claim, now_ns: int) -> int:
        if claim.grace:
            return self.hour.grace_left_ns(claim.zone, now_ns)
        return self.hour.left_ns(claim.purpose, now_ns)

    def _sound(self, claim: Claim, until_ns: int, now_ns: int, before: Activation | None) -> Sound:
        pattern, phase_ns = claim.pattern, now_ns
        if before is not None and (before.pattern == pattern or now_ns < before.phase_ns + DWELL_NS):
            pattern, phase_ns = before.pattern, before.phase_ns
        alarm = claim.owner if claim.purpose is Purpose.PRESS else ""
        self._claim = claim
        self._playing = Activation(
            self.plan.id, claim.purpose, pattern, alarm, claim.zone, now_ns, until_ns, claim.grace, phase_ns
        )
        self.hour.spend(self._playing)
        return Sound(self._playing)


def _supersedes(claim: Claim, older: Claim) -> bool:
    """Its own older wish, an older alarm of its zone, and any command when a press comes."""
    same = older.owner == claim.owner or (bool(claim.zone) and older.zone == claim.zone)
    return same or RANK[older.purpose] < RANK[claim.purpose]


class Sounding:
    """All sounders of the box: which are in use, what each plays, and whether the hour is spent."""

    def __init__(self, sounders: Iterable[SounderPlan]) -> None:
        self._voices = {plan.id: Voice(plan) for plan in sounders}
        self._backup_only = False
        self._broken: set[SounderId] = set()

    def knows(self, sounder: SounderId) -> bool:
        return sounder in self._voices

    @property
    def due_ns(self) -> int | None:
        return min((due for voice in self._voices.values() if (due := voice.due_ns) is not None), default=None)

    @property
    def has_sounders(self) -> bool:
        return bool(self._voices)

    @property
    def is_sounding(self) -> bool:
        """Somebody claims sound, a press, the centre or a test; now or in a pause of its pattern."""
        return any(voice.claims for voice in self._voices.values())

    def owners(self) -> tuple[str, ...]:
        """Alarms that may sound now or later, in the order of their claims."""
        claims = (claim for voice in self._voices.values() for claim in voice.claims)
        return tuple(dict.fromkeys(claim.owner for claim in claims if claim.purpose is Purpose.PRESS))

    def press(self, alarm: str, zone: str, pattern: str, for_ns: int, now_ns: int) -> int:
        """A press wishes to sound; returns the longest time a sounder grants."""
        return self._claim(Claim(alarm, Purpose.PRESS, pattern, zone, now_ns + for_ns), now_ns)

    def command(self, purpose: Purpose, pattern: str, for_ns: int, now_ns: int) -> int:
        """A command wishes to sound; 0 if the hour is spent or something higher sounds."""
        until_ns = now_ns + min(for_ns, ACTIVATION_NS)
        if any(RANK[each.purpose] > RANK[purpose] for voice in self._in_use() for each in voice.claims):
            return 0
        return self._claim(Claim(purpose.value, purpose, pattern, "", until_ns), now_ns)

    def silence(self, owner: str) -> bool:
        """Withdraw the claims of one alarm, or of the commands of one purpose; False if there were none."""
        withdrawn = False
        for voice in self._voices.values():
            rest = [each for each in voice.claims if each.owner != owner]
            withdrawn = withdrawn or len(rest) < len(voice.claims)
            voice.claims = rest
        return withdrawn

    def falls_short_ns(self, need_ns: int, now_ns: int) -> int | None:
        """When presses could sound for `need_ns` on every sounder in use; None if they can now."""
        free_ns = (voice.hour.free_ns(Purpose.PRESS, need_ns, now_ns) for voice in self._in_use())
        latest_ns = max(free_ns, default=now_ns)
        return latest_ns if latest_ns > now_ns else None

    def use_backup_only(self) -> None:
        """After brown-outs: only the backup sounders, if there are any."""
        self._backup_only = any(voice.plan.backup for voice in self._voices.values())
        self._move_claims()

    def part_broken(self, sounder: SounderId, *, broken: bool) -> None:
        """A broken sounder is still tried; the backup ones sound beside it."""
        if broken:
            self._broken.add(sounder)
        else:
            self._broken.discard(sounder)
        self._move_claims()

    def restore(self, activations: Iterable[Activation], now_ns: int) -> list[Effect]:
        """Take over what an earlier run of this boot kept: spent time counts, an unfinished sound goes on."""
        for activation in sorted(activations, key=lambda each: each.since_ns):
            voice = self._voices.get(activation.sounder)
            if voice is not None and activation.since_ns <= now_ns:
                voice.hour.cut(activation.since_ns)
                until_ns = min(activation.until_ns, now_ns + ACTIVATION_NS)
                phase_ns = min(activation.phase_ns, now_ns)  # a pattern's zero to come would be one stroke until then
                voice.hour.spend(replace(activation, until_ns=until_ns, phase_ns=phase_ns))
        resumed = [effect for voice in self._voices.values() if (effect := voice.resume(now_ns)) is not None]
        return [self._keep(now_ns), *resumed] if resumed else []

    def settle(self, now_ns: int) -> list[Effect]:
        """What the outputs must do now, Keep first; empty when nothing changes."""
        changes = [change for voice in self._voices.values() if (change := voice.settle(now_ns)) is not None]
        return [self._keep(now_ns), *changes] if changes else []

    def _claim(self, claim: Claim, now_ns: int) -> int:
        return max((voice.claim(claim, now_ns) for voice in self._in_use()), default=0)

    def _in_use(self) -> Iterator[Voice]:
        voices = self._voices.values()
        if self._backup_only:
            return (voice for voice in voices if voice.plan.backup)
        some_broken = any(voice.plan.id in self._broken for voice in voices if not voice.plan.backup)
        only_backup = all(voice.plan.backup for voice in voices)
        return (voice for voice in voices if not voice.plan.backup or some_broken or only_backup)

    def _move_claims(self) -> None:
        """Sounders that come into use take over what the others play; those out of use fall silent."""
        in_use = list(self._in_use())
        longest = max((voice.claims for voice in self._voices.values()), key=len, default=[])
        for voice in self._voices.values():
            if voice not in in_use:
                voice.claims = []
            elif not voice.claims:
                voice.claims = list(longest)

    def _keep(self, now_ns: int) -> Keep:
        return Keep(tuple(each for voice in self._voices.values() for each in voice.hour.kept(now_ns)))
