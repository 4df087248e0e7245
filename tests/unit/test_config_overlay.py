"""What the centre may lay over a site, and what it may not; what a technician's `apply` makes of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.config.active import read_active
from edge.config.apply import apply, roll_back
from edge.config.drafts import Draft
from edge.config.generations import texts_of
from edge.config.layers import OVERLAY
from edge.config.load import load
from edge.config.model import Calls, Cameras, Configuration
from edge.config.origin import origins
from edge.config.places import Places
from edge.config.trial import begin, read_trial
from edge.core.faults import Refused
from edge.core.words import Kind
from tests.unit.test_config_load import SITE, USERS

TEXT = f'kit = "rt-standard"\n{SITE}'
FIRE = '[calls]\nfire = "disaster"\n'


def laid(overlay: str) -> Configuration | list[str]:
    loaded = load(TEXT.encode(), name="site.toml", users=USERS, overlay=overlay.encode())
    return loaded.configuration or [f"{fault.code} {fault.where}" for fault in loaded.faults if not fault.warning]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path)
    places.site.parent.mkdir(parents=True)
    places.site.write_text(TEXT, encoding="utf-8")
    apply(places, places.site, USERS)
    return places


def active(places: Places) -> Configuration:
    found = read_active(places).configuration
    assert found is not None
    return found


def test_a_call_of_the_profile_may_be_chosen_and_nothing_else_changes() -> None:
    plain, changed = laid(""), laid(FIRE)
    assert isinstance(plain, Configuration)
    assert changed == replace(plain, calls=Calls(fire="disaster"))


def test_the_list_names_only_what_the_model_has_and_every_kind() -> None:
    assert set(OVERLAY["calls"]) == {kind.value for kind in Kind}
    assert {"profile"} == set(OVERLAY["panel"])
    assert OVERLAY["cameras"] == ("frames",)


def test_a_slow_line_may_be_given_fewer_pictures_from_afar() -> None:
    plain, changed = laid(""), laid("[cameras]\nframes = 1\n")
    assert isinstance(plain, Configuration)
    assert changed == replace(plain, cameras=Cameras(frames=1))


@pytest.mark.parametrize(
    ("overlay", "what"),
    [
        ("[panel]\nsound_s = 1", "overlay:2"),
        ("[panel]\nstorm_s = 600", "overlay:2"),
        ("[panel]\nremote_sound = true", "overlay:2"),
        ("[panel]\nlab = true", "overlay:2"),
        ("[cameras]\nsnapshots = true", "overlay:2"),
        ("[cameras]\nsnapshots = false", "overlay:2"),
        ('[uplink]\nhost = "evil.example"', "overlay:1"),
        ('[site]\nname = "RT lain"', "overlay:1"),
        ('[[zone]]\nid = "pos-ronda"\nsilent = true', "overlay:1"),
        ('[[zone]]\nid = "pos-ronda"\nremove = true', "overlay:1"),
        ('[[sounder]]\nid = "sirene"\nrelay = "low-on"', "overlay:1"),
        ('kit = "lab"', "overlay:1"),
        ('driver = "sim"', "overlay:1"),
        ('panel = "titir"', "overlay:1"),
    ],
)
def test_everything_else_is_refused_by_its_line(overlay: str, what: str) -> None:
    refused = laid(overlay)
    assert isinstance(refused, list)
    assert f"E-OVERLAY-KEY {what}" in refused


@pytest.mark.parametrize(
    "overlay",
    [
        '[calls]\nfire = "diam"',
        '[calls]\nfire = "----"',
        "[calls]\nfire = 0",
        "[calls]\nfire = [",
        '[calls]\ncrime = "accident"',
        '[panel]\nprofile = "sunyi"',
    ],
)
def test_no_silence_and_no_unknown_sound_can_be_sent(overlay: str) -> None:
    assert isinstance(laid(overlay), list)


def test_its_lines_are_the_origin_of_its_values(places: Places) -> None:
    begin(places, Draft("j1", "Sari", FIRE), USERS, "boot")
    texts = texts_of(places, active(places).generation)
    found = {each.key: each.where for each in origins(texts.site, "site.toml", active(places), texts.overlay)}
    assert (found["calls.fire"], found["calls.crime"], found["site.rt"]) == ("overlay:2", "", "site.toml:6")


def test_a_technicians_file_keeps_what_the_centre_laid_and_ends_its_trial(places: Places) -> None:
    begin(places, Draft("j1", "Sari", FIRE), USERS, "boot")
    assert read_trial(places) is not None
    places.site.write_text(TEXT.replace("Tembalang", "Bulusan"), encoding="utf-8")
    apply(places, places.site, USERS)
    assert ("Bulusan" in active(places).site.name, active(places).calls.fire) == (True, "disaster")
    assert read_trial(places) is None


def test_a_file_that_no_longer_fits_says_so_and_how_to_drop_it(places: Places) -> None:
    begin(places, Draft("j1", "Sari", '[calls]\ncrime = "theft"\n'), USERS, "boot")
    places.site.write_text(TEXT + '\n[panel]\nprofile = "polri"\n[calls]\nfire = "riot"\n', encoding="utf-8")
    apply(places, places.site, USERS)  # theft is a beat of both
    begin(places, Draft("j2", "Sari", '[calls]\ncrime = "riot"\n'), USERS, "boot")
    places.site.write_text(TEXT.replace("Tembalang", "Bulusan"), encoding="utf-8")
    with pytest.raises(Refused) as caught:
        apply(places, places.site, USERS)
    assert [fault.code for fault in caught.value.faults if not fault.warning] == ["E-BEAT", "E-OVERLAY-CLASH"]
    assert active(places).calls.crime == "riot"
    apply(places, places.site, USERS, without_overlay=True)
    assert active(places).calls == Calls()
    assert texts_of(places, active(places).generation).overlay == b""


def test_a_file_that_is_wrong_by_itself_is_not_blamed_on_the_centre(places: Places) -> None:
    begin(places, Draft("j1", "Sari", FIRE), USERS, "boot")
    places.site.write_text(TEXT.replace('rt = "005"', "rt = 5"), encoding="utf-8")
    with pytest.raises(Refused) as caught:
        apply(places, places.site, USERS)
    assert "E-OVERLAY-CLASH" not in [fault.code for fault in caught.value.faults]


def test_a_step_back_takes_the_overlay_of_that_step(places: Places) -> None:
    begin(places, Draft("j1", "Sari", FIRE), USERS, "boot")
    begin(places, Draft("j2", "Sari", '[calls]\nfire = "theft"\n'), USERS, "boot")
    now = roll_back(places)
    assert (now.calls.fire, texts_of(places, now.generation).overlay) == ("disaster", FIRE.encode())
    assert read_trial(places) is None


def test_a_file_that_means_something_else_by_now_carries_no_overlay(places: Places) -> None:
    """As after an update that changed the kit: the centre's change must not bring along what nobody tried here."""
    text = texts_of(places, 1).site.replace(b"Tembalang", b"Bulusan")
    (places.generations / "gen-1.toml").write_bytes(text)
    with pytest.raises(Refused) as caught:
        begin(places, Draft("j1", "Sari", FIRE), USERS, "boot")
    assert [fault.code for fault in caught.value.faults] == ["E-OVERLAY-BASE"]
    assert active(places).generation == 1


def test_old_texts_go_with_their_generations(places: Places) -> None:
    for number in range(8):
        begin(places, Draft(f"j{number}", "Sari", FIRE if number % 2 else ""), USERS, "boot")
    left = {path.name.partition(".")[0] for path in places.generations.glob("gen-*.toml")}
    assert left == {path.stem for path in places.generations.glob("gen-*.json")}
