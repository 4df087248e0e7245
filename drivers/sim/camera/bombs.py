"""Answers that no honest camera gives."""

from typing import Final

NESTED_DEEP: Final = 50_000  # elements inside each other; about 350 KB in SOAP
NESTED_DATAGRAM: Final = 9_000  # as many as fit into one datagram

# "billion laughs": ten levels of ten
_ENTITIES: Final = '<!ENTITY k0 "kentongan">' + "".join(
    f'<!ENTITY k{level} "{f"&k{level - 1};" * 10}">' for level in range(1, 10)
)
_DTD: Final = f"<!DOCTYPE bomb [{_ENTITIES}]>"


def bomb(honest: bytes) -> bytes:
    """The honest document with a DTD before it and its entities in the first text it has."""
    head, mark, rest = honest.partition(b"?>")
    place = rest.rfind(b"</s:Body>")
    return head + mark + _DTD.encode() + rest[:place] + b"<k>&k9;</k>" + rest[place:]


def nested(honest: bytes, depth: int) -> bytes:
    place = honest.rfind(b"</s:Body>")
    return honest[:place] + b"<k>" * depth + b"</k>" * depth + honest[place:]
