"""The status of a box as people read it, in both languages, on a terminal and in a pipe."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from edge.core import codes
from edge.core.faults import Fact, Language, Meaning
from edge.core.status import SECONDARY, Bearer, BoxStatus, Journey, Oldest, SelfTest
from edge.core.words import BoxId, Epoch
from edge.field.sheet import joined, lines, sections, table
from edge.field.troubles import fault_of
from edge.field.watch import fitting
from edge.field.words import age

TOLD = BoxStatus(
    box=BoxId("ktg-k7q2m7xa"),
    site="33.74.10.1004-010-005",
    session="s",
    online=False,
    version="0.1.0",
    config=3,
    bootid="5f0e2a9c",
    epoch=Epoch("7c1f0b2e"),
    ordinal=2,
    nonce="n",
    timequality="synced",
    zones={"masjid": "normal", "pos-ronda": "stuck"},
    sounders={"sirene": "sounding", "toa": "quiet"},
    troubles=("E-BROKER-UNREACHABLE", "E-ZONE-STUCK/pos-ronda"),
    lamp="gangguan-mengirim",
    waiting=2,
    receiver="Pusat Semarang",
    journey=Journey("7c1f0b2e.12", "1", stored="4.93", published="10.47"),
    boot_ms=10_000_000,
    causes={"E-BROKER-UNREACHABLE": "timeout", "E-ZONE-STUCK/pos-ronda": "contact closed for 60 s"},
    bearers={"mqtt": Bearer(since_ms=10_000_000 - 90_000, detail="timeout")},
    answered_ms=10_000_000 - 150_000,
    oldest=Oldest("7c1f0b2e.11", 10_000_000 - 3 * 3_600_000 + 5000),
)
WELL = replace(
    TOLD, troubles=(), causes={}, waiting=0, oldest=None, journey=None, lamp="siaga",
    bearers={"mqtt": Bearer(up=True, since_ms=0)},
)  # fmt: skip


def told(status: BoxStatus, language: Language) -> list[str]:
    faults = [fault_of(each, status.causes.get(each, ""), "pusat.example:8883") for each in status.troubles]
    return "\n".join(lines(sections(status, faults), language)).splitlines()


def test_a_box_in_trouble_is_told_as_the_technicians_page_shows_it() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/troubleshooting.md").read_text(encoding="utf-8")
    shown = page.partition("```text status\n$ kentongan status | cat\n")[2].partition("\n```")[0]
    assert told(TOLD, Language.ID) == shown.splitlines()


def test_the_same_in_english() -> None:
    assert told(TOLD, Language.EN) == [
        "Box: ktg-k7q2m7xa",
        "Site: 33.74.10.1004-010-005",
        "Configuration: generation 3",
        "Version: 0.1.0",
        "Clock: set by the network",
        "Lamp: GANGGUAN + MENGIRIM",
        "Trouble E-BROKER-UNREACHABLE: The broker pusat.example:8883 cannot be reached: the broker does not answer.",
        "  Do: check the network cable or modem, then `host` and `port` in [uplink]. The siren still works.",
        "Trouble E-ZONE-STUCK/pos-ronda: The button pos-ronda has been closed for more than 60 seconds.",
        "  Do: release or replace the button, and check its cable.",
        "Bearer mqtt: down for 90 s: the broker does not answer",
        "Centre: Pusat Semarang, answered 2 min ago",
        "Waiting: 2 alarm(s); the oldest 7c1f0b2e.11, 2 h",
        "Newest alarm: 7c1f0b2e.12  disk 4.93 ms → broker 10.47 ms → centre's receipt ...",
        "Button masjid: normal",
        "Button pos-ronda: stuck",
        "Siren sirene: SOUNDING",
        "Siren toa: quiet",
    ]


def test_a_box_that_is_well_says_so() -> None:
    shown = told(WELL, Language.ID)
    assert {"Gangguan: tidak ada", "Menunggu: tidak ada", "Jalur mqtt: terhubung sejak 2 jam lalu"} <= set(shown)
    assert "Alarm terakhir: belum ada sejak program mulai" in shown


def test_a_configuration_that_waits_for_a_restart_is_told() -> None:
    parts = sections(WELL, (), applied=4)
    after = "`systemctl restart kentongan-alarm kentongan-relay`"
    assert f"Konfigurasi: generasi 3; generasi 4 dipakai setelah {after}" in list(lines(parts, Language.ID))
    assert f"Configuration: generation 3; generation 4 is used after {after}" in list(lines(parts, Language.EN))


def test_an_age_of_before_the_start_is_told_as_what_it_is() -> None:
    status = replace(TOLD, oldest=Oldest("00000001.7", 10_000_000 - 600_000, earlier=True))
    waiting = "2 alarm; tertua 00000001.7, lebih dari 10 menit (sebelum program mulai: `kentongan ledger ls --waiting`)"
    assert f"Menunggu: {waiting}" in told(status, Language.ID)


def test_an_alarm_daemon_of_yesterday_is_told_with_what_it_says() -> None:
    old = replace(WELL, bearers={}, boot_ms=0, answered_ms=None, online=True)
    assert {"Jalur mqtt: terhubung", "Pusat: Pusat Semarang"} <= set(told(old, Language.ID))


def test_the_second_broker_is_named_where_it_is_used() -> None:
    by_second = replace(TOLD, bearers={"mqtt": Bearer(up=True, since_ms=TOLD.boot_ms - 60_000, broker=SECONDARY)})
    assert "Jalur mqtt: terhubung lewat broker kedua sejak 60 detik lalu" in told(by_second, Language.ID)
    assert "Bearer mqtt: connected by the second broker for 60 s" in told(by_second, Language.EN)


def test_words_of_a_newer_daemon_are_shown_as_they_are() -> None:
    newer = replace(TOLD, lamp="pelangi", timequality="atomic", zones={"masjid": "humid"}, troubles=("E-NEW/x",))
    shown = told(replace(newer, causes={"E-NEW/x": "a thing"}), Language.EN)
    assert {"Lamp: pelangi", "Clock: atomic", "Button masjid: humid", "Trouble E-NEW/x: a thing"} <= set(shown)


def test_no_word_of_others_reaches_the_terminal_as_an_order() -> None:
    evil = "\x1b[2J[red]" + "x" * 500
    trouble = f"E-ZONE-STUCK/{evil}"
    status = replace(
        TOLD, receiver=evil, lamp=evil, zones={evil: evil}, bearers={evil: Bearer(detail=evil)},
        troubles=(trouble,), causes={trouble: evil},
    )  # fmt: skip
    shown = "\n".join(told(status, Language.ID))
    assert "\x1b" not in shown + drawn(status, 100)
    assert "[red]" in shown


def drawn(status: BoxStatus, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    faults = [fault_of(each, status.causes.get(each, "")) for each in status.troubles]
    console.print(table(sections(status, faults), Language.ID))
    shown = console.file
    assert isinstance(shown, io.StringIO)
    return shown.getvalue()


def test_the_table_says_what_the_lines_say_and_each_label_once() -> None:
    shown = drawn(TOLD, 160)
    assert shown.count("Tombol ") == 2  # once in the trouble's own sentence
    assert shown.count("Sirene ") == 2  # once in what to do
    words = " ".join("\n".join(told(TOLD, Language.ID)).replace("pusat.example:8883", "…").replace(":", " ").split())
    cells = " ".join(shown.replace("│", " ").replace(":", " ").split())
    assert {word for word in words.split() if word not in cells} == set()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    assert max(len(line) for line in drawn(TOLD, width).splitlines()) <= width


def test_many_buttons_fit_one_row() -> None:
    zones = sections(TOLD, ())[3]
    (row,) = joined(zones)
    assert (row.label[Language.ID], row.value[Language.ID]) == ("Tombol", "normal: masjid; macet: pos-ronda")
    assert joined(zones[:1]) == zones[:1]


@pytest.mark.parametrize(
    ("ms", "said"),
    [(-5, "0 detik"), (119_999, "119 detik"), (120_000, "2 menit"), (7_200_000, "2 jam"), (172_800_000, "2 hari")],
)
def test_an_age_is_told_in_one_unit(ms: int, said: str) -> None:
    assert age(ms).id == said


# ---- what a trouble means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meaning", codes.CATALOGUE.values(), ids=list(codes.CATALOGUE))
def test_every_code_says_what_to_do_in_both_languages(meaning: Meaning) -> None:
    fault = fault_of(meaning.code, "a cause", "pusat.example:8883")
    assert (fault.code, bool(fault.fix.id), bool(fault.fix.en)) == (meaning.code, True, True)
    assert fault.text.id != fault.text.en


@pytest.mark.parametrize(
    ("meaning", "facts"),
    [
        (codes.IDENTITY_MISSING, {"what": "box.key: [Errno 2] No such file"}),
        (codes.CONFIG_LASTGOOD, {"why": "active.json: checksum", "generation": 4}),
        (codes.DEATHS, {"count": 5}),
    ],
)
def test_the_english_sentence_of_a_fault_at_the_start_is_told_in_indonesian(
    meaning: Meaning, facts: dict[str, Fact]
) -> None:
    fault = meaning.fault(where="", **facts)
    assert fault_of(meaning.code, fault.text.en).text == fault.text


@pytest.mark.parametrize(
    ("trouble", "cause", "said"),
    [
        ("E-DEVICE-MISSING/sirene", "GPIO23", "Perangkat tidak ada: sirene: GPIO23."),
        ("E-STATE-READONLY", "disk full", "Folder ledger tidak bisa ditulisi: disk full."),
        ("E-LINK", "link sockets: no space", "Soket antarprogram tidak bisa dibuka: link sockets: no space."),
        ("E-BROKER-UNREACHABLE", "timeout", "Broker … tidak terjangkau: broker tidak menjawab."),
        ("E-CENTRE-SILENT", "", "Broker terhubung, tetapi pusat tidak mendengarkan"),
    ],
)
def test_a_cause_fills_the_sentence_of_its_code(trouble: str, cause: str, said: str) -> None:
    assert fault_of(trouble, cause).text.id.startswith(said)


@pytest.mark.parametrize(("zones", "height", "rows"), [(4, 24, 4), (28, 24, 0), (28, 60, 28)])
def test_a_screen_without_room_for_all_buttons_has_them_in_one_row(zones: int, height: int, rows: int) -> None:
    status = replace(WELL, zones={f"zone-{number:02}": "normal" for number in range(zones)})
    console = Console(file=io.StringIO(), width=80, height=height)
    drawn = console.render_lines(fitting(sections(status, ()), Language.ID, console))
    shown = ["".join(segment.text for segment in row) for row in drawn]
    assert len(shown) <= height
    assert len([row for row in shown if row.count("zone-") == 1 and "normal" in row]) == rows
    assert "".join(shown).count("zone-") == zones


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (None, ""),
        (SelfTest("waiting", "2026-11-24T03:12:00.000Z"), "Uji harian: menunggu bukti pusat, 2026-11-24T03:12:00.000Z"),
        (
            SelfTest("passed", "2026-11-24T03:12:00.000Z", "Pusat Komando Kota"),
            "Uji harian: lulus, Pusat Komando Kota, 2026-11-24T03:12:00.000Z",
        ),
        (SelfTest("failed", "2026-11-24T03:12:00.000Z"), "Uji harian: BELUM LULUS, 2026-11-24T03:12:00.000Z"),
        (SelfTest("odd\x1b[2J", "", ""), "Uji harian: odd"),
    ],
    ids=["none yet", "waiting", "passed", "failed", "of another release"],
)
def test_the_daily_test_is_told_with_the_receivers_name(test: SelfTest | None, said: str) -> None:
    (found,) = [line for line in told(replace(WELL, selftest=test), Language.ID) if "Uji harian" in line] or [""]
    assert found.startswith(said)
    assert "\x1b" not in found


def test_adopted_cameras_are_told_and_what_is_wrong_with_them() -> None:
    status = replace(WELL, cameras={"gerbang": "up", "pos-ronda": "wrong-password", "masjid": "some-new-word"})
    assert told(status, Language.ID)[-3:] == [
        "Kamera gerbang: baik", "Kamera pos-ronda: KATA SANDI DITOLAK", "Kamera masjid: some-new-word",
    ]  # fmt: skip
    assert not any("Kamera" in line for line in told(WELL, Language.ID))
