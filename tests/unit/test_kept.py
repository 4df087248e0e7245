"""What lies in /run may be anything: the alarm starts, and no siren outlives its cap because of it."""

import json
import os
import struct
import zlib
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.core.caps import ACTIVATION_NS, GRACE_NS, LIMIT_NS
from edge.core.words import Activation, Purpose, SounderId
from edge.daemons.alarm.kept import Kept, Starts
from tests.unit.panel_box import HORN, POS, SIREN, Box, S, kept, sounds

BOOT = "5f0e2a9c"
NOW = Box().now
ONE = Activation(SIREN, Purpose.PRESS, "jateng.titir", "7c1f0b2e.1", POS, NOW - S, NOW + 9 * S, phase_ns=NOW - S)

ANY_TIME = st.integers(NOW - 4000 * S, NOW + 4000 * S) | st.integers() | st.sampled_from([10**400, -(10**400), 2**63])
ANY_ACTIVATION = st.builds(
    Activation,
    st.sampled_from([SIREN, HORN, SounderId("")]),
    st.sampled_from(Purpose),
    st.sampled_from(["jateng.titir", "nowhere"]),
    st.sampled_from(["", "7c1f0b2e.1"]),
    st.sampled_from(["", POS]),
    ANY_TIME,
    ANY_TIME,
    st.booleans(),
    ANY_TIME,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "activations.json"


def written(*activations: Activation, boot: str = BOOT, **more: object) -> bytes:
    """As another program may have written it: numbers of any size."""
    return slot(json.dumps({"boot": boot, "activations": [asdict(each) for each in activations], **more}).encode())


def slot(payload: bytes, generation: int = 1) -> bytes:
    return struct.pack("<QII", generation, len(payload), zlib.crc32(payload)) + payload


def test_what_was_kept_is_read_back(path: Path) -> None:
    Kept(path, BOOT).keep([ONE])
    assert Kept(path, BOOT).read() == (ONE,)
    assert Kept(path, "another0").read() == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"null",
        slot(b'{"boot":"' + BOOT.encode() + b'","later":' + b"[" * 100_000),
        slot(b"\xff\xfe"),
        slot(b"{}", generation=2**63),
        written(ONE)[:-2],
        written(ONE, releases={POS: 10**30}),
        written(ONE, releases={POS: -1}),
        b" " * (2 << 20) + written(ONE),
    ],
    ids=[
        "empty",
        "no text",
        "null",
        "deep",
        "slot of no text",
        "absurd generation",
        "cut",
        "huge release",
        "negative release",
        "endless",
    ],
)
def test_a_file_of_nonsense_is_no_file(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    kept = Kept(path, BOOT)
    assert kept.read() == ()
    kept.release(7, POS)
    kept.keep([ONE])
    again = Kept(path, BOOT)
    assert again.read() == (ONE,)
    assert again.is_released_since(POS, 6)


def test_a_press_that_was_told_lasts_until_its_zone_is_let_go(path: Path) -> None:
    kept = Kept(path, BOOT)
    kept.tell({POS: 5, "masjid": 6})
    kept.release(7, POS)
    kept.tell({"warung": 8})
    again = Kept(path, BOOT)
    again.read()
    assert again.told == {POS: 5, "masjid": 6, "warung": 8}
    assert [again.is_released_since(zone, at_ns) for zone, at_ns in again.told.items()] == [True, False, False]


def test_a_death_in_the_middle_of_a_write_leaves_what_was_kept_before(path: Path) -> None:
    kept = Kept(path, BOOT)
    kept.keep([ONE])
    before = path.read_bytes()
    kept.release(7, POS)
    whole = path.read_bytes()
    assert Kept(path, BOOT).read() == (ONE,)
    differs = [at for at in range(len(whole)) if at >= len(before) or before[at] != whole[at]]
    for cut in differs[:: max(1, len(differs) // 40)]:
        path.write_bytes(whole[:cut] + before[cut:])
        again = Kept(path, BOOT)
        assert again.read() == (ONE,)
        assert not again.is_released_since(POS, 6)


def test_a_file_that_was_taken_away_is_made_anew(path: Path) -> None:
    kept = Kept(path, BOOT)
    kept.keep([ONE])
    path.unlink()
    kept.release(7, POS)
    assert Kept(path, BOOT).read() == (ONE,)


def test_what_cannot_be_written_is_said(path: Path) -> None:
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        Kept(path, BOOT).keep([ONE])


def test_what_is_no_plain_file_holds_nobody_up(path: Path) -> None:
    os.mkfifo(path)
    assert Kept(path, BOOT).read() == ()
    assert Starts(path, 5).begin() == 0


@pytest.mark.parametrize("raw", [b"[" * 5000, b"[1e99]", b'["x"]', b"[" + b"9" * 5000 + b"]", b"{}", b"\xff"])
def test_starts_of_nonsense_are_none(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    assert Starts(path, 5 * S).begin() == 0
    assert Starts(path, 6 * S).begin() == 1


@given(st.lists(ANY_ACTIVATION, max_size=8))
@example([Activation(SIREN, Purpose.PRESS, "x", "", "", -(10**30), NOW + S)])
@example([Activation(SIREN, Purpose.PRESS, "x", "", "", NOW - S, NOW + S, phase_ns=NOW + 10**18)])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_no_siren_outlives_its_cap_whatever_was_kept(path: Path, activations: list[Activation]) -> None:
    path.write_bytes(written(*activations))
    box, run = Box(), Kept(path, BOOT)
    for activation in sounds(box.take(box.panel.restore(run.read(), box.now))):
        limit_ns = GRACE_NS if activation.grace else LIMIT_NS[activation.purpose]
        assert activation.until_ns - box.now <= min(ACTIVATION_NS, limit_ns)
        assert activation.phase_ns <= box.now  # a pattern that begins later would be one long stroke until then
        run.keep(kept(box))
        assert Kept(path, BOOT).read() == kept(box)
    box.press()
    box.wait(4000)
    assert sounds(box.press())


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_no_bytes_stop_the_start(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    assert Kept(path, BOOT).read() == ()
    assert Starts(path, 5).begin() == 0
    assert msgspec.json.decode(path.read_bytes()) == [5]


def test_zones_out_of_service_are_kept_beside_the_rest(path: Path) -> None:
    first = Kept(path, BOOT)
    first.keep([ONE])
    first.bypass({POS: NOW + 60 * S})
    first.release(NOW, "masjid")
    again = Kept(path, BOOT)
    assert again.read() == (ONE,)
    assert again.bypassed == {POS: NOW + 60 * S}
    another = Kept(path, "another0")
    another.read()
    assert another.bypassed == {}
