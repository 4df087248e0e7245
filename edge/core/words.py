"""The vocabulary: ids, enums, what can happen to the panel (Stimulus) and what it asks for (Effect).

Times named `_ns` are int nanoseconds on the boot clock (CLOCK_BOOTTIME); wall time appears only in
`timing` and `events`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType

ZoneId = NewType("ZoneId", str)
SounderId = NewType("SounderId", str)
BoxId = NewType("BoxId", str)
SiteId = NewType("SiteId", str)
Epoch = NewType("Epoch", str)  # 8 lower-case hex digits, random at each start of alarm

Json = (
    str | int | bool | None | list["Json"] | dict[str, "Json"]
)  # what an event may carry: no floats (RFC 8785 without its hard part)

BOX_FORM = r"ktg-[a-z0-9]{8}"  # new ones are base32; the form is wider

SECOND_NS = 1_000_000_000


class EventId(NamedTuple):
    """One event for ever: unique over restarts, cloned cards and restored ledgers because `epoch` is random.

    A tuple, because a backlog asks for its hash a dozen times a row: a dataclass takes four times as long for it.
    """

    epoch: Epoch
    seq: int  # from 1, in memory, per epoch

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"


class EventClass(StrEnum):
    ALARM = "alarm"
    RESTORAL = "restoral"
    TAMPER = "tamper"
    TROUBLE = "trouble"
    TEST = "test"
    AUDIT = "audit"
    INVENTORY = "inventory"
    PICTURE = "picture"


class Status(StrEnum):
    """CAP's words: a test never looks like an alarm."""

    ACTUAL = "actual"
    TEST = "test"
    EXERCISE = "exercise"


class Kind(StrEnum):
    """What a zone's button calls for."""

    CRIME = "crime"
    FIRE = "fire"
    MEDICAL = "medical"
    DISASTER = "disaster"


class Button(StrEnum):
    """How a zone's contact is operated; it decides the hold."""

    EXPOSED = "exposed"  # 1.0 s
    COVERED = "covered"  # 0.3 s
    LATCHING = "latching"  # 0 s, stays closed until reset: no stuck rule
    KEY = "key"  # the local key: cancels, never alarms


class Purpose(StrEnum):
    """Why a sounder is on; each purpose has its own hourly budget."""

    PRESS = "press"
    REMOTE = "remote"
    TEST = "test"


# ---- stimuli: from the debouncer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Touched:
    """The first edge of a possible press; the lamp answers at once, nothing else does."""

    zone: ZoneId
    at_ns: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """The contact was closed for its whole hold; `at_ns` is the first edge."""

    zone: ZoneId
    at_ns: int
    held_ns: int


@dataclass(frozen=True, slots=True)
class Brief:
    """The contact opened again before its hold ended."""

    zone: ZoneId
    at_ns: int
    lasted_ns: int


@dataclass(frozen=True, slots=True)
class Released:
    zone: ZoneId
    at_ns: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Closed for 60 s, or closed at start and last recorded stuck."""

    zone: ZoneId
    at_ns: int


@dataclass(frozen=True, slots=True)
class LostEdge:
    """The line's level and its last edge disagreed for 20 ms: an edge never arrived."""

    zone: ZoneId
    at_ns: int


# ---- stimuli: from people, the centre and the parts -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operator:
    """Who did it: `name` as signed by the centre or given at the box, `where` one of centre, local.

    keys: the kids that signed for it, in the order of signing; a name is only what they say
    """

    name: str
    where: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """Stop the sound of one named alarm; a press after it sounds again."""

    alarm: str
    by: Operator


@dataclass(frozen=True, slots=True)
class Identify:
    """Show by the lamp which box it is, to who stands before several."""

    for_ns: int
    by: Operator


