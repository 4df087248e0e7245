"""What daemons read: the best copy there is, whatever the card did to the others."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.active import (
    SIZE_MAX,
    Source,
    Unreadable,
    decode,
    encode,
    numbered,
    read_active,
    read_bare,
    stripped,
)
from edge.config.generations import KEPT, install, install_bare
from edge.config.model import Configuration, Link, Site, Sounder, Uplink, Zone
from edge.config.places import Places

HOUSE = Configuration(
    kit="rt-standard",
    site=Site(id="33.74.10.1004-010-005", name="RT 005", rt="005", rw="010"),
    zones=(Zone(id="pos-ronda", pin="GPIO17"), Zone(id="masjid", pin="GPIO27", hold_s=0.5)),
    sounders=(Sounder(id="sirene", pin="GPIO23"),),
    uplink=Uplink(host="mqtt.example"),
    link=Link(uids={"relay": 901}),
)
RENAMED = replace(HOUSE, site=replace(HOUSE.site, name="RT lima"))


@pytest.fixture
def places(root: Path) -> Places:
    return Places(root)


def spoil(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def test_what_was_installed_is_read_back(places: Places) -> None:
    installed = install(places, HOUSE)
    reading = read_active(places)
    assert (installed.generation, reading.configuration, reading.source, reading.faults) == (
        1,
        installed,
        Source.ACTIVE,
        (),
    )


def test_a_spoilt_active_falls_to_its_second_copy_and_says_so(places: Places) -> None:
    install(places, HOUSE)
    latest = install(places, RENAMED)
    spoil(places.generations / "active.json")
    reading = read_active(places)
    assert (reading.configuration, reading.source) == (latest, Source.GENERATION)
    assert [fault.code for fault in reading.faults] == ["E-CONFIG-LASTGOOD"]


def test_two_spoilt_copies_fall_to_the_generation_before(places: Places) -> None:
    first = install(places, HOUSE)
    install(places, RENAMED)
    spoil(places.generations / "active.json")
    spoil(places.generations / "gen-2.json")
    assert read_active(places).configuration == first


def test_without_any_generation_the_last_pins_remain(places: Places) -> None:
    install_bare(places, install(places, HOUSE))
    for path in places.generations.iterdir():
        path.unlink()
    reading = read_active(places)
    assert reading.source is Source.BARE
    assert reading.configuration is not None
    assert (reading.configuration.zones, reading.configuration.sounders) == (HOUSE.zones, HOUSE.sounders)
    assert (reading.configuration.uplink, reading.configuration.link.uids) == (None, {})
    assert [fault.code for fault in reading.faults] == ["E-CONFIG-BARE"]


def test_a_new_box_has_nothing_and_says_so(places: Places) -> None:
    reading = read_active(places)
    assert (reading.configuration, reading.source) == (None, Source.NOTHING)
    assert [fault.code for fault in reading.faults] == ["E-CONFIG-NONE"]


def test_bare_is_read_for_itself_and_made_from_another_copy_when_it_is_gone(places: Places) -> None:
    installed = install(places, HOUSE)
    assert read_bare(places).configuration == stripped(installed)
    install_bare(places, installed)
    spoil(places.generations / "active.json")
    reading = read_bare(places)
    assert (reading.configuration, reading.source) == (stripped(installed), Source.BARE)


def test_five_generations_are_kept(places: Places) -> None:
    for number in range(KEPT + 3):
        install(places, replace(HOUSE, site=replace(HOUSE.site, name=f"RT {number}")))
    assert [number for number, _ in numbered(places)] == [8, 7, 6, 5, 4]


def test_a_number_is_never_used_twice_even_when_active_is_lost(places: Places) -> None:
    install(places, HOUSE)
    install(places, RENAMED)
    (places.generations / "active.json").unlink()
    assert install(places, HOUSE).generation == 3


def test_cut_at_any_byte_it_is_unreadable_and_the_copy_serves(places: Places) -> None:
    installed = install(places, HOUSE)
    active = places.generations / "active.json"
    whole = active.read_bytes()
    for length in range(len(whole) - 1):  # the last byte is the line end
        active.write_bytes(whole[:length])
        reading = read_active(places)
        assert (reading.configuration, reading.source) == (installed, Source.GENERATION), length


def test_any_flipped_bit_is_noticed() -> None:
    whole = encode(HOUSE)
    for index in range(len(whole) - 1):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[index] ^= 1 << bit
            try:
                assert decode(bytes(spoilt)) == HOUSE, (index, bit)  # e.g. white space between the members
            except Unreadable:
                continue


@given(st.binary(max_size=2000))
def test_garbage_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"crc32":0,"configuration":' + b"[" * 100_000,
        b'{"crc32":1e400,"configuration":{}}',
        b" " * (SIZE_MAX + 1),
        encode(HOUSE) + encode(HOUSE),
        encode(replace(HOUSE, version=2)),
        encode(replace(HOUSE, zones=())),
        encode(replace(HOUSE, zones=(replace(HOUSE.zones[0], pin="GPIO28"),))),
        encode(replace(HOUSE, zones=(replace(HOUSE.zones[0], hold_s=3.1),))),
        msgspec.json.encode(HOUSE),
    ],
)
def test_hostile_or_foreign_json_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(raw)


def test_what_lies_in_the_way_is_passed_by(places: Places) -> None:
    installed = install(places, HOUSE)
    active = places.generations / "active.json"
    for obstacle in (
        os.mkfifo,
        os.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
    ):
        active.rmdir() if active.is_dir() else active.unlink()
        obstacle(active)
        assert read_active(places).configuration == installed


def test_strange_names_in_the_folder_are_passed_by(places: Places) -> None:
    installed = install(places, HOUSE)
    (places.generations / "active.json").unlink()
    for name in ("gen-x.json", "gen-.json", "gen-²³.json", "gen--1.json", f"gen-{'9' * 200}.json"):
        (places.generations / name).write_bytes(b"?")
    assert read_active(places).configuration == installed


class Stop(OSError):
    """The power goes here."""


@pytest.mark.parametrize("step", range(1, 7))
def test_a_write_that_stops_anywhere_leaves_the_old_or_the_new(
    places: Places, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old = install(places, HOUSE)
    left = [step]

    def stopping(real: object) -> object:
        def call(*arguments: object) -> object:
            left[0] -= 1
            if left[0] <= 0:
                raise Stop
            return real(*arguments)  # type: ignore[operator]  # os.fsync and Path.replace, called as they were

        return call

    monkeypatch.setattr(os, "fsync", stopping(os.fsync))
    monkeypatch.setattr(Path, "replace", stopping(Path.replace))
    with pytest.raises(Stop):
        install(places, RENAMED)
    monkeypatch.undo()
    reading = read_active(places)
    assert reading.source is Source.ACTIVE
    assert reading.configuration in (old, replace(RENAMED, generation=2))
    assert [path.name for path in places.generations.iterdir() if path.name.startswith(".")] == []


def test_a_generation_cut_at_any_byte_leaves_the_one_before(tmp_path: Path) -> None:
    """Whatever a power cut or a dying card leaves of active.json, the siren gets its pins from a whole copy."""
    places = Places(tmp_path)
    first = install(places, HOUSE)
    second = install(places, RENAMED)
    install_bare(places, second)
    active = places.generations / "active.json"
    whole = active.read_bytes()
    (places.generations / f"gen-{second.generation}.json").write_bytes(b"")
    for length in range(len(whole) - 1):  # the last byte is the line's end
        active.write_bytes(whole[:length])
        reading = read_active(places)
        assert reading.configuration is not None, length
        assert reading.configuration.generation == first.generation, length
