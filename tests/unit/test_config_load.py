"""What people write: every fault at once, with its line, in both languages."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.kits import kit_names, load_kit
from edge.config.load import ROLES, Loaded, load, load_path
from edge.config.model import Configuration
from edge.config.sample import sample
from edge.config.written import SIZE_MAX
from edge.core.faults import Language
from edge.core.words import Button, Kind

BROKEN = Path(__file__).resolve().parents[2] / "configs/broken"
GOOD = BROKEN / "good.toml"


class Household:
    """The users of a pretended system."""

    def __init__(self, **uids: int) -> None:
        self._uids = uids

    def own(self) -> int:
        return 1000

    def named(self, name: str) -> int | None:
        return self._uids.get(name.removeprefix("kentongan-"))


USERS = Household(relay=901, config=902, root=0)

SITE = """
[site]
id = "33.74.10.1004-010-005"
name = "RT 005 / RW 010 Tembalang"
rt = "005"
rw = "010"

[uplink]
host = "mqtt.pusat.example"
"""


def loaded(text: str, kit: str = "rt-standard") -> Loaded:
    return load(f'kit = "{kit}"\n{SITE}\n{text}\n'.encode(), name="site.toml", users=USERS)


def found(text: str, kit: str = "rt-standard") -> list[str]:
    return [fault.code for fault in loaded(text, kit).faults]


def resolved(text: str = "", kit: str = "rt-standard") -> Configuration:
    result = loaded(text, kit)
    assert result.configuration is not None, result.faults
    return result.configuration


BROKEN_FILES = sorted(path.stem for path in BROKEN.glob("*.toml") if path != GOOD)


def test_there_are_sixty_broken_files_and_each_has_both_languages() -> None:
    assert len(BROKEN_FILES) >= 60
    assert sorted(path.name for path in BROKEN.glob("*.txt")) == sorted(
        f"{stem}.{language}.txt" for stem in BROKEN_FILES for language in Language
    )


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("stem", BROKEN_FILES)
def test_a_broken_file_says_exactly_this(stem: str, language: Language) -> None:
    result = load_path(BROKEN / f"{stem}.toml", USERS)
    said = "".join(fault.say(language) + "\n" for fault in result.faults)
    assert (BROKEN / f"{stem}.{language}.txt").read_text(encoding="utf-8") == said


@pytest.mark.parametrize("stem", BROKEN_FILES)
def test_a_broken_file_gives_no_configuration(stem: str) -> None:
    assert load_path(BROKEN / f"{stem}.toml", USERS).configuration is None


@pytest.mark.parametrize("stem", BROKEN_FILES)
def test_every_message_names_a_line_and_leaves_no_gap(stem: str) -> None:
    for fault in load_path(BROKEN / f"{stem}.toml", USERS).faults:
        assert re.search(r":[0-9]+", fault.where), fault
        assert "…" not in fault.text.id + fault.fix.id + fault.text.en + fault.fix.en
        assert fault.where.split(", ")[0] in fault.text.id
        assert fault.where.split(", ")[0] in fault.text.en


def test_the_good_file_has_no_fault() -> None:
    result = load_path(GOOD, USERS)
    assert result.faults == ()
    assert result.configuration is not None


def test_a_physical_pin_becomes_its_gpio() -> None:
    zones = {zone.id: zone.pin for zone in resolved('[[zone]]\nid = "masjid"\npin = "PIN29"').zones}
    assert zones["masjid"] == "GPIO5"


def test_a_zone_of_the_kit_is_changed_by_its_id_and_keeps_the_rest() -> None:
    zone = resolved('[[zone]]\nid = "rumah-rt"\nkind = "medical"').zones[1]
    assert (zone.id, zone.kind, zone.button, zone.pin) == ("rumah-rt", Kind.MEDICAL, Button.COVERED, "GPIO27")


def test_a_zone_of_the_kit_can_be_removed() -> None:
    assert [zone.id for zone in resolved('[[zone]]\nid = "rumah-rt"\nremove = true').zones] == ["pos-ronda"]


def test_what_nobody_writes_is_the_models_default() -> None:
    configuration = resolved()
    assert configuration.panel.sound_s == 180.0
    assert configuration.uplink is not None
    assert (configuration.uplink.port, configuration.uplink.tls) == (8883, True)


def test_text_stays_text() -> None:
    assert (resolved().site.rt, resolved().site.rw) == ("005", "010")


def test_windows_line_ends_tabs_and_a_bom_are_no_fault() -> None:
    text = b"\xef\xbb\xbf" + GOOD.read_bytes().replace(b"\n", b"\r\n").replace(b" = ", b"\t=\t")
    result = load(text, name="site.toml", users=USERS)
    assert [fault.code for fault in result.faults] == ["E-BOM"]
    assert result.configuration == load_path(GOOD, USERS).configuration


def test_curly_quotes_inside_a_name_are_left_alone() -> None:
    assert found('[[lamp]]\nid = "lampu"\n# “komentar”') == []
    assert load(SITE.replace("Tembalang", "“Lama”").encode(), name="x", users=USERS).faults[0].code == "E-KEY-MISSING"


def test_a_file_too_large_is_not_even_read() -> None:
    result = load(b"#" * (SIZE_MAX + 1), name="site.toml", users=USERS)
    assert [fault.code for fault in result.faults] == ["E-SIZE"]


def test_a_missing_file_is_a_message(tmp_path: Path) -> None:
    assert [fault.code for fault in load_path(tmp_path / "none.toml", USERS).faults] == ["E-FILE-MISSING"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = 0.04', "E-HOLD"),
        ("[panel]\nstorm_s = 0.0", "E-LAB-ONLY"),
        ('[[zone]]\nid = "a"\npin = 5', "E-PIN-BARE"),
        ('[[zone]]\nid = "a"\npin = "5"', "E-PIN-BARE"),
        ('[[zone]]\nid = "a"\npin = "GPIO28"', "E-PIN-FORM"),
        ('[[zone]]\nid = "a"\npin = "GPIO05"', "E-PIN-FORM"),
        ('[[zone]]\nid = "a"\npin = "PIN41"', "E-PIN-FORM"),
        ('[[zone]]\nid = "a"\npin = "PIN6"', "E-PIN-GROUND"),
        ('[[zone]]\nid = "a"\npin = "PIN1"', "E-PIN-POWER"),
        ('[[zone]]\nid = "a"\npin = "PIN11"', "E-PIN-TWICE"),
        ('[[zone]]\nid = "seventeen-letters"\npin = "GPIO5"', "E-FORM"),
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nkind = 1979-05-27', "E-TYPE"),
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = nan', "E-RANGE"),
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = inf', "E-RANGE"),
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = true', "E-TYPE"),
        ('[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = 99999999999999999999999', "E-RANGE"),
        ("zone = 3", "E-KEY-UNKNOWN"),  # it falls into [uplink]
        ("[zone]\n[zone.a]\npin = 3", "E-TABLE"),
        ("[generation]", "E-KEY-UNKNOWN"),
        ("[link]\nuids = {}", "E-KEY-UNKNOWN"),
        ("[about]\noffered = true", "E-KEY-UNKNOWN"),
    ],
)
def test_one_mistake_is_one_message(text: str, code: str) -> None:
    assert found(text) == [code]


@pytest.mark.parametrize("text", ["[panel]\nstorm_s = 1", '[[zone]]\nid = "a"\npin = "GPIO5"\nhold_s = 0.05'])
def test_the_limits_themselves_are_allowed(text: str) -> None:
    assert found(text) == []


def test_a_latching_button_needs_no_hold() -> None:
    assert found('[[zone]]\nid = "a"\npin = "GPIO5"\nbutton = "latching"\nhold_s = 0') == []


@pytest.mark.parametrize(
    ("host", "codes"),
    [("127.0.0.1", []), ("::1", []), ("localhost", []), ("10.8.0.1", ["E-PLAIN-MQTT"]), ("a.id", ["E-PLAIN-MQTT"])],
)
def test_plain_mqtt_is_for_this_machine_only(host: str, codes: list[str]) -> None:
    text = f'kit = "rt-standard"\n{SITE}tls = false\n'.replace("mqtt.pusat.example", host)
    assert [fault.code for fault in load(text.encode(), name="site.toml", users=USERS).faults] == codes


@pytest.mark.parametrize(
    ("pin", "relay", "warned"),
    [
        ("GPIO9", "low-on", True),
        ("GPIO25", "low-on", True),
        ("GPIO8", "low-on", False),
        ("GPIO8", "high-on", True),
        ("GPIO9", "high-on", False),
    ],
)
def test_a_siren_that_may_sound_at_boot_is_named(pin: str, relay: str, *, warned: bool) -> None:
    text = f'[[sounder]]\nid = "toa"\npin = "{pin}"\nrelay = "{relay}"\nswitch = "ssr"'
    assert found(text) == (["E-PIN-BOOT"] if warned else [])
    assert loaded(text).configuration is not None


def test_titir_on_a_mechanical_relay_is_named() -> None:
    assert found('[[sounder]]\nid = "sirene"\nswitch = "relay"') == ["E-TITIR-RELAY"]
    assert found('[panel]\nprofile = "polri"\n[[sounder]]\nid = "sirene"\nswitch = "relay"') == []


@pytest.mark.parametrize("kit", kit_names(offered_only=False))
def test_ten_lines_make_a_site_from_every_kit(kit: str) -> None:
    text = sample(load_kit(kit))
    result = load(text.encode(), name="site.toml", users=USERS)
    assert result.faults == ()
    assert text.count("\n") == 10


def test_the_laboratory_is_not_offered() -> None:
    assert "lab" not in kit_names()
    assert "lab" in kit_names(offered_only=False)


def test_the_laboratory_is_quick_and_takes_real_lines() -> None:
    lab = load(f'kit = "lab"\ndriver = "gpiod"\n{SITE}'.encode(), name="site.toml", users=USERS).configuration
    assert lab is not None
    assert (len(lab.zones), lab.driver, lab.panel.storm_s, lab.panel.lab) == (16, "gpiod", 0.0, True)
    assert {zone.hold_s for zone in lab.zones} == {0.02}


def test_the_demo_has_a_silent_and_a_covered_zone() -> None:
    demo = resolved(kit="demo")
    assert demo.driver == "sim"
    assert sum(zone.silent for zone in demo.zones) == 1
    assert sum(zone.button is Button.COVERED for zone in demo.zones) == 1


def test_the_demo_speaks_with_its_own_user_and_a_box_with_the_systems() -> None:
    assert resolved(kit="demo").link.uids == dict.fromkeys(ROLES, 1000)
    assert resolved().link.uids == {"relay": 901, "config": 902, "cli": 0}


def test_a_box_without_its_relay_user_is_told() -> None:
    result = load(GOOD.read_bytes(), name="good.toml", users=Household())
    assert [fault.code for fault in result.faults] == ["E-USER-MISSING"]
    assert result.configuration is not None


@given(st.binary(max_size=400))
def test_any_bytes_end_in_messages(content: bytes) -> None:
    result = load(content, name="site.toml", users=USERS)
    assert result.configuration is None
    assert result.faults != ()


@given(st.data())
def test_any_damage_to_a_good_file_ends_in_messages_or_a_whole_site(data: st.DataObject) -> None:
    good = GOOD.read_bytes()
    at = data.draw(st.integers(0, len(good)))
    until = data.draw(st.integers(at, min(len(good), at + 40)))
    damage = data.draw(st.text(max_size=12)).encode()
    result = load(good[:at] + damage + good[until:], name="site.toml", users=USERS)
    refused = any(not fault.warning for fault in result.faults)
    assert (result.configuration is None) == refused


@pytest.mark.parametrize(
    "nasty", ["[" * 5000, "x = " + "[" * 20000, "x = " + "9" * 5000, '"' * 3, "'''", "x.y.z = 1\n" * 900]
)
def test_hostile_nesting_and_numbers_end_in_messages(nasty: str) -> None:
    assert load(nasty.encode(), name="site.toml", users=USERS).configuration is None


@pytest.mark.parametrize("pin", ['pin.0 = "GPIO5"', 'pin = ["GPIO5"]', "pin = {}", "pin = 5.0", "pin = 07:32:00"])
def test_a_pin_of_another_type_is_told_as_no_pin(pin: str) -> None:
    text = f'kit = "rt-standard"\n{SITE}\n[[zone]]\nid = "pos"\n{pin}\n'
    result = load(text.encode(), name="site.toml", users=USERS)
    assert {fault.code for fault in result.faults} & {"E-PIN-FORM", "E-PIN-BARE"}
    assert all(fault.say(Language.ID) for fault in result.faults)


def test_a_number_that_ends_the_file_without_a_line_end_may_have_lost_digits() -> None:
    whole = load(f'kit = "rt-standard"\n{SITE}port = 8883\n'.encode(), name="site.toml", users=USERS)
    cut = load(f'kit = "rt-standard"\n{SITE}port = 88'.encode(), name="site.toml", users=USERS)
    assert (whole.faults, [fault.code for fault in cut.faults]) == ((), ["E-CUT"])


def test_what_is_quoted_cannot_drive_the_terminal() -> None:
    text = 'kit = "\\u001b[31mred\\u0007"\n' + SITE
    fault = load(text.encode(), name="site.toml", users=USERS).faults[0]
    assert fault.code == "E-KIT-UNKNOWN"
    assert "\x1b" not in fault.say(Language.ID)


@pytest.mark.parametrize(
    ("kit", "parts"),
    [("rt-standard", (2, 1, 1)), ("rt-mini", (1, 1, 1)), ("pos-kamling-plus", (4, 2, 2)), ("demo", (4, 1, 1))],
)
def test_a_kit_has_the_parts_it_says(kit: str, parts: tuple[int, int, int]) -> None:
    site = resolved(kit=kit, text="") if kit != "demo" else load(sample(load_kit(kit)).encode(), name="s", users=USERS)
    configuration = site if isinstance(site, Configuration) else site.configuration
    assert configuration is not None
    assert (len(configuration.zones), len(configuration.sounders), len(configuration.lamps)) == parts
    assert not any(sounder.backup for sounder in configuration.sounders)
