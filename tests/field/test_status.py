"""What people and machines are told by a real box with its centre: both languages, schemas, and no silent zone."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge.config.resources import CHECKOUT
from edge.field.schemas import schemas
from edge.field.stage import Stage
from edge.field.status import ask_status
from edge.field.watch import UNTOLD
from edge.ledger.reader import Wanted, entries
from tests.daemons.centre_world import wait_for

KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")
MADE = schemas()
BROKEN = CHECKOUT / "broken/values.toml"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        stage.start()
        wait_for(lambda: ask_status(stage.places)["receiver"], "the centre has answered a beat")
        wait_for(lambda: ask_status(stage.places)["ordinal"], "the ledger is open")
        yield stage


def ran(stage: Stage, *words: str, exit_code: int = 0, language: str = "id") -> str:
    command = [*KENTONGAN, *words, "--root", str(stage.places.root), "--lang", language]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_code, done.stderr
    return done.stdout


def received(stage: Stage, zone: str) -> list[str]:
    """The numbers of a zone's alarms that the centre has receipted, as the ledger knows them."""
    alarms = entries(stage.places.ledger, Wanted(event_class="alarm"), newest=99)
    return [each.id for each in alarms if (each.name, each.subject) == ("alarm", f"zone/{zone}") and each.received_at]


def pressed(stage: Stage, zone: str) -> str:
    """Press until the centre has it, and let go; the alarm's number."""
    before = received(stage, zone)
    stage.wires.press(stage.line_of(zone))
    wait_for(lambda: received(stage, zone) != before, f"the centre has the alarm of {zone}")
    return received(stage, zone)[-1]


# ---- people ----------------------------------------------------------------------------------------------------------


def test_a_silent_press_changes_no_answer_and_no_line(stage: Stage) -> None:
    def still() -> dict[str, Any]:
        return {name: value for name, value in ask_status(stage.places).items() if name not in UNTOLD}

    before = still()
    pressed(stage, "warung")
    assert still() == before
    for words in (["status"], ["status", "--json"]):
        assert "warung" not in ran(stage, *words)
    stage.wires.release(stage.line_of("warung"))


def test_after_a_press_the_sheet_tells_its_way_in_both_languages(stage: Stage) -> None:
    alarm = pressed(stage, "pos-ronda")
    wait_for(lambda: (ask_status(stage.places)["journey"] or {}).get("received"), "the journey ended")
    indonesian, english = (ran(stage, "status", language=language) for language in ("id", "en"))
    ms = r"[0-9]+\.[0-9]{2} ms"
    for shown, forms in (
        (
            indonesian,
            (
                rf"Boks: {stage.box}",
                r"Konfigurasi: generasi 1",
                r"Versi program: 0\..+",
                r"Lampu: DITERIMA PUSAT: .+",
                r"Gangguan: tidak ada",
                r"Jalur mqtt: terhubung sejak \d+ (detik|menit) lalu",
                r"Pusat: Kentongan reference centre, menjawab \d+ detik lalu",
                r"Menunggu: tidak ada",
                rf"Alarm terakhir: {alarm}  disk {ms} → broker {ms} → bukti pusat {ms}",
                r"Tombol pos-ronda: tertutup",
                r"Sirene sirene: BUNYI",
            ),
        ),
        (
            english,
            (
                r"Bearer mqtt: connected for \d+ (s|min)",
                r"Centre: Kentongan reference centre, answered \d+ s ago",
                rf"Newest alarm: {alarm}  disk {ms} → broker {ms} → centre's receipt {ms}",
                r"Button pos-ronda: closed",
                r"Siren sirene: SOUNDING",
            ),
        ),
    ):
        assert [form for form in forms if not re.search(f"^{form}$", shown, re.MULTILINE)] == [], shown
    stage.wires.release(stage.line_of("pos-ronda"))


def test_without_the_cable_the_oldest_alarm_waits_and_says_what_to_do(stage: Stage) -> None:
    wait_for(lambda: ask_status(stage.places)["online"], "connected")
    stage.cable.pull()
    try:
        wait_for(lambda: not ask_status(stage.places)["online"], "the box notices")
        stage.wires.press(stage.line_of("masjid"))
        wait_for(lambda: ask_status(stage.places)["waiting"] == 1, "an alarm waits")
        told = ask_status(stage.places)
        assert (told["oldest"]["id"], told["oldest"]["earlier"]) == (told["journey"]["id"], False)
        assert 0 <= told["boot_ms"] - told["oldest"]["made_ms"] < 60_000
        stage.alarm.kill()
        stage.alarm.start()
        stage.alarm.wait_ready()
        # Until the ledger is open the oldest is the button that is still held.
        wait_for(lambda: (ask_status(stage.places)["oldest"] or {}).get("earlier"), "the ledger still knows it")
        assert ask_status(stage.places)["oldest"] == {
            "id": told["oldest"]["id"], "made_ms": ask_status(stage.places)["oldest"]["made_ms"], "earlier": True,
        }  # fmt: skip
        assert f"tertua {told['oldest']['id']}, lebih dari" in ran(stage, "status")
    finally:
        stage.cable.plug()
        stage.wires.release(stage.line_of("masjid"))
    wait_for(lambda: ask_status(stage.places)["waiting"] == 0, "the cable is back and the centre has it")


