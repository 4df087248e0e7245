"""Keys change while everything runs: the real alarm, relay, broker and centre."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.letters import Dispatch
from drivers.mqtt_centre import CentreSession, Membership
from edge.centre.authority import Authority
from edge.centre.desk import Answer, Desk
from edge.centre.registry import Registry
from edge.centre.settings import endpoint_of, read_settings
from edge.centre.topics import KEYS_TOPIC
from edge.centre.trust import CentreSigner, open_keyset, open_signer
from edge.config.resources import CHECKOUT
from edge.core.seal import Use, read_keyset
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for

WITHIN_S = 30.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        stage.start()
        online(stage)
        yield stage


def online(stage: Stage) -> None:
    wait_for(lambda: ask_status(stage.places)["online"], "the box is online and the centre answers its beat")


def believed(stage: Stage) -> int:
    """Version of the keyset that the box keeps; 1 is what enrolment laid down."""
    try:
        raw = stage.places.keyset.read_bytes()
    except FileNotFoundError:
        return 1
    return read_keyset(raw, stage.centre_places.root_public.read_bytes()).version


def ordered(stage: Stage, signer: CentreSigner) -> Answer:
    places = stage.centre_places
    admission = Registry(places.boxes, places.root_public.read_bytes()).find(stage.box)
    assert admission is not None
    desk = Desk(endpoint_of(places, read_settings(places).broker), signer, lambda: secrets.token_hex(8))
    return desk.order(admission, "acknowledge", {"alarm": "00000000.1", "ticket": "T-1"}, by="Sari", within_s=10.0)


def published(stage: Stage, keyset: bytes) -> None:
    endpoint = endpoint_of(stage.centre_places, read_settings(stage.centre_places).broker)
    with CentreSession.open(endpoint, Membership("kentongan-desk-test", (KEYS_TOPIC,), 0)) as session:
        session.send(Dispatch(KEYS_TOPIC, keyset, retain=True))
        session.settle(WITHIN_S)


def retained(stage: Stage) -> bytes:
    endpoint = endpoint_of(stage.centre_places, read_settings(stage.centre_places).broker)
    with CentreSession.open(endpoint, Membership("kentongan-desk-look", (KEYS_TOPIC,), 0)) as session:
        return b"".join(letter.raw for letter in session.receive(WITHIN_S))


def result(answer: Answer) -> tuple[str, str]:
    assert answer.reply is not None, "the box did not answer"
    return answer.reply.result, answer.reply.reason.partition(":")[0]


def test_a_withdrawn_key_is_refused_and_never_comes_back(stage: Stage) -> None:
    authority = Authority.open(stage.centre_places)
    stolen = open_signer(stage.centre_places, Use.COMMAND_SILENCE)
    first = stage.centre_places.keyset.read_bytes()
    assert result(ordered(stage, stolen))[0] == "done"

    authority.rotate(Use.COMMAND_SILENCE)
    authority.withdraw(stolen.kid)
    wait_for(lambda: believed(stage) == 3, "the box believes what the root said last")

    assert result(ordered(stage, stolen)) == ("refused", "key")
    assert result(ordered(stage, open_signer(stage.centre_places, Use.COMMAND_SILENCE)))[0] == "done"

    published(stage, first)  # who holds the broker plays an old keyset
    assert result(ordered(stage, stolen)) == ("refused", "key")

    stage.alarm.kill()
    stage.alarm.start()
    stage.alarm.wait_ready()
    online(stage)
    assert result(ordered(stage, stolen)) == ("refused", "key")


def test_keys_withdrawn_while_the_box_was_away_are_refused_at_its_first_word(stage: Stage) -> None:
    authority = Authority.open(stage.centre_places)
    stolen = open_signer(stage.centre_places, Use.COMMAND_SILENCE)
    stage.relay.stop()
    authority.rotate(Use.COMMAND_SILENCE)
    authority.withdraw(stolen.kid)
    version = open_keyset(stage.centre_places).version
    wait_for(lambda: retained(stage) == stage.centre_places.keyset.read_bytes(), "the centre has published it")
    stage.relay.start()
    stage.relay.wait_ready()
    online(stage)
    assert result(ordered(stage, stolen)) == ("refused", "key")
    wait_for(lambda: believed(stage) == version, "and it is kept")  # in a thread of its own, after the answer


def test_receipts_by_a_rotated_key_are_believed_without_a_restart(stage: Stage) -> None:
    authority = Authority.open(stage.centre_places)
    old = open_signer(stage.centre_places, Use.RECEIPT)
    authority.rotate(Use.RECEIPT)
    wait_for(lambda: believed(stage) == 2, "the box believes the new key")
    authority.withdraw(old.kid)
    wait_for(lambda: believed(stage) == 3, "the box has forgotten the old key")

    line = stage.line_of("pos-ronda")
    stage.wires.press(line)
    wait_for(lambda: (ask_status(stage.places)["journey"] or {}).get("received"), "the press is received")
    stage.wires.release(line)


def test_a_revoked_box_shows_it_and_still_sounds(stage: Stage) -> None:
    Authority.open(stage.centre_places).revoke(stage.box)
    wait_for(lambda: "E-BOX-REVOKED" in ask_status(stage.places)["troubles"], "the box says that it was revoked")

    stage.wires.press(stage.line_of("pos-ronda"))
    wait_for(lambda: "sounding" in ask_status(stage.places)["sounders"].values(), "the siren sounds all the same")
    stage.wires.release(stage.line_of("pos-ronda"))
