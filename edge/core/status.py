"""What the box answers a person at its socket: how it is now, and nothing of a silent zone.

Members that end in `_ms` are milliseconds on the boot clock, `boot_ms` is now: an age is a difference of the two.
"""

from dataclasses import dataclass, field
from typing import Final

from edge.core.words import BoxId, Epoch

PRIMARY: Final = "primary"
SECONDARY: Final = "secondary"


@dataclass(frozen=True, slots=True)
class Bearer:
    """since_ms: when it came up or went down, None: not up yet in this run. detail: why it is down.

    broker: which of the configured ones it speaks to, PRIMARY or SECONDARY; "" while it is down
    """

    up: bool = False
    since_ms: int | None = None
    detail: str = ""
    broker: str = ""


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest alarm without a receipt that the lamp follows.

    earlier: it was made before this start of alarm, which was at made_ms; the ledger knows when
    """

    id: str
    made_ms: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Journey:
    """How the newest alarm fared: milliseconds as text after it was made, "" for what has not happened.

    made: nanoseconds on the boot clock, as text
    """

    id: str
    made: str
    stored: str = ""
    published: str = ""
    received: str = ""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The newest daily test of the way to the centre. state: waiting, passed, failed; at: when it began, RFC 3339."""

    state: str
    at: str
    receiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStatus:
    """Everything that may be seen at the box; what an older alarm does not say is empty.

    config:      generation of the configuration
    troubles:    code, or code/part
    causes:      trouble -> what the daemon knows of it, in English
    cameras:     adopted cameras, and how each is (edge.core.inventory.Health)
    waiting:     alarms without a receipt that the lamp follows
    receiver:    the centre's own name in its last answer to a beat, at answered_ms
    """

    box: BoxId
    site: str
    session: str
    online: bool
    version: str
    config: int
    bootid: str
    epoch: Epoch
    ordinal: int
    nonce: str
    timequality: str
    zones: dict[str, str]
    sounders: dict[str, str]
    troubles: tuple[str, ...]
    lamp: str
    waiting: int
    receiver: str
    v: int = 1
    journey: Journey | None = None
    boot_ms: int = 0
    causes: dict[str, str] = field(default_factory=dict)
    bearers: dict[str, Bearer] = field(default_factory=dict)
    answered_ms: int | None = None
    oldest: Oldest | None = None
    selftest: SelfTest | None = None
    cameras: dict[str, str] = field(default_factory=dict)
