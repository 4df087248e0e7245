"""Centres that strangers could have written, from the pages alone, in three languages, before the real box."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.letters import Dispatch
from drivers.mqtt_centre import CentreSession, Membership
from edge.centre.settings import endpoint_of, read_settings
from edge.centre.topics import KEYS_TOPIC, topic_of
from edge.core.events import Author, freeze, read_event
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Record
from edge.field.stage import SITE, Stage
from edge.field.status import ask_status
from tests.daemons import clients
from tests.daemons.centre_world import wait_for
from tests.daemons.clients import CACHE, Client, Unavailable

WITHIN_S = 40.0
LANGUAGES = {"python": clients.python, "javascript": clients.javascript, "shell": clients.shell}


def stored_in(said: Path) -> list[str]:
    whole = said.read_text().rpartition("\n")[0].splitlines()
    return [line.removeprefix("stored ") for line in whole if line.startswith("stored ")]


def refusals_in(said: Path) -> int:
    return sum(line.startswith("refused") for line in said.read_text().splitlines())


def pairs(lines: list[str]) -> list[list[str]]:
    return [lines[at : at + 2] for at in range(len(lines) - 1)]


WRONG = ("altered", "another box's", "of another key", "no event")


def hostile(stage: Stage, line: str) -> list[bytes]:
    """One of each of WRONG: what the centre's access list lets through, and no centre may believe."""
    signer = Signer((stage.places.secrets / "box.key").read_bytes())
    record = Record(EventId(Epoch("7c1f0b2e"), 1), EventClass.AUDIT, "audit", "box", {"what": "forged"})
    when = Stamp(0, 0, TimeQuality.SYNCED)
    own, other = (Author(box, SITE, Epoch("7c1f0b2e"), "5f0e2a9c") for box in (stage.box, BoxId("ktg-zzzzzzzz")))
    return [
        line.replace('"specversion":"1.0"', '"specversion":"1.1"').encode(),
        freeze(record, when, other, signer).raw,
        freeze(record, when, own, Signer(bytes(32))).raw,
        b'{"sig":""}',
    ]


def published(stage: Stage, *raws: bytes) -> None:
    endpoint = endpoint_of(stage.centre_places, read_settings(stage.centre_places).broker)
    with CentreSession.open(endpoint, Membership("kentongan-hostile", (KEYS_TOPIC,), 0)) as session:
        for raw in raws:
            session.send(Dispatch(topic_of(stage.box, "event/audit"), raw))
        session.settle(WITHIN_S)


@contextmanager
def running(client: Client, stage: Stage, folder: Path) -> Iterator[Path]:
    """The example, with the files that its first line names; yields what it prints."""
    keys, said = folder / "keys", folder / "said.txt"
    keys.mkdir()
    for path in ("ca/ca.pem", "ca/centre.pem", "ca/centre.key", "keys/receipt.key"):
        shutil.copy(stage.centre_places.home / path, keys)
    (keys / "box.pub").write_bytes(Signer((stage.places.secrets / "box.key").read_bytes()).public)
    where = ["127.0.0.1", str(stage.broker.ports["boxes"]), stage.box, str(keys)]
    settings = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), **client.settings}
    with said.open("wb") as out, subprocess.Popen(
        [*client.command, *where], stdout=out, stderr=subprocess.STDOUT, env=settings, start_new_session=True
    ) as child:  # fmt: skip
        try:
            yield said
        finally:
            subprocess.run(["pkill", "-TERM", "-s", str(child.pid)], check=False)  # a shell, and what it piped together
            child.wait(10)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stranger_follows_a_box_and_its_receipt_ends_the_row(language: str, tmp_path: Path) -> None:
    try:
        client = LANGUAGES[language]()
    except Unavailable as missing:
        pytest.skip(f"needs {missing}")
    with Stage(tmp_path / "stage", cache=CACHE, beat_s=0.5) as stage:
        stage.alarm.start()
        stage.alarm.wait_ready()
        stage.relay.start()
        stage.relay.wait_ready()
        with running(client, stage, tmp_path) as said:
            wait_for(
                lambda: ask_status(stage.places)["receiver"].startswith("Contoh"),
                f"a beat answered: {said.read_text()}",
            )
            stage.wires.press(stage.line_of("pos-ronda"))
            wait_for(lambda: (ask_status(stage.places)["journey"] or {}).get("received"), "the press is received")
            stage.wires.release(stage.line_of("pos-ronda"))
            wait_for(lambda: ask_status(stage.places)["waiting"] == 0, "no alarm waits")
            lines = stored_in(said)
            published(stage, *hostile(stage, lines[0]), b"[" + ",".join(lines[:2]).encode() + b"]")
            wait_for(lambda: refusals_in(said) >= len(WRONG), f"refusals: {said.read_text()}")
            wait_for(lambda: lines[:2] in pairs(stored_in(said)[len(lines) :]), f"the batch: {said.read_text()}")
            assert stored_in(said)[: len(lines)] == lines
            assert refusals_in(said) == len(WRONG)
        public = Signer((stage.places.secrets / "box.key").read_bytes()).public
    stored = [read_event(line.encode(), public) for line in lines]
    assert [event.data["zone"] for event in stored if event.name == "alarm"] == ["pos-ronda"]
    assert all(json.loads(line)["source"] == f"urn:kentongan:{stage.box}" for line in lines)
