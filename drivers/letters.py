"""What a command centre receives from a broker and what it sends: values without a vendor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it arrived.

    durable: False when the box had not stored the event when it left (user property durable=false)
    mark:    the session's own name for this delivery, for its acknowledgement
    """

    topic: str
    raw: bytes
    retained: bool = False
    durable: bool = True
    correlation: bytes = b""
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message to send at QoS 1. expiry_s: the broker drops it when nobody took it for so long; None: never."""

    topic: str
    raw: bytes
    retain: bool = False
    expiry_s: int | None = None
    correlation: bytes = b""
