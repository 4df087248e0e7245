"""Several centres' processes on one MQTT 5 shared subscription: who each of them is, and what each hears.

A process takes the lowest free place of its group on this machine and with it a client id, so that the one that
follows a dead process continues its session, and gets at once what the broker had given to the dead one.
"""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from drivers.mqtt_centre import Membership
from edge.centre.settings import SettingsFault
from edge.centre.topics import SUBSCRIPTIONS

GROUP: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
PLACES_MAX: Final = 64
ALONE_EXPIRY_S: Final = 7 * 24 * 3600  # what boxes sent while the centre was away
SHARED_EXPIRY_S: Final = 120  # a member that stays away gives back its share: the broker goes on giving it letters

ALONE: Final = Membership("kentongan-centre", SUBSCRIPTIONS, ALONE_EXPIRY_S)


class GroupFault(SettingsFault):
    """A group's name that cannot be part of a topic, or a group that is full on this machine."""


@contextmanager
def membership(home: Path, group: str | None) -> Iterator[Membership]:
    """Ours, until the end of the block. group None: the only centre there is. Raises GroupFault."""
    if group is None:
        yield ALONE
        return
    if GROUP.fullmatch(group) is None:
        raise GroupFault(f"{group!r}: a group's name is 1 to 32 letters, digits, - and _")
    number, lock = _place(home, group)
    try:
        client = f"kentongan-centre-{group}-{socket.gethostname()}-{number}"
        yield Membership(client, tuple(_shared(topic, group) for topic in SUBSCRIPTIONS), SHARED_EXPIRY_S)
    finally:
        os.close(lock)


def _shared(topic: str, group: str) -> str:
    """States are heard by all: a shared subscription brings no retained one, and the store keeps the latest once."""
    return topic if topic.endswith("/state") else f"$share/{group}/{topic}"


def _place(home: Path, group: str) -> tuple[int, int]:
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    for number in range(1, PLACES_MAX + 1):
        lock = os.open(home / f"share-{group}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return number, lock
    raise GroupFault(f"{group}: {PLACES_MAX} processes run here already")
