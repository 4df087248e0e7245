"""What MQTT 5 packets are made of: numbers, texts and properties, as values and as bytes.

Source: OASIS MQTT Version 5.0 (2019-03-07); each clause is named where it is followed.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final

VARIABLE_MAX: Final = 268_435_455  # 1.5.5: what four bytes can hold
CONTINUED: Final = 0x80  # 1.5.5: the top bit of a Variable Byte Integer says that another byte follows


class Malformed(ValueError):
    """These bytes are no packet that a broker may send us (4.13)."""


class Property(IntEnum):
    """2.2.2.2: those that we name; others are read by their type and kept by their number."""

    CORRELATION = 0x09
    SESSION_EXPIRY_S = 0x11
    KEEPALIVE_S = 0x13
    WILL_DELAY_S = 0x18
    RECEIVE_MAXIMUM = 0x21
    USER = 0x26
    PACKET_LIMIT = 0x27


Value = int | str | bytes | tuple[tuple[str, str], ...]
Properties = Mapping[int, Value]
"""Identifier -> value; USER: pairs, in their order."""


class _Form(Enum):
    """1.5: how a property's value is written."""

    BYTE = 1
    TWO = 2
    FOUR = 4
    VARIABLE = "variable"
    TEXT = "text"
    BINARY = "binary"
    PAIR = "pair"


_FORMS: Final[Mapping[int, _Form]] = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), _Form.BYTE),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), _Form.TWO),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), _Form.FOUR),
    **dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), _Form.TEXT),
    **dict.fromkeys((0x09, 0x16), _Form.BINARY),
    0x0B: _Form.VARIABLE,
    0x26: _Form.PAIR,
}
_REPEATABLE: Final = 0x0B  # 3.3.2.3.8: a message may have come by several subscriptions; the last one is kept
NO_PROPERTIES: Final[Properties] = {}


# ---- values to bytes -------------------------------------------------------------------------------------------------


def write_properties(properties: Properties) -> bytes:
    """2.2.2."""
    whole = b"".join(_property(name, value) for name, value in properties.items())
    return write_variable(len(whole)) + whole


def _property(name: int, value: Value) -> bytes:
    mark = bytes((name,))
    match _FORMS[name], value:
        case (_Form.BYTE | _Form.TWO | _Form.FOUR) as form, int(number):
            return mark + number.to_bytes(form.value)
        case _Form.VARIABLE, int(number):
            return mark + write_variable(number)
        case _Form.TEXT, str(text):
            return mark + write_text(text)
        case _Form.BINARY, bytes(raw):
            return mark + write_binary(raw)
        case _Form.PAIR, tuple(pairs):
            return b"".join(mark + write_text(key) + write_text(said) for key, said in pairs)
        case _:
            raise ValueError(f"property 0x{name:02X} is no {type(value).__name__}")


def write_variable(number: int) -> bytes:
    """1.5.5."""
    if not 0 <= number <= VARIABLE_MAX:
        raise ValueError(f"{number} has no form of four bytes")
    encoded = bytearray()
    while number >= CONTINUED:
        encoded.append(number % CONTINUED | CONTINUED)
        number //= CONTINUED
    encoded.append(number)
    return bytes(encoded)


def write_two(number: int) -> bytes:
    return number.to_bytes(2)


def write_binary(raw: bytes) -> bytes:
    """1.5.6."""
    return write_two(len(raw)) + raw


def write_text(text: str) -> bytes:
    """1.5.4."""
    return write_binary(text.encode())


# ---- bytes to values -------------------------------------------------------------------------------------------------


class Reader:
    """Reads one packet's rest from its beginning."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._raw) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Malformed("it ends too early")
        self._at += size
        return self._raw[self._at - size : self._at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def variable(self) -> int:
        number = 0
        for place in range(4):
            byte = self.number(1)
            number |= (byte & 0x7F) << 7 * place
            if byte < CONTINUED:
                return number
        raise Malformed("a number of more than four bytes")

    def text(self) -> str:
        try:
            return self.take(self.number(2)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("a text that is not UTF-8") from error

    def properties(self) -> Properties:
        end = self.variable()
        if not end:
            return NO_PROPERTIES
        reader, found = Reader(self.take(end)), dict[int, Value]()
        while reader.left:
            name = reader.variable()
            value = reader.value(name)
            if name == Property.USER:
                found[name] = (*found.get(name, ()), *value)  # type: ignore[misc]  # pairs, by its form
            elif name in found and name != _REPEATABLE:
                raise Malformed(f"property 0x{name:02X} twice")
            else:
                found[name] = value
        return found

    def value(self, name: int) -> Value:
        match _FORMS.get(name):
            case (_Form.BYTE | _Form.TWO | _Form.FOUR) as form:
                return self.number(form.value)
            case _Form.VARIABLE:
                return self.variable()
            case _Form.TEXT:
                return self.text()
            case _Form.BINARY:
                return self.take(self.number(2))
            case _Form.PAIR:
                return ((self.text(), self.text()),)
            case None:
                raise Malformed(f"no property 0x{name:02X}")
