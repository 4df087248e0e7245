"""A subscriber in a process of its own: when the first and when the last of COUNT different events came.

    python -m tests.bench.ear PORT ROOT BOX TOPIC COUNT

It says "." when it listens, and a line of JSON at the end. With a BOX it plays the centre: a receipt every 500.
"""

import json
import sys
from pathlib import Path
from typing import Final

from edge.centre.places import CentrePlaces
from edge.core.words import BoxId
from tests.bench.bare import BarePaho
from tests.bench.centre import PlayedCentre, events_of

RECEIPT_EVERY: Final = 500
PATIENCE_S: Final = 60.0


def listen(ear: BarePaho, centre: PlayedCentre | None, count: int) -> dict[str, int]:
    """Until `count` different messages are here."""
    seen: dict[bytes, int] = {}
    twice = 0

    def heard() -> bool:
        nonlocal twice
        before = len(seen)
        for _, raw, at_ns in ear.heard:
            for event in events_of(raw):
                twice += 1
                seen.setdefault(event, at_ns)
        twice -= len(seen) - before
        if centre is not None and before // RECEIPT_EVERY < len(seen) // RECEIPT_EVERY:
            for dispatch in centre.answer(list(seen)[-2 * RECEIPT_EVERY :]):
                ear.publish(dispatch.topic, dispatch.raw)
        ear.heard.clear()
        return len(seen) >= count

    ear.until(heard, PATIENCE_S)
    return {"first_ns": min(seen.values()), "last_ns": max(seen.values()), "twice": twice}


if __name__ == "__main__":
    port, root, box, topic, count = sys.argv[1:]
    keys = CentrePlaces(Path(root))
    with BarePaho(f"ear-{topic.split('/')[2]}", int(port), keys) as ear:
        ear.subscribe(topic)
        print(".", flush=True)
        print(json.dumps(listen(ear, PlayedCentre(keys, BoxId(box)) if box else None, int(count))), flush=True)
