"""`kentongan ledger` on a ledger that the test wrote, in both languages."""

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.config.places import Places
from edge.core.events import Author, freeze
from edge.core.faults import Exit
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Record, SiteId
from edge.field.cli import run
from edge.ledger.files import put_away, set_aside
from edge.ledger.ledger import Ledger

EPOCH, SITE = Epoch("7c1f0b2e"), SiteId("33.74.10.1004-010-005")
NOON_NS = 1_795_521_600 * SECOND_NS  # 2026-11-24T12:00:00Z

Captured = pytest.CaptureFixture[str]


class Box:
    """An enrolled box whose ledger holds three audits, one a minute, made with its own key."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "box")
        self.name = enrol_here(Authority.make(CentrePlaces(folder / "centre")), self.places, SITE)
        self.signer = Signer((self.places.secrets / "box.key").read_bytes())
        self.record(*(self.made(seq) for seq in (1, 2, 3)))

    def made(self, seq: int, *, by: Signer | None = None, box: BoxId | None = None, subject: str = "box") -> Any:
        record = Record(EventId(EPOCH, seq), EventClass.AUDIT, "audit", subject, {"what": "restart"})
        when = Stamp(NOON_NS + seq * 60 * SECOND_NS, seq * SECOND_NS, TimeQuality.SYNCED)
        return freeze(record, when, Author(box or self.name, SITE, EPOCH, "5f0e2a9c"), by or self.signer)

    def record(self, *events: Any) -> None:
        with Ledger(self.places.ledger, EPOCH) as ledger:
            ledger.append(list(events))

    def ledger(self, *words: str, language: str = "en") -> int:
        return run(["--root", str(self.places.root), "--lang", language, "ledger", *words])


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def shown(box: Box, capsys: Captured, seq: int) -> dict[str, Any]:
    assert box.ledger("show", f"{EPOCH}.{seq}", "--json") == Exit.OK
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_an_events_own_signature_is_verified(box: Box, capsys: Captured) -> None:
    said = shown(box, capsys, 1)
    assert (said["intact"], said["signature"]["state"]) == (True, "valid")
    assert box.ledger("show", f"{EPOCH}.1", language="id") == Exit.OK
    assert "Tanda tangan     cocok dengan kunci boks ini" in capsys.readouterr().out
    assert box.ledger("show", f"{EPOCH}.1") == Exit.OK
    assert "Signature        matches this box's key" in capsys.readouterr().out


def test_an_event_with_a_digest_of_its_own_and_anothers_signature_is_forged(box: Box, capsys: Captured) -> None:
    box.record(box.made(4, by=Signer(bytes(32))))
    said = shown(box, capsys, 4)
    assert (said["intact"], said["signature"]["state"]) == (True, "forged")
    assert box.ledger("show", f"{EPOCH}.4", language="id") == Exit.OK
    assert "TIDAK COCOK (signature does not match)" in capsys.readouterr().out


def test_an_event_that_the_card_has_changed_is_not_whole_and_not_signed(box: Box, capsys: Captured) -> None:
    db = sqlite3.connect(box.places.ledger)
    with db:
        db.execute("UPDATE event SET raw = replace(raw, 'restart', 'retreat') WHERE seq = 2")
    db.close()
    said = shown(box, capsys, 2)
    assert (said["intact"], said["signature"]["state"]) == (False, "forged")
    box.ledger("show", f"{EPOCH}.2")
    assert "DAMAGED" in capsys.readouterr().out


def test_a_list_says_that_a_part_could_not_be_read(box: Box, capsys: Captured) -> None:
    box.record(*(box.made(seq) for seq in range(4, 60)))
    assert box.ledger("ls") == Exit.OK
    assert capsys.readouterr().err == ""
    content = bytearray(box.places.ledger.read_bytes())
    at = content.index(box.made(30).raw) // 4096 * 4096
    content[at : at + 4096] = bytes(4096)
    box.places.ledger.write_bytes(content)
    for words in (("ls",), ("ls", "--json"), ("export",), ("show", f"{EPOCH}.59")):
        assert box.ledger(*words, language="id") == Exit.OK
        said = capsys.readouterr()
        assert said.err == "Sebagian catatan ini rusak: yang tampil adalah yang masih terbaca.\n"
        assert f"{EPOCH}.59" in said.out


def test_a_list_says_where_the_broken_ledgers_lie(box: Box, capsys: Captured) -> None:
    broken = set_aside(box.places.ledger, "0000000a")
    box.record(box.made(4))
    assert box.ledger("ls") == Exit.OK
    assert capsys.readouterr().err.startswith(f"Broken ledger {broken}: its events are on their way into this one.")
    put_away(broken)
    assert box.ledger("ls") == Exit.OK
    salvaged = broken.with_suffix(".salvaged")
    assert capsys.readouterr().err == f"Broken ledger {salvaged}: what could be read of it is in this one.\n"
    assert box.ledger("ls", "--file", str(salvaged)) == Exit.OK
    assert f"{EPOCH}.3" in capsys.readouterr().out


def test_without_the_key_nothing_is_claimed(box: Box, capsys: Captured) -> None:
    (box.places.secrets / "box.key").unlink()
    said = shown(box, capsys, 1)
    assert (said["intact"], said["signature"]["state"]) == (True, "unchecked")
    assert said["signature"]["why"] == {
        "id": "kunci boks tidak bisa dibaca (No such file or directory); coba dengan sudo",
        "en": "cannot read the box's key (No such file or directory); try sudo",
    }


def test_another_boxs_event_is_not_held_against_this_boxs_key(box: Box, capsys: Captured) -> None:
    box.record(box.made(4, by=Signer(bytes(32)), box=BoxId("ktg-k7q2m7xa")))
    said = shown(box, capsys, 4)
    assert said["signature"]["state"] == "unchecked"
    assert said["signature"]["why"]["id"] == "kejadian dari boks lain: ktg-k7q2m7xa"


def test_ls_and_export_take_moments(box: Box, capsys: Captured) -> None:
    at = ["--since", "2026-11-24T19:02:00+07:00"]
    box.ledger("ls", "--json", *at)
    assert [each["id"] for each in json.loads(capsys.readouterr().out)] == [f"{EPOCH}.2", f"{EPOCH}.3"]
    box.ledger("export", *at, "--until", "2026-11-24T12:02:30Z")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["id"] == f"{EPOCH}.2"
    box.ledger("ls", "--since", "0s", "--until", "2026-11-24T12:00:00Z", "--json")
    assert json.loads(capsys.readouterr().out) == []
    box.ledger("ls", "--since", "999999d")
    assert f"{EPOCH}.1" in capsys.readouterr().out


@pytest.mark.parametrize(("language", "state"), [("id", "menunggu"), ("en", "waiting")])
def test_in_a_pipe_an_event_is_one_line(box: Box, capsys: Captured, language: str, state: str) -> None:
    box.ledger("ls", language=language)
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"2026-11-24T12:01:00.000Z  {EPOCH}.1  audit/audit  box  {state}"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("id", "tulis seperti 30m, 2h, 3d (menit, jam, hari yang lalu) atau 2026-11-23T13:05:00+07:00"),
        ("en", "write it like 30m, 2h, 3d (minutes, hours, days ago) or 2026-11-23T13:05:00+07:00"),
    ],
)
@pytest.mark.parametrize("line", [("ls", "--since", "kemarin"), ("export", "--until", "2026-11-23T13:05:00")])
def test_what_is_no_moment_is_answered_with_an_example(
    box: Box, capsys: Captured, line: tuple[str, ...], language: str, said: str
) -> None:
    assert box.ledger(*line, language=language) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_where_there_is_no_room_for_a_copy_the_size_and_a_way_out_are_told(
    box: Box, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage("."))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9, 10**9, 0))
    assert box.ledger("ls") == Exit.PREREQUISITE
    said = capsys.readouterr().err
    assert ("E-LEDGER-ROOM" in said, ": 1 MB" in said, "TMPDIR=/media/usb" in said) == (True, True, True)


def test_a_spreadsheet_gets_every_event_and_no_formula(box: Box, capsys: Captured) -> None:
    box.record(box.made(4, subject="=HYPERLINK(A1)"))
    assert box.ledger("export", "--format", "csv") == Exit.OK
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    box.ledger("export")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["raw"] for row in rows] == [line["raw"] for line in lines]
    assert list(rows[0]) == list(lines[0])
    assert (rows[0]["subject"], rows[3]["subject"], rows[0]["intact"]) == ("box", "'=HYPERLINK(A1)", "true")
