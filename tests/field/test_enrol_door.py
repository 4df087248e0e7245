"""Enrolment through the door: a real server behind TLS, and boxes that were given a token."""

import base64
import http.client
import io
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import msgspec
import pytest

from edge.centre.authority import Authority
from edge.centre.door import BODY_MAX, PER_ADDRESS
from edge.centre.doorway import CLIENTS_MAX
from edge.centre.invited import Invited, Terms, TokenUsed
from edge.centre.places import CentrePlaces
from edge.core.faults import Exit
from edge.core.seal import sha256
from edge.core.words import SiteId
from edge.enrol.box import ask, standing
from edge.enrol.forms import Invitation, read_invitation, write_invitation
from edge.enrol.knock import DoorAway, DoorRefuses, Knock
from edge.enrol.lines import Kind, content_of, lines_of
from tests.daemons.centre_world import wait_for
from tests.field.desk import SITE, Desk

KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")

BRIEF = (sys.executable, "-c", "from edge.centre import doorway; doorway.LIFE_S = 2.0; " + KENTONGAN[2])

Captured = pytest.CaptureFixture[str]


class OpenDoor:
    """`kentongan centre door` as a process, without the root's keys."""

    def __init__(self, folder: Path, program: tuple[str, ...] = KENTONGAN) -> None:
        self._program = program
        self.desk = Desk(folder)
        self.log = folder / "door.log"
        (folder / "stick").mkdir()
        assert self.desk.at_centre("root", "export", str(folder / "stick")) == Exit.OK

    def __enter__(self) -> Self:
        words = ["centre", "door", "--listen", "127.0.0.1:0", "--root", str(self.desk.centre.root), "--lang", "en"]
        with self.log.open("wb") as log:
            self._child = subprocess.Popen([*self._program, *words], stdout=subprocess.PIPE, stderr=log)
        assert self._child.stdout is not None
        said = re.search(rb"open at 127\.0\.0\.1:(\d+)", self._child.stdout.readline())
        assert said is not None, self.log.read_text()
        self.port = int(said[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait(10)
        assert self._child.stdout is not None
        self._child.stdout.close()

    def invite(self, name: str = "token", *words: str) -> Invitation:
        """A token in a file, as an operator gives it."""
        path = self.desk.file(name)
        door = f"https://127.0.0.1:{self.port}"
        assert self.desk.at_centre("token", SITE, "--door", door, "--by", "Sari", "--out", path, *words) == Exit.OK
        return read_invitation(content_of(Kind.TOKEN, Path(path).read_text()))

    def approve(self, box: str) -> int:
        return self.desk.at_centre("approve", box, "--yes", "--by", "Budi", "--keys", self.desk.file("stick"))

    def say(self, method: str, path: str, headers: dict[str, str] | None = None) -> int:
        """One request by hand; returns the status."""
        context = ssl.create_default_context(cafile=self.desk.centre.certificates / "ca.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        try:
            connection.request(method, path, b"KTG1:", headers or {})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    with OpenDoor(tmp_path) as door:
        yield door


def box_of(text: str) -> str:
    found = re.search(r"ktg-[a-z0-9]{8}", text)
    assert found is not None, text
    return found[0]


def test_a_box_asks_waits_and_is_let_in_by_a_person(door: OpenDoor, capsys: Captured) -> None:
    box = door.desk.box("box")
    door.invite()
    assert door.desk.at_box("box", "--token", door.desk.file("token"), "--wait", "0") == Exit.NETWORK
    asked = capsys.readouterr()
    assert "✗ E-ENROL-WAITING" in asked.err
    name = box_of(asked.err)
    assert door.desk.at_centre("approve") == Exit.OK
    listed = capsys.readouterr().out
    assert name in listed
    assert re.search(r"([A-Z2-7]{4}-){4}[A-Z2-7]{4}", listed)[0] in asked.err  # type: ignore[index]  # the fingerprint
    assert door.approve(name) == Exit.OK
    assert door.desk.at_box("box") == Exit.OK  # the token need not be given again, and no fingerprint is asked
    binding = standing(box)
    assert binding is not None
    assert (binding.box, binding.site) == (name, SITE)
    assert not (box.secrets / "enrol.token").exists()
    said = [(entry["kind"], entry["operator"]) for entry in door.desk.audited()]
    assert said[-3:] == [("token", "Sari"), ("request", ""), ("admission", "Budi")]
    assert door.desk.at_centre("audit", "--verify") == Exit.OK


def test_a_box_that_waits_hears_the_answer(door: OpenDoor) -> None:
    box = door.desk.box("box")
    door.invite()
    words = ["enrol", "--token", door.desk.file("token"), "--wait", "60", "--root", str(box.root), "--lang", "en"]
    with subprocess.Popen([*KENTONGAN, *words], stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert door.approve(box_of(waiting.stdout.readline())) == Exit.OK
        assert "This box is now" in waiting.stdout.read()
    assert waiting.returncode == Exit.OK
    assert standing(box) is not None


def test_a_token_is_good_for_one_box(door: OpenDoor, capsys: Captured) -> None:
    for name in ("one", "other"):
        door.desk.box(name)
    door.invite()
    assert door.desk.at_box("one", "--token", door.desk.file("token"), "--wait", "0") == Exit.NETWORK
    assert door.desk.at_box("other", "--token", door.desk.file("token"), "--wait", "0") == Exit.USAGE
    assert "another box has used this token" in capsys.readouterr().err
    assert door.desk.at_box("one", "--wait", "0") == Exit.NETWORK  # the first may come again


def test_of_many_that_come_at_once_one_has_the_token(tmp_path: Path, door: OpenDoor) -> None:
    token = door.invite()
    requests = [ask(door.desk.box(f"box{number}"), token)[0] for number in range(8)]
    begin, won = threading.Barrier(len(requests)), []

    def claim(number: int) -> None:
        slot = Invited(door.desk.centre.invited).find(sha256(token.secret))
        assert slot is not None
        begin.wait()
        try:
            slot.claim(requests[number], 0.0)
        except TokenUsed:
            return
        won.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_token_ends(tmp_path: Path) -> None:
    invited, now_s = Invited(tmp_path / "invited"), 1_000.0
    secret = invited.invite(Terms(SiteId(SITE), int(now_s), "Sari"))
    token = Invitation(SiteId(SITE), bytes(32), bytes(32), b"", "", secret, int(now_s))
    desk = Desk(tmp_path)
    first, second = (ask(desk.box(name), token)[0] for name in ("first", "second"))
    slot = invited.find(sha256(secret))
    assert slot is not None
    slot.claim(first, now_s)
    with pytest.raises(TokenUsed):
        slot.claim(second, now_s)
    slot.claim(first, now_s + 9_999)  # who had it in time may fetch the answer
    late = invited.find(sha256(invited.invite(Terms(SiteId(SITE), int(now_s), "Sari"))))
    assert late is not None
    with pytest.raises(TokenUsed, match="time is over"):
        late.claim(msgspec.structs.replace(first, token=bytes.fromhex(late.folder.name)), now_s + 1)
    invited.forget(now_s + 1)
    assert [each.folder for each in invited.all()] == [slot.folder]


def test_the_secret_is_written_nowhere_at_the_centre(door: OpenDoor) -> None:
    door.desk.box("box")
    token = door.invite()
    door.desk.at_box("box", "--token", door.desk.file("token"), "--wait", "0")
    forms = {token.secret, token.secret.hex().encode(), base64.b32encode(token.secret).rstrip(b"=")}
    files = [path for path in [*door.desk.centre.root.rglob("*"), door.log] if path.is_file()]
    assert len(files) > 10
    assert [path for path in files for form in forms if form in path.read_bytes()] == []


# ---- who is at the door ----------------------------------------------------------------------------------------------


def test_a_token_of_another_centre_meets_a_closed_door(door: OpenDoor, tmp_path: Path, capsys: Captured) -> None:
    """The authority that the token names is another one: the secret is never said."""
    door.desk.box("box")
    token = door.invite()
    wrong = write_invitation(msgspec.structs.replace(token, authority=bytes(32)))
    (tmp_path / "wrong").write_text(lines_of(Kind.TOKEN, wrong))
    assert door.desk.at_box("box", "--token", door.desk.file("wrong")) == Exit.NETWORK
    assert "✗ E-ENROL-DOOR" in capsys.readouterr().err
    slot = Invited(door.desk.centre.invited).find(sha256(token.secret))
    assert slot is not None
    assert slot.request is None


@contextmanager
def stranger(places: CentrePlaces, authority: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody with a certificate of his own who hands out the right authority: what a thief in the middle can do."""
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(places.certificates / "door.pem", places.certificates / "door.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                plain, _address = listening.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as client:
                        heard.append(client.recv(4096))
                        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(authority) + authority)
                except OSError:
                    heard.append(b"")

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listening.getsockname()[1]), heard
        thread.join(10)


def test_a_thief_in_the_middle_does_not_hear_the_secret(door: OpenDoor, tmp_path: Path) -> None:
    token = door.invite()
    thief = CentrePlaces(tmp_path / "thief")
    Authority.make(thief)
    with stranger(thief, (door.desk.centre.certificates / "ca.pem").read_bytes()) as (port, heard):
        knock = Knock(msgspec.structs.replace(token, door=f"https://127.0.0.1:{port}"))
        knock.meet()
        with pytest.raises(DoorAway):
            knock.look()
    assert heard[0].startswith(b"GET /authority")
    assert b"Authorization" not in b"".join(heard)


def test_nobody_is_heard_without_a_token(door: OpenDoor) -> None:
    token = door.invite()
    headers: list[dict[str, str]] = [
        {},
        {"authorization": "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAA======"},
        {"authorization": "Basic eA=="},
    ]
    for header in headers:
        assert door.say("POST", "/enrolment", header) == 401
        assert door.say("GET", "/enrolment", header) == 401
    assert door.say("GET", "/elsewhere") == 404
    wrong = Knock(msgspec.structs.replace(token, secret=bytes(16)))
    wrong.meet()
    with pytest.raises(DoorRefuses, match="no such token"):
        wrong.look()


def test_too_much_is_not_read_to_its_end(door: OpenDoor) -> None:
    token = door.invite()
    knock = Knock(token)
    knock.meet()
    with pytest.raises(DoorRefuses, match="too large"):
        knock.ask("A" * (BODY_MAX + 1))
    assert knock.look() is None


@pytest.mark.parametrize(
    "text", ["", "KTG1:", "A" * 1000, lines_of(Kind.REQUEST, b"noise"), lines_of(Kind.ANSWER, b"x")]
)
def test_noise_is_refused_and_the_token_stays_good(door: OpenDoor, text: str) -> None:
    token = door.invite()
    knock = Knock(token)
    knock.meet()
    with pytest.raises(DoorRefuses):
        knock.ask(text)
    assert knock.ask(lines_of(Kind.REQUEST, ask(door.desk.box("box"), token)[1])) is None


def test_a_request_made_with_another_token_is_refused(door: OpenDoor) -> None:
    one, other = door.invite("one"), door.invite("other")
    knock = Knock(one)
    knock.meet()
    with pytest.raises(DoorRefuses, match="another token"):
        knock.ask(lines_of(Kind.REQUEST, ask(door.desk.box("box"), other)[1]))


def test_who_knocks_too_often_is_told_when_to_come_again(door: OpenDoor) -> None:
    said = [door.say("GET", "/authority") for _ in range(PER_ADDRESS[1] * 3)]
    assert said.count(200) >= PER_ADDRESS[1]
    assert 429 in said


def test_silent_connections_do_not_keep_the_door_shut(tmp_path: Path) -> None:
    with ExitStack() as stack:
        door = stack.enter_context(OpenDoor(tmp_path, BRIEF))
        context = ssl.create_default_context(cafile=door.desk.centre.certificates / "ca.pem")
        for _ in range(CLIENTS_MAX):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", door.port)))
            stack.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
        assert door.say("GET", "/authority") == 503
        wait_for(lambda: door.say("GET", "/authority") == 200, "the silent ones are gone")


def test_a_token_carried_by_hand_is_good_once_too(
    door: OpenDoor, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert door.desk.at_centre("token", SITE, "--out", door.desk.file("token")) == Exit.OK
    for name in ("one", "other"):
        door.desk.box(name)
        words = ("--token", door.desk.file("token"), "--request", door.desk.file(f"{name}.txt"))
        assert door.desk.at_box(name, *words) == Exit.OK
    assert door.desk.at_box("one") == Exit.USAGE
    assert "✗ E-ENROL-NO-DOOR" in capsys.readouterr().err
    stick = ("--yes", "--keys", door.desk.file("stick"))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert door.desk.at_centre("approve", door.desk.file("other.txt"), *stick[1:]) == 130  # a no uses nothing up
    assert door.desk.at_centre("approve", door.desk.file("one.txt"), "--out", door.desk.file("a"), *stick) == Exit.OK
    replacing = ("--replace", *stick)
    assert door.desk.at_centre("approve", door.desk.file("other.txt"), *replacing) == Exit.USAGE
    assert "another box has used this token" in capsys.readouterr().err
    assert door.desk.at_box("one", "--accept", door.desk.file("a")) == Exit.OK  # the token vouches for the root
    assert json.loads((door.desk.centre.invited / sha256_name(door) / "invitation.json").read_text())["site"] == SITE


def sha256_name(door: OpenDoor) -> str:
    return sha256(read_invitation(content_of(Kind.TOKEN, Path(door.desk.file("token")).read_text())).secret).hex()
