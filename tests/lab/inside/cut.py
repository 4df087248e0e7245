"""What runs in a machine whose power will be cut; /dev/ubdb is the card that survives it.

python3 -m tests.lab.inside.cut format      make the card's file system
python3 -m tests.lab.inside.cut press       press for ever; /host/lit gets a line for each press that lit "mengirim"
python3 -m tests.lab.inside.cut look        start the daemon again: did a siren resume, what does the ledger hold
python3 -m tests.lab.inside.cut careless    write and acknowledge without a flush: what a cut must be able to lose
python3 -m tests.lab.inside.cut count       how much of that is left
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from edge.config.places import Places
from tests.lab.inside.box import LAMP, QUICK, Box, lay_at_rest, press, rows, sounding, write_site
from tests.lab.inside.chip import Chip

CARD = Path("/mnt")
HOST = Path("/host")
MENGIRIM_S = 0.35  # on for 600 ms; every other face before it is on for at most 170 ms (edge/core/lamps.py)
LIT_S = 10.0


def mount() -> Places:
    subprocess.run(["mount", "/dev/ubdb", CARD], check=True)
    places = Places(CARD / "box")
    # What is volatile on a real box is volatile here: /run does not survive a boot.
    places.run.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "run", places.root / "run"], check=True)
    return places


def format_card() -> None:
    subprocess.run(["mkfs.ext4", "-q", "-F", "/dev/ubdb"], check=True)


def wait_mengirim(chip: Chip) -> bool:
    """Wait until the lamp has been on for longer than any face but "mengirim" is."""
    deadline = time.monotonic() + LIT_S
    since: float | None = None
    while time.monotonic() < deadline:
        now = time.monotonic()
        since = (since or now) if chip.level(LAMP) else None
        if since is not None and now - since > MENGIRIM_S:
            return True
        time.sleep(0.005)
    return False


def press_for_ever(chip: Chip, lit: int) -> None:
    while True:
        press(chip, QUICK, 0.04)
        if not wait_mengirim(chip):
            raise SystemExit("the lamp did not light mengirim")
        os.write(lit, b"lit\n")


def begin_pressing() -> None:
    places, chip = mount(), Chip()
    lay_at_rest(chip)
    write_site(places)
    os.sync()
    lit = os.open(HOST / "lit", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Box(places, chip):
        press_for_ever(chip, lit)


def look() -> None:
    places, chip = mount(), Chip()
    lay_at_rest(chip)
    with Box(places, chip):
        time.sleep(0.5)
        resumed = any(sounding(chip))
    found = rows(places)
    alarms = [row for row in found if row["type"] == "id.kentongan.alarm.v1" and row["data"]["zone"] == "quick"]
    epochs = list(dict.fromkeys(row["epoch"] for row in found))
    counted = Counter(row["epoch"] for row in alarms)
    print(json.dumps({"alarms": [counted[epoch] for epoch in epochs], "resumed": resumed}))


def careless() -> None:
    mount()
    acknowledged = os.open(HOST / "lit", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with (CARD / "careless").open("wb", buffering=0) as card:
        while True:
            card.write(b"row\n")
            os.write(acknowledged, b"lit\n")
            time.sleep(0.01)


def count() -> None:
    mount()
    path = CARD / "careless"
    print(path.read_bytes().count(b"row\n") if path.exists() else 0)


PARTS = {"format": format_card, "press": begin_pressing, "look": look, "careless": careless, "count": count}

if __name__ == "__main__":
    PARTS[sys.argv[1]]()
