"""What people type and read about cameras: both languages, tables and machines, passwords, a daemon that is away."""

import json
import select
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Self

import pytest
from jsonschema import Draft202012Validator

from edge.config.places import Places
from edge.core import camera_codes
from edge.core.faults import Exit
from edge.field.cli import run
from edge.field.schemas import schemas
from edge.link import counter
from edge.link.frames import FRAME_LIMIT
from edge.link.sockets import listen
from tests.field.terminal import Terminal

SECRET = "rahasia-kenari-4711"
GATE = counter.Found("192.168.1.20", 8000, "urn:uuid:1", "/onvif/device_service", "Gerbang", "DS-2CD", "a4:14:37:0:0:1")
SHOWN = counter.Shown(
    "gerbang", "192.168.1.20", 8000, "wrong-password",
    code="E-CAMERA-PASSWORD", waiting=True, login=True, consent=True, manufacturer="HIKVISION", model="DS-2CD",
)  # fmt: skip
Script = Callable[[counter.Request], list[counter.Answer]]
MADE = schemas()


class Counter:
    """The daemon's end of the socket, saying what a test wants; keeps what it was asked."""

    def __init__(self, places: Places, script: Script) -> None:
        self.asked: list[counter.Request] = []
        self._script = script
        self._sock = listen(places.counter, user=0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._over.is_set():
            if not select.select([self._sock], [], [], 0.05)[0]:
                continue
            peer, _ = self._sock.accept()
            with peer:
                peer.setblocking(True)
                request = counter.unpack_request(peer.recv(FRAME_LIMIT + 1))
                self.asked.append(request)
                for answer in self._script(request):
                    peer.send(counter.pack(answer))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._sock.close()


def scripted(*answers: counter.Answer) -> Script:
    return lambda _request: list(answers)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path)
    places.counter.parent.mkdir(parents=True)
    return places


def typed(places: Places, *words: str, language: str = "en") -> int:
    return run(["cameras", *words, "--root", str(places.root), "--lang", language])