@dataclass(frozen=True, slots=True)
class Cancel:
    """Contact ID 406; `alarm` None means every open audible alarm (the local key cannot name one)."""

    alarm: str | None
    by: Operator


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A human at the centre has taken the alarm."""

    alarm: str
    ticket: str
    by: Operator


@dataclass(frozen=True, slots=True)
class SoundFor:
    """Sound by command or as a test, within that purpose's own budget; duration 0 ends it.

    periodic: by the calendar, so only where nobody calls, tests or sounds
    """

    pattern: str
    duration_ns: int
    purpose: Purpose
    by: Operator
    periodic: bool = False


@dataclass(frozen=True, slots=True)
class WayTest:
    """Send the daily test event: only a receipt by name proves the whole way to the centre."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """Take one zone out of service; at most 8 h, never the last zone in service."""

    zone: ZoneId
    for_ns: int
    by: Operator


@dataclass(frozen=True, slots=True)
class WalkTest:
    """Begin (for_ns > 0, at most 15 min) or end (0) a walk test."""

    for_ns: int
    by: Operator


@dataclass(frozen=True, slots=True)
class Switched:
    """A sounder's activation really began or ended at its output (not every stroke of a pattern)."""

    sounder: SounderId
    sounding: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Troubled:
    """A part reports itself broken: `code` is stable and documented, `cid` its Contact ID event or ''."""

    code: str
    cid: str
    text: str
    lamp: bool = True  # False: told to the centre, not shown (a silent zone's fault)


@dataclass(frozen=True, slots=True)
class Restored:
    """The part named by `code` works again."""

    code: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth an audit event: refused command, restart, anchor."""

    what: str
    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the cameras' part tells of cameras: camera, camera-health, cameras-dark, camera-event. It sounds nothing."""

    name: str
    subject: str
    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Pictured:
    """There is a picture to send. content: its header (edge.core.pictures); at_ns: when it was taken, 0: not known."""

    camera: str
    content: Mapping[str, Json]
    at_ns: int = 0


@dataclass(frozen=True, slots=True)
class Gone:
    """Events that this box made and can never send: inclusive ranges of sequences of one epoch, rising.

    stretch: the run of loss by whose number the ledger remembers it until the event is stored; 0: it does not
    """

    epoch: Epoch
    ranges: tuple[tuple[int, int], ...]
    stretch: int = 0


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the ledger remembered from before this start; arrives late or never."""

    stuck: frozenset[ZoneId]
    brownouts: int  # consecutive boots that died within 10 s of siren-on


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; deadlines may be due."""


Contact = Touched | Pressed | Brief | Released | Stuck | LostEdge
Stimulus = (
    Contact
    | Silence
    | Identify
    | Cancel
    | Acknowledge
    | SoundFor
    | WayTest
    | Bypass
    | WalkTest
    | Switched
    | Troubled
    | Restored
    | Noted
    | Observed
    | Pictured
    | Gone
    | Recalled
    | Tick
)


# ---- effects, in the order a panel returns them: keep, sound or hush, record ----------------------------------------


@dataclass(frozen=True, slots=True)
class Activation:
    """One stretch of sound on one sounder, as kept in /run so that a crash cannot spend it twice."""

    sounder: SounderId
    purpose: Purpose
    pattern: str  # profile.name, e.g. "jateng.titir"
    alarm: str  # event id, or "" for tests and commands
    zone: str  # zone id, or ""
    since_ns: int
    until_ns: int
    grace: bool = False  # the 30 s a zone gets after another zone spent the hour
    phase_ns: int = 0  # zero of the pattern; repeated presses must not restart its first stroke into a steady tone


@dataclass(frozen=True, slots=True)
class Keep:
    """Write the activations of the last hour to /run before any output is switched."""

    activations: tuple[Activation, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Play the activation's pattern until `activation.until_ns`; latest wins per sounder."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class Hush:
    sounder: SounderId


@dataclass(frozen=True, slots=True)
class Record:
    """One numbered fact to sign, freeze, store and deliver.

    name:    last part of the CloudEvents type, e.g. "alarm", "alarm-update", "trouble"
    subject: "zone/<id>", "sounder/<id>", "box"
    content: the event's `data`
    shown:   False when the lamp must not follow its delivery (silent zone, or not an alarm)
    at_ns:   when it happened; 0: now
    """

    id: EventId
    event_class: EventClass
    name: str
    subject: str
    content: Mapping[str, Json] = field(default_factory=dict)
    shown: bool = False
    at_ns: int = 0


Effect = Keep | Sound | Hush | Record