# ---- machines --------------------------------------------------------------------------------------------------------


def closed(schema: Any) -> Any:
    """The same schema, and nothing that it does not list: what is written and not described is noticed."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(member) for name, member in schema.items()}
    if "properties" in schema:
        made["additionalProperties"] = False
    return made


def unfit(name: str, value: object) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator(name).iter_errors(value)]


def _validator(name: str) -> Any:
    schema = closed(MADE[name])
    for form in [schema, *schema.get("anyOf", [])]:
        if "properties" in form:
            form["required"] = list(form["properties"])  # what may be missing of an older daemon is there today
    return Draft202012Validator(schema)


COMMANDS = (
    ("status", ["status", "--json"], 0),
    ("ledger-ls", ["ledger", "ls", "--json"], 0),
    ("config-check", ["config", "check", "--json"], 0),
    ("config-check", ["config", "check", str(BROKEN), "--json"], 4),
    ("config-apply", ["config", "apply", "--json"], 0),
    ("config-apply", ["config", "apply", str(BROKEN), "--json"], 4),
    ("config-show", ["config", "show", "--json"], 0),
    ("config-show", ["config", "show", str(BROKEN), "--json"], 4),
    ("config-show-origin", ["config", "show", "--origin", "--json"], 0),
    ("config-rollback", ["config", "rollback", "--json"], 4),
)


def test_what_each_command_writes_fits_its_schema(stage: Stage) -> None:
    for name, words, exit_code in COMMANDS:
        assert unfit(name, json.loads(ran(stage, *words, exit_code=exit_code))) == [], words
    site = stage.places.site.read_text(encoding="utf-8")
    stage.places.site.write_text(site.replace("Tembalang", "Bulusan"), encoding="utf-8")
    applied = json.loads(ran(stage, "config", "apply", "--json"))
    assert (unfit("config-apply", applied), applied["changed"]) == ([], True)
    assert f"generasi {applied['generation']} dipakai setelah" in ran(stage, "status")
    rolled = json.loads(ran(stage, "config", "rollback", "--json"))
    assert (unfit("config-rollback", rolled), rolled["ok"]) == ([], True)
    assert rolled["generation"] not in (None, applied["generation"])


def test_one_event_and_each_line_of_an_export_fit_their_schemas(stage: Stage) -> None:
    pressed(stage, "masjid")
    lines = [json.loads(line) for line in ran(stage, "ledger", "export").splitlines()]
    assert "alarm" in {line["name"] for line in lines}
    assert [fault for line in lines for fault in unfit("ledger-export", line)] == []
    shown = json.loads(ran(stage, "ledger", "show", lines[-1]["id"], "--json"))
    assert unfit("ledger-show", shown) == []
    assert (shown["intact"], shown["signature"]["state"]) == (True, "valid")


@pytest.mark.slow
def test_a_box_in_trouble_and_one_whose_daemon_is_away_fit_their_schemas(stage: Stage) -> None:
    """Kill the relay for good: after 15 s the box says that its broker is out of reach."""
    stage.relay.kill()
    wait_for(lambda: ask_status(stage.places)["troubles"], "a trouble is told", 90)
    told = json.loads(ran(stage, "status", "--json"))
    assert unfit("status", told) == []
    assert [fault["code"] for fault in told["faults"]] == told["troubles"] == ["E-BROKER-UNREACHABLE"]
    with subprocess.Popen(
        [*KENTONGAN, "watch", "--json", "--root", str(stage.places.root)], stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            assert watching.stdout is not None
            first = json.loads(watching.stdout.readline())
            stage.alarm.kill()
            away = json.loads(watching.stdout.readline())
            stage.alarm.start()
            stage.alarm.wait_ready()
            back = json.loads(watching.stdout.readline())
        finally:
            watching.terminate()
    assert watching.wait() == 0
    assert [unfit("watch", line) for line in (first, away, back)] == [[], [], []]
    assert [fault["code"] for fault in away["faults"]] == ["E-DAEMON-AWAY"]
    assert (first["at_ms"] <= away["at_ms"] <= back["at_ms"], back["box"]) == (True, stage.box)
    assert first["epoch"] != back["epoch"]


def test_what_does_not_fit_would_be_noticed() -> None:
    fault = {"code": "E-X", "where": "", "warning": False, "id": {"text": "", "fix": ""}, "en": {"text": "", "fix": ""}}
    assert unfit("config-check", {"file": "x", "ok": True, "faults": [fault]}) == []
    assert unfit("config-check", {"file": "x", "ok": True, "faults": [{**fault, "more": 1}]}) != []
    assert unfit("config-check", {"file": "x", "ok": "yes", "faults": []}) != []
    assert unfit("config-check", {"file": "x", "ok": True}) != []