def test_what_answered_is_listed_by_address_with_what_to_do(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    later = counter.Found("192.168.1.100", 80, twins=49)
    with Counter(places, scripted(later, GATE, counter.Finished())):
        assert typed(places, "scan") == Exit.OK
    first, second, do = capsys.readouterr().out.splitlines()
    assert first.split("  ") == ["192.168.1.20:8000", "Gerbang", "DS-2CD", "a4:14:37:0:0:1", "-"]
    assert second.split("  ") == ["192.168.1.100:80", "-", "-", "-", "49 others claim the same"]
    assert "kentongan cameras adopt" in do


@pytest.mark.parametrize(("language", "said"), [("id", "nyalakan ONVIF"), ("en", "switch ONVIF on")])
def test_nothing_found_says_what_to_do(
    places: Places, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    with Counter(places, scripted(counter.Finished())):
        assert typed(places, "scan", language=language) == Exit.OK
    assert said in capsys.readouterr().out


def test_a_scan_asks_what_was_typed(places: Places) -> None:
    with Counter(places, scripted(counter.Finished())) as daemon:
        typed(places, "scan")
        typed(places, "scan", "--sweep")
        typed(places, "scan", "--network", "192.168.1.0/24")
        typed(places, "scan", "--host", "192.168.1.20")
        typed(places, "scan", "--host", "192.168.1.20:8000")
    assert daemon.asked == [
        counter.Scan(),
        counter.Scan(sweep=True),
        counter.Scan(sweep=True, networks=("192.168.1.0/24",)),
        counter.Look("192.168.1.20", 0),
        counter.Look("192.168.1.20", 8000),
    ]


@pytest.mark.parametrize(
    "address", ["192.168.1", "kamera", "192.168.1.300", "192.168.1.20:0", "192.168.1.20:http", "::1"]
)
def test_an_address_that_is_none_is_refused_here(
    places: Places, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with Counter(places, scripted(counter.Finished())) as daemon:
        assert typed(places, "scan", "--host", address) == Exit.USAGE
        assert typed(places, "adopt", "gerbang", address, "--user", "") == Exit.USAGE
    assert daemon.asked == []
    assert "192.168.1.20:8000" in capsys.readouterr().err


def test_a_password_comes_from_input_and_is_shown_nowhere(
    places: Places, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{SECRET}\n"))
    answers = (counter.Tested("reach", 12), counter.Tested("login", 88), counter.Finished("gerbang"))
    with Counter(places, scripted(*answers)) as daemon:
        words = ("adopt", "gerbang", "192.168.1.20:8000", "--user", "rt", "--password-stdin", "--consent", "--events")
        assert typed(places, *words) == Exit.OK
    wanted = counter.Adopt("gerbang", "192.168.1.20", 8000, "", "rt", SECRET, consent=True, events=True)
    assert daemon.asked == [wanted]
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err + repr(daemon.asked)
    assert told.out.splitlines() == ["✓ network  12 ms", "✓ login  88 ms", '✓ Camera "gerbang" is adopted.']


def test_without_a_word_no_picture_may_leave(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    with Counter(places, scripted(counter.Finished())) as daemon:
        assert typed(places, "adopt", "gerbang", "192.168.1.20", "--user", "rt", "--password-stdin") == Exit.OK
    assert [each.consent for each in daemon.asked if isinstance(each, counter.Adopt)] == [False]


@pytest.mark.parametrize("name", ["Gerbang", "pos ronda", "g" * 17, "-"])
def test_a_name_that_is_none_is_refused_here(places: Places, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with Counter(places, scripted(counter.Finished())) as daemon:
        assert typed(places, "adopt", "--user", "", "--no-consent", name, "192.168.1.20") == Exit.USAGE
        assert typed(places, "forget", name) == Exit.USAGE
        assert typed(places, "test", name) == Exit.USAGE
    assert daemon.asked == []
    assert "lower-case" in capsys.readouterr().err


@pytest.mark.parametrize("code", sorted(camera_codes.CATALOGUE))
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_refusal_has_its_sentence_and_one_thing_to_do(
    places: Places, capsys: pytest.CaptureFixture[str], code: str, language: str
) -> None:
    meaning = camera_codes.CATALOGUE[code]
    with Counter(places, scripted(counter.Refused(code, {"what": "gerbang", "name": "gerbang"}))):
        assert typed(places, "forget", "gerbang", language=language) == meaning.exit
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert first.startswith(f"✗ {code}  ")
    assert second.startswith("  Lakukan: " if language == "id" else "  Do: ")


def test_the_list_says_how_each_is_and_what_to_do(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with Counter(places, scripted(counter.Listed((SHOWN,)), counter.Finished())):
        assert typed(places, "list", language="id") == Exit.OK
    told = capsys.readouterr()
    assert told.out.startswith("gerbang  192.168.1.20:8000  KATA SANDI DITOLAK  HIKVISION DS-2CD  dikirim saat alarm")
    assert "E-CAMERA-PASSWORD" in told.err


def test_a_test_goes_on_after_one_camera_that_fails(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    def script(request: counter.Request) -> list[counter.Answer]:
        match request:
            case counter.List():
                return [counter.Listed((SHOWN,)), counter.Listed((counter.Shown("pos", "192.168.1.21", 80, "up"),)),
                        counter.Finished()]  # fmt: skip
            case counter.Test("gerbang"):
                return [counter.Tested("reach", 3), counter.Tested("login", 40, "E-CAMERA-PASSWORD"),
                        counter.Refused("E-CAMERA-PASSWORD", {"what": "gerbang"})]  # fmt: skip
        return [counter.Tested("reach", 2), counter.Tested("picture", 90, facts={"bytes": "81234"}), counter.Finished()]

    with Counter(places, script):
        assert typed(places, "test") == Exit.TEST
        told = capsys.readouterr()
        assert typed(places, "test", "--json") == Exit.TEST
    assert told.out.splitlines() == [
        "gerbang", "  ✓ network  3 ms", "  ✗ login  40 ms",
        "pos", "  ✓ network  2 ms", "  ✓ picture  90 ms  bytes=81234",
    ]  # fmt: skip
    assert told.err.count("E-CAMERA-PASSWORD") == 1
    trials = json.loads(capsys.readouterr().out)
    Draft202012Validator(MADE["cameras-test"]).validate(trials)
    assert [(trial["name"], len(trial["faults"])) for trial in trials] == [("gerbang", 1), ("pos", 0)]


def test_a_camera_that_does_not_answer_is_named_with_its_address(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = counter.Refused("E-CAMERA-UNREACHABLE", {"name": "gerbang", "where": "192.168.1.20:8000"})
    with Counter(places, scripted(counter.Tested("reach", 2000, "E-CAMERA-UNREACHABLE"), refusal)):
        assert typed(places, "test", "gerbang", language="id") == Exit.TEST
    told = capsys.readouterr().err
    assert "Kamera gerbang tidak menjawab di 192.168.1.20:8000." in told
    assert "…" not in told


@pytest.mark.parametrize(("verb", "answer"), [("scan", GATE), ("list", counter.Listed((SHOWN,)))])
def test_machines_get_what_the_schema_says(
    places: Places, capsys: pytest.CaptureFixture[str], verb: str, answer: counter.Answer
) -> None:
    with Counter(places, scripted(answer, counter.Finished())):
        assert typed(places, verb, "--json") == Exit.OK
    told = json.loads(capsys.readouterr().out)
    Draft202012Validator(MADE[f"cameras-{verb}"]).validate(told)
    assert told[0]["host"] == "192.168.1.20"


@pytest.mark.parametrize("words", [("scan",), ("list",), ("test",), ("test", "gerbang"), ("forget", "gerbang")])
def test_a_daemon_that_is_away_is_named(
    places: Places, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert typed(places, *words) == Exit.PREREQUISITE
    assert "E-CAMERA-AWAY" in capsys.readouterr().err


def test_a_daemon_that_goes_away_in_the_middle_is_named(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with Counter(places, scripted(counter.Progress(1, 254))):
        assert typed(places, "scan", "--sweep") == Exit.PREREQUISITE
    assert "E-CAMERA-AWAY" in capsys.readouterr().err


@pytest.fixture
def asked_by_hand(places: Places) -> Iterator[Counter]:
    answers = (counter.Progress(120, 254), GATE, counter.Finished("gerbang"))
    with Counter(places, scripted(*answers)) as daemon:
        yield daemon


def test_on_a_terminal_the_password_is_asked_for_unseen(places: Places, asked_by_hand: Counter) -> None:
    script = "import sys; from edge.field.cli import main; main()"
    words = ["cameras", "adopt", "gerbang", "192.168.1.20", "--root", str(places.root), "--lang", "en"]
    with Terminal(script, words) as terminal:
        for question, typing in (("ONVIF user", "rt"), ("password", SECRET), ("agree", "y")):
            _wait_said(terminal, question)
            terminal.press(typing + "\n")
        assert terminal.wait_end() == Exit.OK
        assert SECRET not in terminal.said()
    wanted = counter.Adopt("gerbang", "192.168.1.20", 0, "", "rt", SECRET, consent=True)
    assert asked_by_hand.asked == [wanted]


def test_on_a_terminal_a_scan_is_a_table(places: Places, asked_by_hand: Counter) -> None:
    script = "import sys; from edge.field.cli import main; main()"
    with Terminal(script, ["cameras", "scan", "--sweep", "--root", str(places.root), "--lang", "id"]) as terminal:
        assert terminal.wait_end() == Exit.OK
        assert "Alamat" in terminal.said()
        assert "│ 192.168.1.20:8000 │" in terminal.said()
    assert asked_by_hand.asked == [counter.Scan(sweep=True)]


def _wait_said(terminal: Terminal, words: str) -> None:
    while words not in terminal.said():
        assert terminal.program.poll() is None, terminal.said()
        select.select([], [], [], 0.05)
