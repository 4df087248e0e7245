"""A box dies and another one takes its place: the real alarm, relay, broker, centre and door, the root on a stick."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from drivers.sim.bench import Bench
from edge.centre import reader
from edge.centre.authority import OFFLINE
from edge.centre.replacement import replaced
from edge.config.places import Places
from edge.config.resources import CHECKOUT
from edge.core.words import BoxId, EventClass
from edge.enrol.box import standing
from edge.field.broker import find_broker
from edge.field.children import Child
from edge.field.stage import SITE, Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import World, wait_for

KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")
WITHIN_S = 40.0  # of two loaded cores


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        yield stage


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CHECKOUT.parent / ".cache"), tmp_path) as world:
        yield world


class Office:
    """The desk beside a running stage: commands in processes of their own, as people type them."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.stick = folder / "stick"
        self.stick.mkdir()

    def centre(self, *words: str) -> str:
        return said([*KENTONGAN, "centre", *words, "--root", str(self.stage.centre_places.root), "--lang", "en"])

    def enrol(self, places: Places, *words: str) -> str:
        return said([*KENTONGAN, "enrol", *words, "--root", str(places.root), "--lang", "en"])

    def commission(self, places: Places) -> None:
        """An enrolled box hands its site.toml over: new certificate, same keys."""
        token, request, answer = (str(self.folder / name) for name in ("token", "request", "answer"))
        self.centre("token", SITE, "--out", token)
        self.enrol(places, "--token", token, "--request", request, "--renew")
        self.centre("approve", request, "--yes", "--out", answer)
        self.enrol(places, "--accept", answer)

    @contextmanager
    def door(self) -> Iterator[str]:
        words = ["centre", "door", "--listen", "127.0.0.1:0", "--root", str(self.stage.centre_places.root)]
        with subprocess.Popen([*KENTONGAN, *words, "--lang", "en"], stdout=subprocess.PIPE, text=True) as open_door:
            assert open_door.stdout is not None
            found = re.search(r"open at (\S+)", open_door.stdout.readline())
            assert found is not None
            yield f"https://{found[1]}"
            open_door.terminate()


def said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def living(places: Places, folder: Path, name: str) -> Iterator[Bench]:
    """A box's two daemons on virtual wires of their own."""
    environment = {"CREDENTIALS_DIRECTORY": str(places.secrets)}
    with ExitStack() as stack:
        wires = stack.enter_context(Bench(places.run / "sim"))
        for part in ("alarm", "relay"):
            command = [sys.executable, "-m", f"edge.daemons.{part}", "--root", str(places.root)]
            child = Child(part, command, folder / f"{name}-{part}.log", environment)
            stack.callback(child.stop)
            child.start()
            child.wait_ready()
        yield wires


def received(places: Places, wires: Bench, line: str) -> None:
    wires.press(line)
    wait_for(lambda: (ask_status(places)["journey"] or {}).get("received"), "the press is received", WITHIN_S)
    wires.release(line)


def events_of(stage: Stage, box: str) -> int:
    return sum(event["box"] == box for event in reader.export(stage.centre_places.store))


def test_a_new_box_takes_the_place_of_a_dead_one(stage: Stage, tmp_path: Path) -> None:
    office, line, old = Office(stage, tmp_path), stage.line_of("pos-ronda"), stage.box
    office.commission(stage.places)
    stage.start()
    wait_for(lambda: ask_status(stage.places)["online"], "the old box is online", WITHIN_S)
    office.centre("root", "export", str(office.stick))
    assert {path.name for path in office.stick.iterdir()} == set(OFFLINE)
    received(stage.places, stage.wires, line)  # the running centre needs none of it
    stage.relay.kill()
    stage.alarm.kill()
    of_the_old, began = events_of(stage, old), time.monotonic()

    new = Places(tmp_path / "new")
    with office.door() as door:
        token = tmp_path / "token-of-the-new-box"
        office.centre("replace", SITE, "--door", door, "--by", "Sari", "--out", str(token))
        words = [*KENTONGAN, "enrol", "--token", "-", "--wait", "90", "--root", str(new.root), "--lang", "en"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
            assert asking.stdin is not None
            assert asking.stdout is not None
            asking.stdin.write(token.read_text())
            asking.stdin.close()
            name = BoxId(asking.stdout.readline().split()[0])
            office.centre("approve", name, "--yes", "--by", "Budi", "--keys", str(office.stick))
            assert asking.wait(60) == 0
            asking.stdout.read()

    binding = standing(new)
    assert binding is not None
    assert (binding.box, binding.site) == (name, SITE)
    assert name != old
    assert new.site.read_bytes() == stage.places.site.read_bytes()

    with living(new, tmp_path, "new") as wires:
        due = f'"what": "online", "box": "{name}", "site": "{SITE}", "walk_test": "due"'
        wait_for(lambda: due in stage.centre.output(), "the new box is online", WITHIN_S)
        received(new, wires, line)
        print(f"from the death of the old box to the first alarm of the new one: {time.monotonic() - began:.1f} s")

        stage.alarm.start()
        stage.alarm.wait_ready()
        stage.relay.start()
        stage.relay.wait_ready()
        wait_for(lambda: "E-BOX-REVOKED" in ask_status(stage.places)["troubles"], "the old box says so", WITHIN_S)
        wait_for(lambda: '"reason": "unknown box"' in stage.centre.output(), "the centre refuses it", WITHIN_S)
        assert events_of(stage, old) == of_the_old

    store = stage.centre_places.store
    assert [(each["code"], each["box"]) for each in reader.troubles(store)["notices"]] == [
        ("replaced", old),
        ("walk", name),
    ]
    entries = [(entry["kind"], entry["box"], entry["operator"]) for entry in reader.audit_entries(store)]
    assert [entry for entry in entries if entry[0] in {"token", "request", "admission", "replacement"}][-4:] == [
        ("token", "", "Sari"),
        ("request", name, ""),
        ("admission", name, "Budi"),
        ("replacement", old, "Budi"),
    ]
    office.centre("audit", "--verify")


def test_a_box_that_is_new_is_due_until_its_walk_test_has_ended(world: World) -> None:
    centre, box = world.centre(), world.box()
    replaced(world.places.store, [], box.name, site=SITE, operator="Budi")
    box.connect()
    wait_for(lambda: centre.lines("online"), "it is seen")
    assert centre.lines("online")[-1]["walk_test"] == "due"
    begun, ended = (
        box.event(name="walk-test", at=EventClass.TEST, running=running, status="test", cid="1607")
        for running in (True, False)
    )
    for event, still_due in ((begun, ["walk"]), (ended, [])):
        box.send(event)
        box.until_received(event)
        assert [each["code"] for each in reader.troubles(world.places.store)["notices"]] == still_due
