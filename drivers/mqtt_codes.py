"""MQTT 5 reason codes (OASIS MQTT 5.0, 2.4) in our words: what became of a publication, why a broker sends us away."""

from collections.abc import Mapping
from typing import Final

from drivers.ports import Outcome

PUBACKS: Final[Mapping[int, Outcome]] = {
    0x00: Outcome.PUBLISHED,
    0x10: Outcome.NOBODY,  # no matching subscribers
    0x80: Outcome.RETRY,  # unspecified error
    0x83: Outcome.RETRY,  # implementation specific error
    0x87: Outcome.FORBIDDEN,  # not authorized
    0x90: Outcome.FORBIDDEN,  # topic name invalid: a rule of the broker's, as 0x87
    0x91: Outcome.RETRY,  # packet identifier in use
    0x97: Outcome.QUOTA,  # quota exceeded
    0x99: Outcome.RETRY,  # payload format invalid
}
"""Any other code: RETRY. No code is success but 0x00."""

REFUSALS: Final[Mapping[int, str]] = {
    0x80: "the broker refuses the connection without saying why",
    0x81: "the broker could not read our CONNECT",
    0x82: "the broker finds our CONNECT against the protocol",
    0x83: "the broker does not accept this connection for a reason of its own",
    0x84: "the broker does not speak MQTT 5; there is no fallback to 3.1.1, which loses refused messages in silence",
    0x85: "the broker does not accept the box id as client id",
    0x86: "user name or password refused: is this box enrolled at this broker?",
    0x87: "the box may not connect: its certificate is not enrolled at this broker",
    0x88: "the broker is not available",
    0x89: "the broker is too busy",
    0x8A: "the box is banned by the broker's operator",
    0x8C: "the broker asks for another way to log in",
    0x90: "the broker does not accept the topic of our will: its access rules lack this box",
    0x95: "our CONNECT is too large for the broker: the state in the will is too long",
    0x97: "the broker's quota is used up",
    0x9A: "the broker keeps no retained messages; they are needed",
    0x9B: "the broker does not offer QoS 1; it is needed",
    0x9C: "the broker asks us to use another server for now; enter it as uplink host if that is right",
    0x9D: "the broker has moved for good; enter its new address as uplink host",
    0x9F: "too many connections to the broker in a short time",
}
"""CONNACK refusals; the cause is `refused-0xNN`. (paho does not know 0x99 here and calls it against the protocol.)"""

DISCONNECTS: Final[Mapping[int, str]] = {
    0x00: "the broker said goodbye",
    0x80: "the broker ended the session without saying why",
    0x81: "the broker could not read a packet of ours",
    0x82: "the broker finds us against the protocol",
    0x83: "the broker ended the session for a reason of its own",
    0x87: "the box may not do what it asked for",
    0x89: "the broker is too busy",
    0x8B: "the broker is shutting down",
    0x8D: "the broker heard nothing from us for too long",
    0x8E: "another connection with this box id took the session over",
    0x90: "the broker does not accept a topic of ours",
    0x93: "more in flight than the broker allows",
    0x95: "a packet of ours is too large for the broker",
    0x96: "we send faster than the broker allows",
    0x97: "the broker's quota is used up",
    0x98: "the broker's operator ended the session",
    0x99: "the broker does not accept the form of a payload",
    0x9A: "the broker keeps no retained messages; they are needed",
    0x9B: "the broker does not offer QoS 1; it is needed",
    0x9C: "the broker asks us to use another server for now",
    0x9D: "the broker has moved for good; enter its new address as uplink host",
    0x9F: "too many connections to the broker in a short time",
    0xA0: "the longest time for one connection is over",
}
"""DISCONNECT sent by the broker; the cause is `closed-0xNN`."""
