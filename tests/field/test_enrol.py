"""Enrolment as the technician and the operator see it: two commands on the box, one at the centre, files between."""

import io
import json
import stat
from pathlib import Path

import pytest

from edge.centre.authority import OFFLINE
from edge.core.faults import Exit
from edge.enrol.box import standing
from edge.enrol.forms import fingerprint, read_request
from edge.enrol.lines import Kind, content_of, lines_of
from tests.field.desk import SITE, Desk

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_box_is_enrolled_by_two_files(desk: Desk, capsys: Captured) -> None:
    box = desk.box("box")
    assert desk.at_box("box", "--request", desk.file("request.txt")) == Exit.OK
    asked = capsys.readouterr().err
    assert (
        desk.at_centre("approve", desk.file("request.txt"), "--out", desk.file("answer.txt"), "--yes", "--by", "Sari")
        == 0
    )
    assert desk.at_box("box", "--accept", desk.file("answer.txt"), "--pin", desk.pin) == Exit.OK
    binding = standing(box)
    assert binding is not None
    assert binding.site == SITE
    assert binding.box in asked
    entry = desk.audited()[-1]
    assert (entry["kind"], entry["operator"], entry["box"]) == ("admission", "Sari", binding.box)
    assert entry["about"]["fingerprint"] in asked


def test_the_fingerprint_that_both_sides_show_is_the_same(desk: Desk, capsys: Captured) -> None:
    desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    at_box = capsys.readouterr().err
    request = read_request(content_of(Kind.REQUEST, (desk.folder / "request.txt").read_text()))
    desk.at_centre("approve", desk.file("request.txt"), "--yes")
    at_centre = capsys.readouterr().err
    assert fingerprint(request.public) in at_box
    assert fingerprint(request.public) in at_centre


