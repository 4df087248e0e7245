"""The board of `kentongan demo --keep` under a real pseudo-terminal, with the real daemons behind it."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from edge.core.faults import Language, Wording
from edge.core.lamps import Face
from edge.field.keys import HUNG_UP, Keys
from edge.field.picture import draw
from edge.field.sight import BoxSight, OutputSight, Quiet, Sight, ZoneSight, centre_lines
from tests.conftest import CACHE
from tests.field.terminal import WITHIN_S, Terminal, processes_of

README = Path(__file__).resolve().parents[2] / "README.md"

# The stage of the demo without its story, which tests/field/test_demo.py watches.
PLAY = """
import sys
from pathlib import Path
from edge.config.places import Places
from edge.core.faults import Language
from edge.field.board import keep_playing
from edge.field.console import Session
from edge.field.stage import Stage
folder, cache, language = sys.argv[1:]
with Stage(Path(folder), cache=Path(cache), beat_s=1.0) as stage:
    stage.start()
    keep_playing(stage, Session(Places(), Language(language)))
"""
RESTORED = "\x1b[?1049l"  # the screen of before is back


def arguments(folder: Path, language: str = "id") -> list[str]:
    return [str(folder / "stage"), str(CACHE), language]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(PLAY, arguments(tmp_path)) as terminal:
        terminal.wait(lambda frame: "SIAGA" in frame and "menjawab" in frame, "armed, the centre answers")
        yield terminal


def row_of(frame: str, name: str) -> str:
    return next((row for row in frame.splitlines() if name in row), "")


def test_a_key_sounds_the_siren_lights_the_lamp_and_the_centre_silences(terminal: Terminal, tmp_path: Path) -> None:
    terminal.press("1")
    terminal.wait(lambda frame: "■ DITEKAN" in row_of(frame, "Pos ronda"), "the contact pressed")
    terminal.wait(lambda frame: "● BUNYI" in row_of(frame, "Sirene"), "the siren's line on")
    terminal.wait(lambda frame: "DITERIMA PUSAT" in row_of(frame, "Lampu"), "the lamp: received")
    seen = terminal.wait(lambda frame: "alarm pos-ronda" in frame, "the alarm at the centre")
    assert re.search(r"disk [\d.]+ ms → broker [\d.]+ ms → bukti pusat [\d.]+ ms", seen)
    terminal.press("1")
    terminal.wait(lambda frame: "□ lepas" in row_of(frame, "Pos ronda"), "the contact at rest")
    terminal.press("s")
    terminal.wait(lambda frame: "Boks mematuhi pusat: 1 alarm" in frame, "silenced through the centre")
    terminal.wait(lambda frame: "polanya" not in row_of(frame, "Sirene"), "the siren quiet")
    terminal.press("q")
    assert terminal.wait_end() == 0
    assert terminal.mode() == terminal.before
    assert RESTORED in terminal.said()
    assert processes_of(tmp_path) == []


def test_a_silent_button_changes_nothing_that_can_be_seen(terminal: Terminal) -> None:
    terminal.press("4")
    seen = terminal.wait(lambda frame: "alarm warung" in frame, "the silent alarm at the centre")
    assert "■ DITEKAN" in row_of(seen, "Warung")
    assert "sirene tetap diam, lampu tetap" in row_of(seen, "Warung")
    frames = terminal.frames()
    assert not [frame for frame in frames if "BUNYI" in row_of(frame, "Sirene")]
    shown = {row_of(frame, "Lampu").split("GPIO24")[1].strip() for frame in frames if "menjawab:" in frame}
    assert shown == {"SIAGA: siap"}


def test_without_cable_and_through_a_death_the_alarm_waits_and_arrives(terminal: Terminal, tmp_path: Path) -> None:
    terminal.press("c")
    terminal.wait(lambda frame: "DICABUT" in row_of(frame, "Kabel"), "the cable pulled")
    terminal.wait(lambda frame: "tidak terhubung" in row_of(frame, "Pusat"), "the box notices")
    terminal.press("2")
    terminal.wait(lambda frame: "MENGIRIM" in row_of(frame, "Lampu") and "1 alarm" in frame, "one alarm waits")
    terminal.press("2k")
    terminal.wait(lambda frame: re.search(r"hidup lagi dalam \d+ ms", frame) is not None, "alarm is back")
    terminal.wait(lambda frame: "MENGIRIM" in row_of(frame, "Lampu"), "and still knows what waits")
    terminal.press("c")
    terminal.wait(lambda frame: "DITERIMA PUSAT" in frame and "0 alarm" in frame, "it arrived")
    terminal.wait(lambda frame: "alarm masjid fire" in frame, "the centre has it")
    terminal.program.send_signal(signal.SIGTERM)
    assert terminal.wait_end() == 0
    assert terminal.mode() == terminal.before
    assert RESTORED in terminal.said()
    assert processes_of(tmp_path) == []


def test_a_closed_window_leaves_nothing(terminal: Terminal, tmp_path: Path) -> None:
    assert len(processes_of(tmp_path)) > 3
    terminal.hang_up()
    assert terminal.program.wait(WITHIN_S) == 0
    assert processes_of(tmp_path) == []


def test_without_a_terminal_it_tells_lines_until_it_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLAY, *arguments(tmp_path, "en")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        lines = iter(program.stdout)
        root = next(line for line in lines if "Look: " in line).split("--root ")[1].strip()
        status = [sys.executable, "-c", "from edge.field.cli import main; main()", "status", "--lang", "en"]
        answer = subprocess.run([*status, "--root", root], capture_output=True, text=True, check=True)
        told = next(line for line in lines if line.startswith("lamp siaga  siren quiet  waiting 0  connected"))
        program.send_signal(signal.SIGTERM)
        rest = list(lines)
    assert program.returncode == 0
    assert "Lamp: SIAGA: armed" in answer.stdout
    assert all("\x1b" not in line for line in [told, *rest])
    assert processes_of(tmp_path) == []


# ---- the terminal ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    for end in (ours, theirs):
        os.close(end)


def test_keys_come_without_enter_and_an_error_restores_the_terminal(ends: tuple[int, int]) -> None:
    ours, theirs = ends
    before = termios.tcgetattr(theirs)
    with suppress(ZeroDivisionError), Keys(theirs) as keys:
        assert termios.tcgetattr(theirs) != before
        os.write(ours, b"1")
        assert keys.read() == "1"
        os.write(ours, b"\x1a")  # Ctrl-Z would leave a terminal without echo
        assert keys.read() == "\x1a"
        raise ZeroDivisionError
    assert termios.tcgetattr(theirs) == before


def test_an_arrow_is_no_key(ends: tuple[int, int]) -> None:
    ours, theirs = ends
    with Keys(theirs) as keys:
        os.write(ours, b"\x1b[1~")
        assert keys.read() == ""


def test_a_closed_terminal_is_the_end() -> None:
    ours, theirs = pty.openpty()
    with Keys(theirs) as keys:
        os.close(ours)
        assert keys.read() == HUNG_UP
    os.close(theirs)


# ---- the picture -----------------------------------------------------------------------------------------------------

ZONE = ZoneSight("1", "Pos ronda", "crime", silent=False, pressed=False, said="normal", quiet=None)
SIGHT = Sight(
    site="RT 005 / RW 010 Tembalang",
    box="ktg-k7q2m9xa",
    zones=(ZONE, replace(ZONE, key="2", label="Masjid", pressed=True, said="stuck"), ZONE, ZONE),
    siren=OutputSight("GPIO23", on=True),
    lamp=OutputSight("GPIO24", on=False),
    told=BoxSight(
        face=Face.SIAGA, online=True, receiver="Kentongan reference centre", zones=(("pos-ronda", "normal"),)
    ),
    plugged=True,
    armed_after_ms=None,
    centre=(),
    notice=Wording("Kabel dipasang.", "The cable is back."),
)
CROWDED = replace(
    SIGHT,
    site="x" * 90,
    zones=tuple(replace(zone, label="y" * 64) for zone in SIGHT.zones),
    told=replace(
        SIGHT.told,
        face=Face.GANGGUAN_MENGIRIM,
        waiting=12345,
        receiver="z" * 100,
        journey=(("stored", "12345.67"), ("published", "12345.67"), ("received", "")),
        troubles=("E-BROKER-UNREACHABLE", "E-CENTRE-SILENT", "E-DISK-SLOW", "E-ZONE-STUCK", "E-CAP-REACHED"),
    ),
    armed_after_ms=123456.7,
    centre=tuple(f"00:00:00 {'w' * 100}" for _ in range(40)),
)


def picture(sight: Sight, language: Language, height: int = 24) -> list[str]:
    paper = io.StringIO()
    console = Console(file=paper, width=80, height=height, color_system=None)
    console.print(draw(sight, language, height))
    return paper.getvalue().splitlines()


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("sight", [SIGHT, CROWDED, replace(SIGHT, told=BoxSight())], ids=["idle", "crowded", "dead"])
def test_the_board_fits_24_rows_of_80(sight: Sight, language: Language) -> None:
    rows = picture(sight, language)
    assert len(rows) == 24
    assert max(len(row) for row in rows) <= 80


@pytest.mark.parametrize("language", list(Language))
def test_the_last_row_names_every_key_and_ends_whole(language: Language) -> None:
    *_, first, second = picture(CROWDED, language)
    assert "[1]..[4]" in first
    assert all(key in second for key in ("[c]", "[k]", "[s]", "[q]"))
    assert not (first + second).endswith("…")


def test_no_state_is_told_by_colour_alone() -> None:
    calm = "\n".join(picture(replace(SIGHT, siren=OutputSight("GPIO23", on=False)), Language.EN))
    assert tuple(re.findall(r"○ \w+", calm)) == ("○ off", "○ dark")
    loud = "\n".join(picture(replace(SIGHT, lamp=OutputSight("GPIO24", on=True)), Language.EN))
    assert tuple(re.findall(r"● \w+", loud)) == ("● ON", "● LIT")
    assert "■ PRESSED" in loud


def test_every_lamp_face_has_words() -> None:
    told = {picture(replace(SIGHT, told=replace(SIGHT.told, face=face)), Language.ID)[8] for face in Face}
    assert len(told) == len(Face)


def test_a_silent_button_that_changed_something_would_be_told() -> None:
    quiet = Quiet(sounding=False, face=Face.SIAGA, sounds_now=True, face_now=Face.DITEKAN)
    warung = replace(ZONE, silent=True, quiet=quiet)
    assert "siren changed, lamp changed" in picture(replace(SIGHT, zones=(warung,)), Language.EN)[2]


def test_the_front_page_shows_the_board_as_it_is() -> None:
    block = re.search(r"^```text board\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert block is not None
    sight = replace(
        SIGHT,
        box="ktg-jhiravxv",
        zones=(
            replace(ZONE, pressed=True, said="closed"),
            replace(ZONE, key="2", label="Masjid", kind="fire"),
            replace(ZONE, key="3", label="Posyandu", kind="medical"),
            replace(ZONE, key="4", label="Warung (senyap)", silent=True),
        ),
        lamp=OutputSight("GPIO24", on=True),
        told=replace(
            SIGHT.told,
            face=Face.DITERIMA,
            sounding=True,
            journey=(("stored", "4.93"), ("published", "10.47"), ("received", "15.57")),
        ),
    )
    shown = block[1].splitlines()
    assert shown == [row.rstrip() for row in picture(sight, Language.ID)[: len(shown)]]


def test_the_centre_lines_are_the_newest_that_matter() -> None:
    said = """
        {"at": "2026-11-23T13:05:22.417Z", "what": "connected", "broker": "127.0.0.1:8883"}
        {"at": "2026-11-23T13:05:23.417Z", "what": "beat", "box": "ktg-k7q2m9xa"}
        WARNING a log line
        {"at": "2026-11-23T13:05:24.417Z", "what": "event", "class": "audit", "name": "audit", "late_ms": 3}
        {"at": "2026-11-23T13:05:25.417Z", "what": "event", "class": "alarm", "name": "alarm", "zone": "masjid",\
         "subject": "zone/masjid", "kind": "fire", "alarm": "7c1f0b2e.4", "kept": "new", "late_ms": 12}
        {"at": "2026-11-23T13:05:26.4"""
    assert centre_lines(said, 1) == ("13:05:25 alarm masjid fire 7c1f0b2e.4 new +12 ms",)
    assert centre_lines(said, 9)[0] == "13:05:22 connected"
