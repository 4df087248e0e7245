"""`config migrate` mends what has one answer, keeps comments and order, and never changes what a right file means."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.load import load
from edge.config.migrate import migrate
from edge.core.faults import Exit
from edge.field.cli import run
from tests.unit.test_config_load import BROKEN, BROKEN_FILES, SITE, USERS

OLD = """\
# ditulis tangan / by hand
kit = “rt-standard”   # dari WhatsApp
[site]
id: "33.74.10.1004-010-005"
nama = "RT 005 / RW 010 Tembalang"
rt = 5       # lima
rw = 010
hp = 81234567890
[broker]
server = "mqtt.pusat.example"  # broker pusat
[[tombol]]
id = "masjid"
gpio = "GPIO5"
jenis = "fire"
silent = ya
"""
NEW = """\
# ditulis tangan / by hand
kit = "rt-standard"   # dari WhatsApp
[site]
id = "33.74.10.1004-010-005"
name = "RT 005 / RW 010 Tembalang"
rt = "005"       # lima
rw = "010"
phone = "081234567890"
[uplink]
host = "mqtt.pusat.example"  # broker pusat
[[zone]]
id = "masjid"
pin = "GPIO5"
kind = "fire"
silent = true
"""


def test_a_file_in_other_words_becomes_ours_and_keeps_its_comments() -> None:
    migrated = migrate(OLD.encode(), "site.toml", USERS)
    assert migrated.text == NEW
    assert (migrated.loaded.configuration is not None, migrated.loaded.faults) == (True, ())


@pytest.mark.parametrize("stem", ["good", *BROKEN_FILES])
def test_every_file_is_done_in_one_go_and_is_never_read_otherwise(stem: str) -> None:
    content = (BROKEN / f"{stem}.toml").read_bytes()
    migrated = migrate(content, "site.toml", USERS)
    assert not migrate(migrated.text.encode(), "site.toml", USERS).changed
    assert len(migrated.text.splitlines()) == len(migrated.before.splitlines())
    if stem == "good":
        assert not migrated.changed


@pytest.mark.parametrize(
    "stem",
    ["pin-bare-number", "pin-twice", "chat-copied", "yaml-instead", "cut", "rw-short", "pin-ground", "beat-unknown"],
)
def test_what_needs_a_person_is_left_to_one(stem: str) -> None:
    migrated = migrate((BROKEN / f"{stem}.toml").read_bytes(), "site.toml", USERS)
    assert migrated.loaded.configuration is None
    assert any(not fault.warning for fault in migrated.loaded.faults)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_stays_as_it_is_or_gets_its_faults(content: bytes) -> None:
    migrated = migrate(content, "site.toml", USERS)
    assert migrated.loaded.faults


@given(st.sampled_from(["hp", "nama", "telepon", "tombol", "rt"]))
def test_a_word_inside_a_value_or_a_comment_is_no_key(word: str) -> None:
    text = f'kit = "rt-standard"\n{SITE}'.replace('name = "RT 005', f'name = "{word} RT 005', 1) + f"# {word} = 5\n"
    migrated = migrate(text.encode(), "site.toml", USERS)
    assert not migrated.changed


@pytest.mark.parametrize(("said", "right"), [("1", True), ("2", False), ("0", False), ("true", False), ('"1"', False)])
def test_a_file_for_another_version_is_not_guessed_at(said: str, *, right: bool) -> None:
    loaded = load(f'format = {said}\nkit = "rt-standard"\n{SITE}'.encode(), name="site.toml", users=USERS)
    codes = [fault.code for fault in loaded.faults if not fault.warning]
    assert codes == ([] if right else ["E-FORMAT"])


def test_the_command_shows_first_and_writes_when_told_and_keeps_the_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(OLD, encoding="utf-8")
    assert run(["config", "migrate", str(site), "--lang", "en"]) == 0
    said = capsys.readouterr()
    assert '+rt = "005"       # lima' in said.out
    assert "--write" in said.out + said.err
    assert site.read_text(encoding="utf-8") == OLD
    assert run(["config", "migrate", str(site), "--write", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["changed"], told["written"]) == (True, True, True)
    assert site.read_text(encoding="utf-8") == NEW
    assert (tmp_path / "site.toml.lama").read_text(encoding="utf-8") == OLD
    assert run(["config", "migrate", str(site), "--lang", "id"]) == 0
    assert "sudah benar" in "".join(capsys.readouterr())


def test_what_is_left_is_said_and_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text(OLD.replace('"GPIO5"', "5"), encoding="utf-8")
    assert run(["config", "migrate", str(site), "--lang", "en"]) == Exit.CONFIGURATION
    assert "E-PIN-BARE" in "".join(capsys.readouterr())
    assert run(["config", "migrate", str(tmp_path / "gone.toml")]) == Exit.CONFIGURATION