def test_text_goes_through_standard_input_and_output(
    desk: Desk, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = desk.box("box")
    desk.at_box("box", "--request", "-")
    monkeypatch.setattr("sys.stdin", Typed(capsys.readouterr().out))
    assert desk.at_centre("approve", "-", "--yes") == Exit.OK
    monkeypatch.setattr("sys.stdin", Typed(capsys.readouterr().out.lower()))
    assert desk.at_box("box", "--accept", "-", "--pin", desk.pin.lower()) == Exit.OK
    assert standing(box) is not None


class Typed(io.TextIOWrapper):
    """What a person pastes."""

    def __init__(self, text: str) -> None:
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8")


def test_a_request_that_its_key_has_not_signed_is_refused(desk: Desk, capsys: Captured) -> None:
    desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    raw = content_of(Kind.REQUEST, (desk.folder / "request.txt").read_text())
    for changed in (raw.replace(b"-010-005", b"-010-006"), raw[:-1] + bytes([raw[-1] ^ 1]), raw[:-9]):
        assert changed != raw
        (desk.folder / "changed.txt").write_text(lines_of(Kind.REQUEST, changed))
        assert desk.at_centre("approve", desk.file("changed.txt"), "--yes") == Exit.USAGE
        assert "✗ E-BOX-REJECTED" in capsys.readouterr().err
    assert list(desk.centre.boxes.glob("*.jws")) == []


def test_a_person_who_says_no_admits_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    monkeypatch.setattr("sys.stdin", Typed("n\n"))
    assert desk.at_centre("approve", desk.file("request.txt")) != Exit.OK
    assert list(desk.centre.boxes.glob("*.jws")) == []


def test_a_wrong_pin_or_none_pins_nothing(desk: Desk, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    box = desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    desk.at_centre("approve", desk.file("request.txt"), "--out", desk.file("answer.txt"), "--yes")
    monkeypatch.setattr("sys.stdin", Typed(""))
    for words in (("--pin", "AAAA-AAAA-AAAA-AAAA-AAAA"), ()):
        assert desk.at_box("box", "--accept", desk.file("answer.txt"), *words) == Exit.CONFIGURATION
        assert f"✗ E-ENROL-ROOT  The fingerprint of the centre's root, {desk.pin}" in capsys.readouterr().err
    assert not (box.trust / "root.pub").exists()


def test_a_second_box_at_a_site_must_be_called_a_replacement(desk: Desk, capsys: Captured) -> None:
    for name in ("old", "new"):
        desk.box(name)
        desk.at_box(name, "--request", desk.file(f"{name}.txt"))
    assert desk.at_centre("approve", desk.file("old.txt"), "--yes") == Exit.OK
    assert desk.at_centre("approve", desk.file("new.txt"), "--yes") == Exit.USAGE
    assert "✗ E-BOX-SITE-TAKEN" in capsys.readouterr().err
    assert desk.at_centre("approve", desk.file("old.txt"), "--yes") == Exit.OK  # the same box again


def test_enrolling_again_says_what_is_lost(desk: Desk, capsys: Captured) -> None:
    box = desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    desk.at_centre("approve", desk.file("request.txt"), "--out", desk.file("answer.txt"), "--yes")
    desk.at_box("box", "--accept", desk.file("answer.txt"), "--pin", desk.pin)
    first = standing(box)
    assert first is not None
    capsys.readouterr()
    assert desk.at_box("box") == Exit.USAGE
    assert "✗ E-ENROL-ALREADY" in capsys.readouterr().err
    assert desk.at_box("box", "--request", desk.file("again.txt")) == Exit.USAGE
    said = capsys.readouterr().err
    assert f"--again {first.box}" in said
    assert "lost for ever" in said
    assert desk.at_box("box", "--request", desk.file("again.txt"), "--again", first.box) == Exit.OK
    assert read_request(content_of(Kind.REQUEST, (desk.folder / "again.txt").read_text())).box != first.box


@pytest.mark.parametrize("words", [("--request", "a", "--accept", "b"), ("--accept", "b", "--again", "c"), ("more",)])
def test_one_thing_at_a_time(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.at_box("box", *words) == Exit.USAGE


def test_a_file_that_is_no_text_of_ours_is_told(desk: Desk, capsys: Captured) -> None:
    (desk.folder / "noise").write_bytes(bytes(range(256)) * 9)
    for wrong in ("noise", "away"):
        assert desk.at_box("box", "--accept", desk.file(wrong)) == Exit.USAGE
        assert desk.at_centre("approve", desk.file(wrong), "--yes") == Exit.USAGE
        assert capsys.readouterr().err.count("✗ E-ENROL-TEXT") == 2


# ---- the root on a stick ---------------------------------------------------------------------------------------------


def test_the_roots_keys_go_to_a_stick_and_commands_ask_for_it(desk: Desk, capsys: Captured) -> None:
    stick = desk.folder / "stick"
    stick.mkdir()
    desk.box("box")
    desk.at_box("box", "--request", desk.file("request.txt"))
    assert desk.at_centre("root", "export", str(stick)) == Exit.OK
    assert {path.name for path in stick.iterdir()} == set(OFFLINE)
    assert [path for path in desk.centre.home.rglob("*") if path.name in OFFLINE] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in stick.iterdir()} == {0o600}
    capsys.readouterr()
    needing = (
        ("approve", desk.file("request.txt"), "--yes"),
        ("keys", "rotate", "receipt"),
        ("keys", "withdraw", "receipt-1"),
        ("keys", "second", desk.file("second.key")),
        ("revoke", read_request(content_of(Kind.REQUEST, (desk.folder / "request.txt").read_text())).box),
    )
    for words in needing:
        assert desk.at_centre(*words) == Exit.PREREQUISITE, words
        said = capsys.readouterr().err
        assert "✗ E-CENTRE-ROOT" in said, words
        assert "--keys FOLDER" in said
    for words in needing:
        assert desk.at_centre(*words, "--keys", str(stick)) == Exit.OK, words
    assert json.loads(shown(desk, capsys, "keys", "show", "--json"))["version"] == 5
    pinned = desk.centre.root_public.read_bytes()
    assert desk.at_centre("init") == Exit.CONFIGURATION  # no second root while the first one is away
    assert desk.centre.root_public.read_bytes() == pinned
    assert desk.at_centre("root", "import", str(stick)) == Exit.OK
    assert desk.at_centre("keys", "rotate", "receipt") == Exit.OK


def shown(desk: Desk, capsys: Captured, *words: str) -> str:
    capsys.readouterr()
    assert desk.at_centre(*words) == Exit.OK
    return capsys.readouterr().out


def test_another_centres_stick_is_refused(desk: Desk, tmp_path: Path, capsys: Captured) -> None:
    other = Desk(tmp_path / "other")
    stick = tmp_path / "stick"
    stick.mkdir()
    assert other.at_centre("root", "export", str(stick)) == Exit.OK
    assert desk.at_centre("root", "export", str(stick)) == Exit.CONFIGURATION  # nothing there is overwritten
    assert desk.at_centre("keys", "rotate", "receipt", "--keys", str(stick)) == Exit.PREREQUISITE
    assert desk.at_centre("root", "import", str(stick)) == Exit.PREREQUISITE
    assert "another centre's root" in capsys.readouterr().err
    assert desk.at_centre("keys", "rotate", "receipt") == Exit.OK


def test_the_roots_fingerprint_is_shown_for_the_telephone(desk: Desk, capsys: Captured) -> None:
    assert shown(desk, capsys, "root", "show").strip() == desk.pin
