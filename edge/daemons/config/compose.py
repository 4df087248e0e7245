"""The composition root of kentongan-config: what waits is followed, watched and answered for; then it ends."""

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from edge.config.load import SystemUsers
from edge.config.places import Places
from edge.core.faults import Exit
from edge.daemons.config.steward import Seen, Steward
from edge.daemons.runtime import SystemClock, boot_id, start_logging
from edge.link.client import LinkClient
from edge.link.frames import Laid

log = logging.getLogger("kentongan.config")

ANSWER_S: Final = 2.0
LOOK_S: Final = 0.5


class _Answer(msgspec.Struct):
    """What we read of alarm's status."""

    config: int
    receiver: str


class Link:
    """Alarm, as far as we speak with it."""

    def __init__(self, client: LinkClient) -> None:
        self._client = client

    def look(self) -> Seen | None:
        """None while alarm does not answer."""
        raw = self._client.ask("status", ANSWER_S)
        try:
            answer = msgspec.json.decode(raw, type=_Answer) if raw else None
        except msgspec.MsgspecError:
            return None
        return Seen(answer.config, answered=bool(answer.receiver)) if answer else None

    def tell(self, laid: Laid) -> None:
        self._client.send(laid)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until nothing waits. Returns an exit code of edge.core.faults.Exit."""
    parser = argparse.ArgumentParser(prog="kentongan-config")
    parser.add_argument("--root", type=Path, default=Path("/"))
    places = Places(parser.parse_args(argv).root)
    start_logging()
    with LinkClient(places.link / "config.sock") as client:
        steward = Steward(
            places,
            SystemUsers(),
            Link(client),
            boot=boot_id(),
            boot_ns=SystemClock().boot_ns,
            wait=lambda: time.sleep(LOOK_S),
        )
        try:
            steward.run()
        except OSError as error:
            log.error("%s cannot be written or read  cause=%s", error.filename, error.strerror)
            return Exit.CONFIGURATION
    return Exit.OK
