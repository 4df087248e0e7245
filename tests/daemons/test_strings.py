"""What people wrote comes out at the centre's end byte for byte, and what is nobody's business comes out nowhere."""

import json
import subprocess
import sys
from pathlib import Path

from edge.config.apply import apply
from edge.config.load import SystemUsers
from edge.config.resources import CHECKOUT
from edge.field.stage import SITE, Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for

WITHIN_S = 30.0
PHONE = "081000777999"
NAME = "RT 005 / RW 010 Tembalang, Gg. Méranti"
KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")


def said(root: Path, *words: str) -> str:
    command = [*KENTONGAN, *words, "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_from_the_technicians_file_to_the_centres_export(tmp_path: Path) -> None:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        site = stage.places.site
        text = site.read_text(encoding="utf-8").replace("RT 005 / RW 010 Tembalang", NAME)
        site.write_text(text.replace('rt = "005"', f'rt = "005"\nphone = "{PHONE}"'), encoding="utf-8")
        apply(stage.places, site, SystemUsers())
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "online")
        stage.wires.press(stage.line_of("pos-ronda"))
        wait_for(lambda: (ask_status(stage.places)["journey"] or {}).get("received"), "the press is received")
        stage.wires.release(stage.line_of("pos-ronda"))

        shown = json.loads(said(stage.places.root, "config", "show", "--json"))["configuration"]["site"]
        exported = [
            json.loads(line) for line in said(stage.centre_places.root, "centre", "export", "--json").splitlines()
        ]
        outputs = [
            said(stage.places.root, "status", "--json"),
            said(stage.places.root, "ledger", "export"),
            said(stage.places.root, "config", "show", "--origin"),
            *(each.output() for each in (stage.centre, stage.alarm, stage.relay)),
        ]
        alarms = [row for row in exported if row["name"] == "alarm"]
        stage.alarm.stop()
        stage.centre.stop()
        kept = [path for part in ("ledger", "centre.db") for path in tmp_path.rglob(f"*{part}*") if path.is_file()]
        assert len(kept) >= 2
        assert PHONE.encode() in (stage.places.generations / "active.json").read_bytes()  # it was there to be leaked
        assert not [path for path in kept if PHONE.encode() in path.read_bytes()]
    assert (shown["rt"], shown["rw"], shown["id"], shown["name"]) == ("005", "010", SITE, NAME)
    assert [(row["site"], row["zone"]) for row in alarms] == [(SITE, "pos-ronda")]
    assert [text for text in [*outputs, json.dumps(exported)] if PHONE in text] == []
