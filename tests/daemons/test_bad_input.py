"""Trust and network gone wrong on a whole box: a coded message each, and the siren works in every case."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.centre.authority import Authority
from edge.centre.places import CentrePlaces
from edge.config.resources import CHECKOUT
from edge.core.seal import CentreKey, Keyset, Signer, Use, b64, sign_by_root
from edge.field.stage import Stage
from edge.field.status import ask_status

BOUND_S = 30.0
PRESS = "posyandu"  # a covered button: 0.3 s


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=1.0) as stage:
        yield stage


def other_authority(tmp_path: Path) -> CentrePlaces:
    places = CentrePlaces(tmp_path / "other")
    Authority.make(places)
    return places


def siren_works(stage: Stage) -> bool:
    stage.wires.press(stage.line_of(PRESS))
    heard = stage.wires.wait_level(stage.line_of("sirene"), 1, BOUND_S)
    stage.wires.release(stage.line_of(PRESS))
    return heard


def said(stage: Stage, code: str) -> bool:
    return stage.wires.watch(lambda _: code in stage.alarm.output() + stage.relay.output(), BOUND_S)


def eventually(stage: Stage, reached: Callable[[], bool]) -> bool:
    return stage.wires.watch(lambda _: reached(), BOUND_S)


def test_a_broker_that_cannot_be_reached(stage: Stage) -> None:
    stage.cable.pull()
    stage.start()
    assert siren_works(stage)
    assert said(stage, "E-BROKER-UNREACHABLE")
    assert eventually(stage, lambda: ask_status(stage.places)["lamp"] in {"mengirim", "gangguan-mengirim"})
    stage.cable.plug()
    assert eventually(stage, lambda: ask_status(stage.places)["lamp"] == "diterima")


def test_a_broker_whose_certificate_is_not_trusted(stage: Stage, tmp_path: Path) -> None:
    wrong = other_authority(tmp_path).certificates / "ca.pem"
    (stage.places.trust / "broker-ca.pem").write_bytes(wrong.read_bytes())
    stage.start()
    assert siren_works(stage)
    assert said(stage, "E-BROKER-TLS")


def test_a_box_whose_certificate_the_broker_does_not_trust(stage: Stage, tmp_path: Path) -> None:
    keys = other_authority(tmp_path).certificates
    (stage.places.secrets / "tls.pem").write_bytes((keys / "centre.pem").read_bytes())
    (stage.places.secrets / "tls.key").write_bytes((keys / "centre.key").read_bytes())
    stage.start()
    assert siren_works(stage)
    assert said(stage, "E-BROKER-REFUSED")


def test_a_centre_whose_key_the_box_does_not_know(stage: Stage) -> None:
    root = Signer((stage.centre_places.keys / "root.key").read_bytes())
    stranger = b64(Signer(bytes(range(32))).public)
    keyset = Keyset(
        9, tuple(CentreKey(f"{use}-1", use, stranger, 0, 2**40) for use in (Use.RECEIPT, Use.COMMAND_SILENCE))
    )
    (stage.places.trust / "keyset.jws").write_bytes(sign_by_root(keyset, root))
    stage.start()
    assert siren_works(stage)
    assert eventually(stage, lambda: "E-CENTRE-KEY" in ask_status(stage.places)["troubles"])
    assert said(stage, "E-CENTRE-KEY")
    assert eventually(stage, lambda: ask_status(stage.places)["lamp"] == "gangguan-mengirim")


def test_a_centre_that_is_not_listening(stage: Stage) -> None:
    stage.alarm.start()
    stage.alarm.wait_ready()
    stage.relay.start()
    assert siren_works(stage)
    assert eventually(stage, lambda: "E-CENTRE-SILENT" in ask_status(stage.places)["troubles"])
    assert said(stage, "E-CENTRE-SILENT")
    stage.centre.start()
    assert eventually(stage, lambda: ask_status(stage.places)["troubles"] == [])
    assert eventually(stage, lambda: ask_status(stage.places)["lamp"] == "diterima")
