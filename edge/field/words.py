"""The box's own words as people read them, in both languages."""

from collections.abc import Callable, Iterable
from typing import Final

from edge.core.faults import Language, Wording
from edge.core.lamps import Face
from edge.core.timing import TimeQuality

FACES: Final = {
    Face.SIAGA: Wording("SIAGA: siap", "SIAGA: armed"),
    Face.DITEKAN: Wording("DITEKAN: sentuhan terasa", "DITEKAN: the touch was felt"),
    Face.MENGIRIM: Wording("MENGIRIM: tersimpan, belum sampai di pusat", "MENGIRIM: stored, not yet at the centre"),
    Face.DITERIMA: Wording("DITERIMA PUSAT: pusat sudah menyimpannya", "DITERIMA PUSAT: the centre has stored it"),
    Face.KENALI: Wording("KENALI: pusat menunjukkan kotak ini", "KENALI: the centre points at this box"),
    Face.GANGGUAN: Wording("GANGGUAN: panggil teknisi", "GANGGUAN: call the technician"),
    Face.GANGGUAN_MENGIRIM: Wording("GANGGUAN + MENGIRIM", "GANGGUAN + MENGIRIM"),
}
SAID: Final = {
    "normal": Wording("normal", "normal"),
    "closed": Wording("tertutup", "closed"),
    "stuck": Wording("macet", "stuck"),
    "fault": Wording("rusak", "fault"),
    "bypassed": Wording("dilewati", "bypassed"),
}
SOUNDS: Final = {"sounding": Wording("BUNYI", "SOUNDING"), "quiet": Wording("diam", "quiet")}
TESTS: Final = {
    "waiting": Wording("menunggu bukti pusat", "waiting for the centre's receipt"),
    "passed": Wording("lulus", "passed"),
    "failed": Wording("BELUM LULUS", "NOT PASSED"),
}
STEPS: Final = {
    "stored": Wording("disk", "disk"),
    "published": Wording("broker", "broker"),
    "received": Wording("bukti pusat", "centre's receipt"),
}
CLOCKS: Final = {
    TimeQuality.SYNCED: Wording("disetel lewat jaringan", "set by the network"),
    TimeQuality.RTC: Wording(
        "dari baterai jam, belum disetel lewat jaringan", "from the clock's battery, not set by the network"
    ),
    TimeQuality.HOLDOVER: Wording("pernah disetel, jaringan waktu hilang", "was set once, time servers are lost"),
    TimeQuality.UNSYNCED: Wording("BELUM DISETEL", "NOT SET"),
}


def both(tell: Callable[[Language], str]) -> Wording:
    """The same sentence, told once in each language."""
    return Wording(tell(Language.ID), tell(Language.EN))


def way(steps: Iterable[tuple[str, str]]) -> Wording:
    """How an alarm fared: step and milliseconds, "" for what has not happened."""
    done = [(STEPS[step], f"{ms} ms" if ms else "...") for step, ms in steps]
    return both(lambda language: " → ".join(f"{word[language]} {ms}" for word, ms in done) or "-")


def age(ms: int) -> Wording:
    """How long, in the one unit that a person would say."""
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return Wording(f"{seconds} detik", f"{seconds} s")
    if seconds < 2 * 3600:
        return Wording(f"{seconds // 60} menit", f"{seconds // 60} min")
    if seconds < 2 * 86400:
        return Wording(f"{seconds // 3600} jam", f"{seconds // 3600} h")
    return Wording(f"{seconds // 86400} hari", f"{seconds // 86400} days")
