"""A whole box for the benchmarks: the lab kit with buttons that decide at once, straight on the broker's own port."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.config.apply import apply
from edge.config.load import SystemUsers
from edge.config.model import Configuration
from edge.config.places import Places
from edge.field.stage import Stage
from tests.bootstrap import CACHE

ZONES: Final = tuple(f"zone-{number:02d}" for number in range(16))
AT_ONCE: Final = "".join(f'\n[[zone]]\nid = "{zone}"\nhold_s = 0.0\n' for zone in ZONES)
KEY: Final = "kunci"
KEYED: Final = f'\n[[zone]]\nid = "{KEY}"\npin = "GPIO5"\nbutton = "key"\nhold_s = 0.0\n'
MEMORY: Final = Path("/dev/shm")


@contextmanager
def opened(folder: Path, kind: type[Stage] = Stage) -> Iterator[Stage]:
    """Trust, broker and configuration; no daemon runs yet.

    The stage's cable is a forwarder in Python: it would be measured too, so the box does without. Beats are rare, so
    that nothing but the rows of a benchmark is on the way.
    """
    with volatile(folder / "box"), kind(folder, cache=CACHE, kit="lab", beat_s=600.0) as stage:
        text = stage.places.site.read_text("utf-8")
        text = text.replace(f"port = {stage.cable.port}", f"port = {stage.broker.ports['boxes']}")
        stage.site = rewrite(stage.places, text + AT_ONCE)
        yield stage


def rewrite(places: Places, text: str) -> Configuration:
    """Make `text` the site that runs."""
    places.site.write_text(text, encoding="utf-8")
    return apply(places, places.site, SystemUsers()).configuration


@contextmanager
def volatile(root: Path) -> Iterator[None]:
    """Let `root`/run be memory, as /run is on every box; on a machine without a tmpfs of ours it stays on the disk."""
    if not os.access(MEMORY, os.W_OK):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="kentongan-bench-", dir=MEMORY) as memory:
        root.mkdir(parents=True)
        (root / "run").symlink_to(memory)
        yield


def start(stage: Stage) -> None:
    """Alarm and relay, without the centre: a benchmark plays its part."""
    stage.alarm.start()
    stage.alarm.wait_ready()
    stage.relay.start()
    stage.relay.wait_ready()
