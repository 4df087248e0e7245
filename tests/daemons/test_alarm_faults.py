"""What lies around the alarm daemon is broken: it says so in a coded line, and the siren works all the same."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.config.generations import install_bare
from edge.core.faults import Exit
from edge.core.seal import KEY_BYTES, Binding, Keyset, Signer, sign_by_root
from edge.core.words import BoxId, Epoch, EventClass
from edge.ledger.ledger import Ledger, Unreceived
from tests.daemons.alarm_box import PATIENCE_S, SITE, AlarmBox

Break = Callable[[AlarmBox], object]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


# ---- identity --------------------------------------------------------------------------------------------------------


def by_another_root(box: AlarmBox, name: str, value: Binding | Keyset) -> None:
    (box.places.trust / name).write_bytes(sign_by_root(value, Signer(os.urandom(KEY_BYTES))))


IDENTITIES: dict[str, Break] = {
    "no key": lambda box: (box.places.secrets / "box.key").unlink(),
    "half a key": lambda box: (box.places.secrets / "box.key").write_bytes(b"half"),
    "no binding": lambda box: (box.places.trust / "binding.jws").unlink(),
    "forged binding": lambda box: by_another_root(box, "binding.jws", Binding(BoxId("ktg-aaaaaaaa"), SITE)),
    "no keyset": lambda box: (box.places.trust / "keyset.jws").unlink(),
    "forged keyset": lambda box: by_another_root(box, "keyset.jws", Keyset(9, ())),
    "garbage keyset": lambda box: (box.places.trust / "keyset.jws").write_bytes(random.Random(1).randbytes(9000)),
    "no root": lambda box: (box.places.trust / "root.pub").unlink(),
    "a folder for a root": lambda box: folder_instead(box.places.trust / "root.pub"),
}


def folder_instead(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


@pytest.mark.parametrize("fault", IDENTITIES)
def test_without_an_identity_the_siren_works(box: AlarmBox, fault: str) -> None:
    IDENTITIES[fault](box)
    box.start()
    assert box.sounds()
    assert box.said("E-IDENTITY-MISSING")


# ---- configuration ---------------------------------------------------------------------------------------------------


def active(box: AlarmBox) -> Path:
    return box.places.generations / "active.json"


def no_generation(box: AlarmBox) -> None:
    for path in box.places.generations.iterdir():
        path.unlink()


CONFIGURATIONS: dict[str, tuple[Break, str]] = {
    "no active": (lambda box: active(box).unlink(), "E-CONFIG-LASTGOOD"),
    "cut active": (lambda box: os.truncate(active(box), active(box).stat().st_size // 2), "E-CONFIG-LASTGOOD"),
    "empty active": (lambda box: active(box).write_bytes(b""), "E-CONFIG-LASTGOOD"),
    "flipped bit": (lambda box: flip(active(box)), "E-CONFIG-LASTGOOD"),
    "a pipe for active": (lambda box: pipe_instead(active(box)), "E-CONFIG-LASTGOOD"),
    "bare only": (no_generation, "E-CONFIG-BARE"),
}


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("fault", CONFIGURATIONS)
def test_a_broken_configuration_leaves_the_last_good_one(box: AlarmBox, fault: str) -> None:
    spoil, code = CONFIGURATIONS[fault]
    install_bare(box.places, box.site)
    spoil(box)
    box.start()
    assert box.sounds()
    assert box.said(code)


def test_with_no_configuration_at_all_it_ends_with_4_and_says_what_to_do(box: AlarmBox) -> None:
    no_generation(box)
    box.places.bare.unlink()
    box.alarm.start()
    assert box.wires.watch(lambda _bench: not box.alarm.running, PATIENCE_S)
    assert box.alarm.stop() == Exit.CONFIGURATION
    assert "E-CONFIG-NONE" in box.alarm.output()
    assert "kentongan config sample" in box.alarm.output()


# ---- the ledger ------------------------------------------------------------------------------------------------------


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def garbage(size: int) -> bytes:
    return random.Random(size).randbytes(size)


LEDGERS: dict[str, Callable[[Path], object]] = {
    "header": lambda path: overwrite(path, 0, b"\xff" * 100),
    "pages": lambda path: overwrite(path, 4096, garbage(path.stat().st_size - 4096)),
    "cut": lambda path: os.truncate(path, 4096 + 1000),
    "cut in its header": lambda path: os.truncate(path, 50),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "garbage": lambda path: path.write_bytes(garbage(50_000)),
}


@pytest.mark.parametrize("damage", LEDGERS)
def test_a_corrupt_ledger_is_set_aside_and_the_siren_never_noticed(box: AlarmBox, damage: str) -> None:
    box.start()
    assert box.sounds()
    assert box.alarm.stop() == 0
    LEDGERS[damage](box.places.ledger)
    damaged = box.places.ledger.read_bytes()
    box.start()
    assert box.sounds(box.site.zones[1].id)
    assert box.said("E-LEDGER-BROKEN")
    assert box.said("ledger back")
    assert box.said("ledger salvaged")
    (aside,) = box.places.ledger.parent.glob("*.salvaged")
    assert aside.read_bytes() == damaged
    assert box.alarm.stop() == 0
    old = damage == "header"  # the rest leaves no whole page with a row
    assert [row.event_class for row in stored(box) if row.shown] == [EventClass.ALARM] * (1 + old)


def stored(box: AlarmBox) -> list[Unreceived]:
    with Ledger(box.places.ledger, Epoch("0ddba11f")) as ledger:
        return ledger.unreceived(99)


def test_a_folder_in_the_ledgers_place(box: AlarmBox) -> None:
    folder_instead(box.places.ledger)
    box.start()
    bearer = box.bearer()
    assert box.sounds()
    assert box.said("E-STATE-READONLY")
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm, straight from memory")
    assert not bearer.alarms()[0].durable
    assert box.shows("gangguan-mengirim")
    box.places.ledger.rmdir()
    assert box.said("ledger back")
    assert box.shows("mengirim")


# ---- /run ------------------------------------------------------------------------------------------------------------


def test_nothing_of_its_own_can_be_written_in_run(box: AlarmBox) -> None:
    """Modes do not hold root back; a folder in a file's place does."""
    for name in (".starts.json", "activations.json", "outputs.new"):
        folder_instead(box.places.run / name)
    box.places.link.write_text("in the way")
    box.start()
    assert box.sounds(kept=False)
    assert box.said("not kept in /run")
    assert box.said("outputs stay as they are after our death")
    assert box.said("E-LINK")


def test_run_is_no_folder_at_all(box: AlarmBox) -> None:
    """No virtual board either then; the daemon stands, and takes the board when it comes."""
    away = box.places.run.rename(box.places.run.with_name("elsewhere"))
    box.places.run.write_text("in the way")
    box.start()
    assert box.said("E-DEVICE-CONFIG")
    box.places.run.unlink()
    away.rename(box.places.run)
    assert box.said("board back")
    assert box.sounds()
