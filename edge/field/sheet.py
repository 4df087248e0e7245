"""The status of a box on one sheet: a table on a terminal, plain lines where somebody else reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from edge.core.faults import DO, Fault, Language, Wording, printable
from edge.core.lamps import Face
from edge.core.status import SECONDARY, Bearer, BoxStatus
from edge.core.timing import TimeQuality
from edge.field.camera_words import HEALTH
from edge.field.causes import in_words
from edge.field.words import CLOCKS, FACES, SAID, SOUNDS, STEPS, TESTS, age, both, way

if TYPE_CHECKING:
    from rich.table import Table

BOX: Final = Wording("Boks", "Box")
SITE: Final = Wording("Lokasi", "Site")
CONFIGURATION: Final = Wording("Konfigurasi", "Configuration")
VERSION: Final = Wording("Versi program", "Version")
CLOCK: Final = Wording("Jam", "Clock")
LAMP: Final = Wording("Lampu", "Lamp")
TROUBLE: Final = Wording("Gangguan", "Trouble")
BEARER: Final = Wording("Jalur", "Bearer")
CENTRE: Final = Wording("Pusat", "Centre")
WAITING: Final = Wording("Menunggu", "Waiting")
JOURNEY: Final = Wording("Alarm terakhir", "Newest alarm")
ZONE: Final = Wording("Tombol", "Button")
SOUNDER: Final = Wording("Sirene", "Siren")
CAMERA: Final = Wording("Kamera", "Camera")
SELF_TEST: Final = Wording("Uji harian", "Daily test")
NONE: Final = Wording("tidak ada", "none")
CONNECTED: Final = Wording("terhubung", "connected")
BY_SECOND: Final = Wording("terhubung lewat broker kedua", "connected by the second broker")
NOT_YET: Final = Wording("belum pernah terhubung sejak program mulai", "not connected since the program started")
NO_LAMP: Final = Wording("belum diketahui", "not known yet")
NO_ALARM: Final = Wording("belum ada sejak program mulai", "none since the program started")
RESTART: Final = "systemctl restart kentongan-alarm kentongan-relay"
LOOK: Final = "kentongan ledger ls --waiting"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of the box. name: of which one of several; style: rich's, beside what the words say anyway."""

    label: Wording
    value: Wording
    name: str = ""
    style: str = ""


Section = Sequence[Row]


def sections(told: BoxStatus, faults: Iterable[Fault], applied: int = 0) -> tuple[Section, ...]:
    """Everything in the order in which a technician asks: what it is, what is wrong, what reached the centre.

    applied: the generation that the next start will use, 0 where nobody knows
    """
    return (
        tuple(_head(told, applied or told.config)),
        tuple(_troubles(told, faults)),
        tuple(_ways(told)),
        tuple(_zones(told)),
        tuple(_sounders(told)),
        tuple(_cameras(told)),
    )


def lines(parts: Iterable[Section], language: Language) -> Iterator[str]:
    """One line for each row, a second one for what to do."""
    for section in parts:
        for row in section:
            yield f"{row.label[language]}{f' {row.name}' if row.name else ''}: {row.value[language]}"


def table(parts: Iterable[Section], language: Language) -> "Table":
    """The same for a terminal."""
    from rich.table import Table  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.text import Text  # noqa: PLC0415  # the same

    drawn = Table(show_header=False)
    for section in parts:
        label = ""
        for row in section:
            label, before = row.label[language], label
            shown = Text("" if label == before else label, style="bold")
            drawn.add_row(shown, Text(row.name), Text(row.value[language], style=row.style))
        drawn.add_section()
    return drawn


def joined(section: Section) -> Section:
    """Its rows in one, by what they say, the rarest first: for a screen that has no room for all."""
    if len(section) < 2:
        return section
    names: dict[Wording, list[str]] = {}
    for row in section:
        names.setdefault(row.value, []).append(row.name)
    told = sorted(names.items(), key=lambda each: len(each[1]))
    by_value = both(lambda language: "; ".join(f"{value[language]}: {', '.join(names)}" for value, names in told))
    return (Row(section[0].label, by_value),)


def _head(told: BoxStatus, applied: int) -> Iterator[Row]:
    yield Row(BOX, _plain(told.box))
    yield Row(SITE, _plain(told.site))
    yield Row(CONFIGURATION, _generation(told.config, applied), style="" if applied == told.config else "yellow")
    yield Row(VERSION, _plain(told.version))
    known = {str(quality): wording for quality, wording in CLOCKS.items()}
    clock = known.get(told.timequality, _plain(told.timequality))
    yield Row(CLOCK, clock, style="" if told.timequality == TimeQuality.SYNCED else "yellow")
    faces = {str(face): wording for face, wording in FACES.items()}
    troubled = told.lamp in {Face.GANGGUAN, Face.GANGGUAN_MENGIRIM}
    yield Row(LAMP, faces.get(told.lamp, _plain(told.lamp) if told.lamp else NO_LAMP), style="bold" if troubled else "")


