"""The real alarm daemon on the real chip; one case per run, its facts printed as one line of JSON.

python3 -m tests.lab.inside.alarm contacts quick|loop|rail
python3 -m tests.lab.inside.alarm short_presses|starts|held_line
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import gpiod
from gpiod.line import Direction

from edge.config.places import Places
from tests.lab.inside.box import (
    HORN,
    LOOP,
    QUICK,
    RAIL,
    SIREN,
    Box,
    lay_at_rest,
    press,
    rows,
    sounding,
    wait_sounding,
    write_site,
)
from tests.lab.inside.chip import Analyser, Chip

PRESSES = 100
SHORT_S = 0.04
APART_S = 0.1  # longer than the 40 ms for which a contact settles
STARTS = 5
QUIET = ("id.kentongan.alarm.v1", "id.kentongan.restoral.v1")


def fresh(name: str) -> Places:
    """A box with no past: the siren of a box that died is taken up again by its next start."""
    places = Places(Path("/run/boxes") / name)
    write_site(places)
    return places


def contacts(chip: Chip) -> dict[str, Any]:
    """Press one kind of contact and read both sirens back at the chip."""
    line = {"quick": QUICK, "loop": LOOP, "rail": RAIL}[sys.argv[2]]
    with Analyser.recording() as analyser, Box(fresh("contacts"), chip) as box:
        before = sounding(chip)
        press(chip, line, 1.5)
        sounded = wait_sounding(chip)
        box.stop()
        last = (analyser.driven(SIREN)[-1], analyser.driven(HORN)[-1])
        return {"before": before, "sounded": sounded, "last_driven": last}


def short_presses(chip: Chip) -> dict[str, Any]:
    """Press the quick button for 40 ms, again and again, and count the alarms that the ledger holds."""
    places = fresh("short")
    with Box(places, chip):
        for _ in range(PRESSES):
            press(chip, QUICK, SHORT_S)
            time.sleep(APART_S)
        time.sleep(1.0)
    alarms = [row for row in rows(places) if row["type"] == "id.kentongan.alarm.v1"]
    others = [row["data"] for row in rows(places) if row["subject"] == "zone/quick" and row["type"] not in QUIET]
    return {"pressed": PRESSES, "alarms": sum(row["data"]["zone"] == "quick" for row in alarms), "others": others}


def starts(chip: Chip) -> dict[str, Any]:
    """Start and kill the daemon; what it drove onto each siren's line until it was ready."""
    places = fresh("starts")
    siren, horn = [], []
    for _ in range(STARTS):
        with Analyser.recording() as analyser, Box(places, chip) as box:
            siren.append(analyser.driven(SIREN))
            horn.append(analyser.driven(HORN))
            box.kill()
    return {"starts": STARTS, "siren": siren, "horn": horn}


def held_line(chip: Chip) -> dict[str, Any]:
    """Another program holds a button's line at the start, and lets it go later."""
    output = gpiod.LineSettings(direction=Direction.OUTPUT)
    holder = gpiod.request_lines("/dev/gpiochip0", consumer="gpioset", config={QUICK: output})
    with Box(fresh("held"), chip) as box:
        press(chip, RAIL, 0.5)
        facts = {"sounded": wait_sounding(chip), "log": box.log.splitlines()}
        holder.release()
        deadline = time.monotonic() + 15.0
        while "GPIO17 back" not in box.log and time.monotonic() < deadline:
            time.sleep(0.1)
        facts["back"] = "GPIO17 back" in box.log
    return facts


CASES = {case.__name__: case for case in (contacts, short_presses, starts, held_line)}

if __name__ == "__main__":
    simulated = Chip()
    lay_at_rest(simulated)
    print(json.dumps(CASES[sys.argv[1]](simulated)))
