"""A broker and a centre for a fleet, on this machine and gone when the block ends: real ones, each a process."""

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.dial import Endpoint
from edge.centre import reader
from edge.centre.fleet.roster import Roster
from edge.centre.places import CentrePlaces
from edge.centre.settings import CentreSettings, write_settings
from edge.config.resources import folder
from edge.core.words import EventClass
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, Program, Tls
from edge.field.children import Child

CENTRE: Final = (sys.executable, "-c", "from edge.field.cli import main; main()")
LISTENS: Final = '"what": "connected"'


class Stage:
    """Enter to start both.

    roster: whose centre; its broker's certificate serves the listener with TLS
    tls:    boxes connect with certificates; otherwise in the clear, by name alone, which only loopback may see
    centre: how `kentongan` is started; tests start a slow one
    """

    def __init__(
        self, roster: Roster, program: Program, place: Path, *, tls: bool, centre: tuple[str, ...] = CENTRE
    ) -> None:
        self._places = roster.places
        self._tls = tls
        self._open = ExitStack()
        files = self._places.certificates
        secure = Tls(authority=files / "ca.pem", certificate=files / "broker.pem", key=files / "broker.key").lines()
        self.broker: Final = Broker(
            program,
            listeners={"centre": secure, "boxes": secure if tls else ()},
            lines=[
                *([] if tls else ANONYMOUS),
                f"acl_file {folder('broker') / 'acl'}",
                "persistence true",  # as shipped: else boxes that are back before the centre find nobody subscribed
                f"persistence_location {place}/",
                "set_tcp_nodelay true",
                "max_queued_messages 100000",
                "max_inflight_messages 500",
            ],
            parent=place,
        )
        command = [*centre, "centre", "run", "--json", "--root", str(self._places.root)]
        self.centre: Final = Child("centre", command, place / "centre.log")

    @property
    def endpoint(self) -> Endpoint:
        """Where boxes connect."""
        return Endpoint(LOOPBACK, self.broker.ports["boxes"])

    def __enter__(self) -> Self:
        with self._open as unfinished:
            unfinished.enter_context(self.broker)
            write_settings(self._places, CentreSettings(f"mqtts://{LOOPBACK}:{self.broker.ports['centre']}"))
            unfinished.callback(self.centre.stop)
            self.centre.start()
            self.centre.wait_said(LISTENS)
            self._open = unfinished.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def alarms_in(places: CentrePlaces, epochs: frozenset[str]) -> tuple[int, int]:
    """(alarms of these epochs in the centre's own store, those of them that lie there more than once)."""
    rows = reader.export(places.store)
    alarms = Counter(
        (row["box"], row["epoch"], row["seq"])
        for row in rows
        if row["class"] == EventClass.ALARM and row["epoch"] in epochs
    )
    return len(alarms), sum(count > 1 for count in alarms.values())
