"""What waits for kentongan-config in the inbox: alarm writes it once it has believed the order, whole or not at all."""

import msgspec

from edge.config.generations import write_atomically
from edge.config.places import Places

NAME = "overlay.json"  # kentongan-config.path waits for it
LIMIT = 8 * 1024  # bytes; an order has 4 KiB


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """jti: of the order, to tell what became of it; by: the operator's name; overlay: TOML."""

    jti: str
    by: str
    overlay: str


def put_draft(places: Places, draft: Draft) -> None:
    """The newest counts: one that nobody has taken yet is replaced. Raises OSError."""
    write_atomically(places.inbox / NAME, msgspec.json.encode(draft))


def read_draft(places: Places) -> Draft | None:
    """None where there is none, or what lies there is none. Raises OSError for another reason than absence."""
    try:
        with (places.inbox / NAME).open("rb") as file:
            return msgspec.json.decode(file.read(LIMIT), type=Draft)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def remove_draft(places: Places, draft: Draft | None) -> None:
    """Take away what was read, unless a newer one lies there by now. Raises OSError."""
    if read_draft(places) == draft:
        (places.inbox / NAME).unlink(missing_ok=True)
