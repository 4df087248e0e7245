"""The topic tree, seen from the centre."""

from typing import Final

PREFIX: Final = "kentongan/v1/"
KEYS_TOPIC: Final = "kentongan/v1/keys"
EVENT_LEAF: Final = "event/"
PICTURE_LEAF: Final = "picture/"
SUBSCRIPTIONS: Final = tuple(f"{PREFIX}+/{leaf}" for leaf in ("event/#", "picture/#", "beat", "state", "command"))


def topic_of(box: str, leaf: str) -> str:
    return f"{PREFIX}{box}/{leaf}"


def split_topic(topic: str) -> tuple[str, str]:
    """(box, leaf) of a topic under `kentongan/v1/`; both empty for any other."""
    box, _, leaf = topic.removeprefix(PREFIX).partition("/") if topic.startswith(PREFIX) else ("", "", "")
    return box, leaf
