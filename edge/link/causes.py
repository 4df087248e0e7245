"""Why a bearer has no connection, in the coded words for people: one table for the relay's log and alarm's lamp."""

from collections.abc import Mapping
from typing import Final

from edge.core import codes
from edge.core.faults import Meaning

CAUSES: Final[Mapping[str, Meaning]] = {
    "tls-files": codes.IDENTITY_MISSING,  # ours cannot be read, or key and certificate do not belong together
    "tls-client": codes.BROKER_REFUSED,  # the broker does not take our certificate
    "tls": codes.BROKER_TLS,
    "refused": codes.BROKER_REFUSED,
    "closed-0x87": codes.BROKER_REFUSED,  # not authorized
}
"""By the longest beginning of `drivers.ports.Down.cause`; anything else is E-BROKER-UNREACHABLE."""


def meaning_of(cause: str) -> Meaning:
    fitting = [beginning for beginning in CAUSES if cause.startswith(beginning)]
    return CAUSES[max(fitting, key=len)] if fitting else codes.BROKER_UNREACHABLE
