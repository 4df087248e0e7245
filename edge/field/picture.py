"""How the board looks: 24 rows of 80 letters are enough, and no state is told by colour alone."""

from typing import Final

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from edge.core.faults import Language, Wording
from edge.field.sight import BoxSight, OutputSight, Quiet, Sight, ZoneSight
from edge.field.words import FACES, SAID, way

ROWS_OF_OURS: Final = 15  # everything but the zones and the centre's lines
CENTRE_MIN: Final = 3

TITLE: Final = Wording("Papan Kentongan", "Kentongan board")
KINDS: Final = {
    "crime": Wording("kejahatan", "crime"),
    "fire": Wording("kebakaran", "fire"),
    "medical": Wording("medis", "medical"),
    "disaster": Wording("bencana", "disaster"),
}
NO_FACE: Final = Wording("program alarm tidak menjawab", "the alarm program does not answer")
PRESSED: Final = Wording("DITEKAN", "PRESSED")
AT_REST: Final = Wording("lepas", "at rest")
SILENT: Final = Wording("titik senyap", "silent zone")
STAYED: Final = {
    "on": Wording("sirene tetap bunyi", "siren still on"),
    "off": Wording("sirene tetap diam", "siren still off"),
    "lamp": Wording("lampu tetap", "lamp as before"),
}
CHANGED: Final = {"siren": Wording("sirene berubah", "siren changed"), "lamp": Wording("lampu berubah", "lamp changed")}
CENTRE: Final = Wording("yang sampai di pusat", "what reached the centre")
HELP: Final = (
    Wording(
        "[1]..[4] tekan; sekali lagi = lepas (terminal tidak tahu kapan jari diangkat)",
        "[1]..[4] press; once more = release (a terminal cannot see the finger lift)",
    ),
    Wording(
        "[c] kabel  [k] bunuh program alarm  [s] diamkan lewat pusat  [q] keluar",
        "[c] cable  [k] kill the alarm program  [s] silence by the centre  [q] leave",
    ),
)


def draw(sight: Sight, language: Language, height: int) -> Group:
    """The whole board for a terminal of `height` rows."""
    rows = max(CENTRE_MIN, height - ROWS_OF_OURS - len(sight.zones))
    centre = [Text(f" {line}", style="dim") for line in sight.centre[-rows:]]
    parts: list[Text | Rule] = [
        _row((f"{TITLE[language]} · {sight.site}", "bold"), (f" · {sight.box}", "dim")),
        Rule(style="dim"),
        *(_zone(zone, language) for zone in sight.zones),
        Rule(style="dim"),
        _siren(sight, language),
        _lamp(sight, language),
        Rule(style="dim"),
        *_ways(sight, language),
        Rule(CENTRE[language], style="dim", align="left"),
        *centre,
        *(Text("") for _ in range(rows - len(centre))),
        Rule(style="dim"),
        _row((sight.notice[language], "bold")),
        *(_row((line[language], "")) for line in HELP),
    ]
    for part in parts:
        if isinstance(part, Text):
            part.no_wrap, part.overflow = True, "ellipsis"
    return Group(*parts)


def _row(*words: tuple[str, str]) -> Text:
    return Text.assemble(" ", *words)


def _zone(zone: ZoneSight, language: Language) -> Text:
    contact = (f"■ {PRESSED[language]}", "bold reverse") if zone.pressed else (f"□ {AT_REST[language]}", "")
    kind = KINDS[zone.kind][language] if zone.kind in KINDS else zone.kind
    words = [(f"{zone.key}  ", "bold"), (f"{zone.label:<17.17}", ""), (f"{kind:<11.11}", "dim")]
    return _row(*words, (f"{contact[0]:<11}", contact[1]), ("  ", ""), (_remark(zone, language), "dim"))


def _remark(zone: ZoneSight, language: Language) -> str:
    if not zone.silent:
        return SAID[zone.said][language] if zone.said in SAID else zone.said
    return SILENT[language] if zone.quiet is None else _since(zone.quiet, language)


def _since(quiet: Quiet, language: Language) -> str:
    """What siren and lamp have done since a silent button was pressed: nothing, unless another cause moved them."""
    siren = STAYED["on" if quiet.sounds_now else "off"] if quiet.sounds_now == quiet.sounding else CHANGED["siren"]
    lamp = STAYED["lamp"] if quiet.face_now == quiet.face else CHANGED["lamp"]
    return f"{siren[language]}, {lamp[language]}"


def _siren(sight: Sight, language: Language) -> Text:
    name = Wording("Sirene", "Siren")[language]
    now = Wording("polanya sedang dibunyikan", "its pattern is playing") if sight.told.sounding else Wording("", "")
    word = Wording("BUNYI", "ON") if sight.siren.on else Wording("diam", "off")
    return _output(name, sight.siren, word, now[language], language)


def _lamp(sight: Sight, language: Language) -> Text:
    name = Wording("Lampu", "Lamp")[language]
    face = (FACES[sight.told.face] if sight.told.face else NO_FACE)[language]
    word = Wording("NYALA", "LIT") if sight.lamp.on else Wording("padam", "dark")
    return _output(name, sight.lamp, word, face, language)


def _output(name: str, output: OutputSight, word: Wording, told: str, language: Language) -> Text:
    level = f"{'●' if output.on else '○'} {word[language]}"
    style = "bold yellow" if output.on else ""
    return _row((f"{name:<9}", "bold"), (f"{level:<10}", style), (f"{output.line:<8}", "dim"), (told, ""))


def _ways(sight: Sight, language: Language) -> list[Text]:
    """The way out: cable, centre, what waits, how the newest alarm fared, the program's own life, troubles."""
    told = sight.told
    cable = Wording("terpasang", "plugged") if sight.plugged else Wording("DICABUT", "PULLED")
    waiting = Wording(f"{told.waiting} alarm", f"{told.waiting} alarm(s)")
    return [
        _pairs(
            language,
            (Wording("Kabel", "Cable"), cable, 11),
            (Wording("Menunggu", "Waiting"), waiting, 11),
            (Wording("Program", "Program"), _program(sight), 28),
        ),
        _pairs(language, (Wording("Pusat", "Centre"), _centre(told), 70)),
        _pairs(language, (Wording("Alarm", "Alarm"), way(told.journey), 70)),
        _pairs(language, (Wording("Gangguan", "Troubles"), _troubles(told), 70)),
    ]


def _pairs(language: Language, *pairs: tuple[Wording, Wording, int]) -> Text:
    words: list[tuple[str, str]] = []
    for name, value, width in pairs:
        words += [(f"{name[language]:<9}", "bold"), (f"{value[language]:<{width}.{width}}", "")]
    return _row(*words)


def _centre(told: BoxSight) -> Wording:
    if told.face is None:
        return Wording("?", "?")
    if not told.online:
        return Wording("tidak terhubung", "not connected")
    if not told.receiver:
        return Wording("terhubung, belum menjawab", "connected, no answer yet")
    return Wording(f"menjawab: {told.receiver}", f"answers: {told.receiver}")


def _program(sight: Sight) -> Wording:
    if sight.told.face is None:
        return Wording("MATI, dimulai lagi", "DEAD, starts again")
    if sight.armed_after_ms is None:
        return Wording("hidup", "alive")
    after = f"{sight.armed_after_ms:.0f} ms"
    return Wording(f"hidup lagi dalam {after}", f"alive again after {after}")


def _troubles(told: BoxSight) -> Wording:
    codes = ", ".join(told.troubles) or "-"
    return Wording(codes, codes)
