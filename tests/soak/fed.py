"""The real alarm daemon, fed through a pipe: each line is a number of things worth an audit event."""

import sys
import threading
from pathlib import Path
from typing import Any, Final

from edge.core.words import Noted
from edge.daemons.alarm import compose
from edge.daemons.alarm.keeper import Keeper

FEED: Final = "feed"  # beside the ledger


class FedKeeper(Keeper):
    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        inbox = parts["inbox"]

        def feed() -> None:
            number = 0
            with (Path(sys.argv[-1]) / FEED).open() as lines:
                for line in lines:
                    for _ in range(int(line)):
                        number += 1
                        inbox.put(Noted("soak", {"number": number, "text": "x" * 120}))

        threading.Thread(target=feed, name="feed", daemon=True).start()


if __name__ == "__main__":
    vars(compose)["Keeper"] = FedKeeper  # the one place where this daemon is not the product's
    sys.exit(compose.main())