def _generation(used: int, applied: int) -> Wording:
    if applied == used:
        return Wording(f"generasi {used}", f"generation {used}")
    return Wording(
        f"generasi {used}; generasi {applied} dipakai setelah `{RESTART}`",
        f"generation {used}; generation {applied} is used after `{RESTART}`",
    )


def _troubles(told: BoxStatus, faults: Iterable[Fault]) -> Iterator[Row]:
    if not told.troubles:
        yield Row(TROUBLE, NONE)
    for fault in faults:
        name = f"{fault.code}/{fault.where}" if fault.where else fault.code
        yield Row(TROUBLE, both(partial(_what_to_do, fault)), name, "bold red")


def _what_to_do(fault: Fault, language: Language) -> str:
    return f"{fault.text[language]}\n  {DO[language]}: {fault.fix[language]}"


def _ways(told: BoxStatus) -> Iterator[Row]:
    for name, bearer in (told.bearers or {"mqtt": Bearer(told.online)}).items():
        yield Row(BEARER, _bearer(bearer, told.boot_ms), printable(name), "" if bearer.up else "bold red")
    yield Row(CENTRE, _centre(told))
    yield from _self_test(told)
    yield Row(WAITING, _waiting(told), style="bold" if told.waiting else "")
    yield Row(JOURNEY, _journey(told))


def _bearer(bearer: Bearer, now_ms: int) -> Wording:
    if bearer.up:
        connected = BY_SECOND if bearer.broker == SECONDARY else CONNECTED
        if bearer.since_ms is None:
            return connected
        since = age(now_ms - bearer.since_ms)
        return Wording(f"{connected.id} sejak {since.id} lalu", f"{connected.en} for {since.en}")
    why = in_words(bearer.detail)
    down = NOT_YET
    if bearer.since_ms is not None:
        since = age(now_ms - bearer.since_ms)
        down = Wording(f"putus sejak {since.id} lalu", f"down for {since.en}")
    return both(lambda language: ": ".join(part for part in (down[language], why[language]) if part))


def _centre(told: BoxStatus) -> Wording:
    name = printable(told.receiver)
    if not name:
        return Wording("belum menjawab", "no answer yet")
    if told.answered_ms is None:
        return Wording(name, name)
    since = age(told.boot_ms - told.answered_ms)
    return Wording(f"{name}, menjawab {since.id} lalu", f"{name}, answered {since.en} ago")


def _self_test(told: BoxStatus) -> Iterator[Row]:
    """Nothing before the first one of this run."""
    if (test := told.selftest) is not None:
        state = TESTS.get(test.state, _plain(test.state))
        parts = (printable(test.receiver), printable(test.at))
        said = both(lambda language: ", ".join(part for part in (state[language], *parts) if part))
        yield Row(SELF_TEST, said, style="bold red" if test.state == "failed" else "")


def _waiting(told: BoxStatus) -> Wording:
    if not told.waiting:
        return NONE
    count = Wording(f"{told.waiting} alarm", f"{told.waiting} alarm(s)")
    oldest = told.oldest
    if oldest is None:
        return count
    since, name = age(told.boot_ms - oldest.made_ms), printable(oldest.id)
    if oldest.earlier:
        return Wording(
            f"{count.id}; tertua {name}, lebih dari {since.id} (sebelum program mulai: `{LOOK}`)",
            f"{count.en}; the oldest {name}, more than {since.en} (before the program started: `{LOOK}`)",
        )
    return Wording(f"{count.id}; tertua {name}, {since.id}", f"{count.en}; the oldest {name}, {since.en}")


def _journey(told: BoxStatus) -> Wording:
    if told.journey is None:
        return NO_ALARM
    alarm = {name: printable(told) for name, told in asdict(told.journey).items()}
    fared = way((step, alarm[step]) for step in STEPS)
    return Wording(f"{alarm['id']}  {fared.id}", f"{alarm['id']}  {fared.en}")


def _zones(told: BoxStatus) -> Iterator[Row]:
    for zone, state in told.zones.items():
        yield Row(ZONE, SAID.get(state, _plain(state)), printable(zone), "" if state == "normal" else "bold")


def _sounders(told: BoxStatus) -> Iterator[Row]:
    for sounder, state in told.sounders.items():
        yield Row(SOUNDER, SOUNDS.get(state, _plain(state)), printable(sounder), "bold" if state == "sounding" else "")


def _cameras(told: BoxStatus) -> Iterator[Row]:
    for camera, state in told.cameras.items():
        yield Row(CAMERA, HEALTH.get(state, _plain(state)), printable(camera), "" if state == "up" else "bold")


def _plain(text: str) -> Wording:
    shown = printable(text)
    return Wording(shown, shown)
