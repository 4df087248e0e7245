"""How cameras are, as people read it: words of health, of a test's steps, and the head of each column."""

from collections.abc import Iterable
from typing import Final

from edge.core.faults import Language, Wording, printable
from edge.link.counter import Found, Shown, Tested

HEALTH: Final = {
    "up": Wording("baik", "well"),
    "reachable": Wording("menjawab, belum dicoba masuk", "answers, login not tried yet"),
    "unreachable": Wording("TIDAK MENJAWAB", "DOES NOT ANSWER"),
    "no-login": Wording("BUTUH KATA SANDI", "WANTS A PASSWORD"),
    "wrong-password": Wording("KATA SANDI DITOLAK", "PASSWORD REFUSED"),
    "clock-wrong": Wording("JAM KAMERA SALAH", "CAMERA CLOCK WRONG"),
    "no-picture": Wording("TANPA GAMBAR", "NO PICTURE"),
}
STEPS: Final = {
    "reach": Wording("jaringan", "network"),
    "clock": Wording("jam", "clock"),
    "login": Wording("kata sandi", "login"),
    "picture": Wording("gambar", "picture"),
    "events": Wording("kejadian", "events"),
}
FOUND: Final = (
    Wording("Alamat", "Address"),
    Wording("Nama", "Name"),
    Wording("Model", "Model"),
    Wording("MAC", "MAC"),
    Wording("Catatan", "Note"),
)
LISTED: Final = (
    Wording("Kamera", "Camera"),
    Wording("Alamat", "Address"),
    Wording("Keadaan", "State"),
    Wording("Model", "Model"),
    Wording("Gambar", "Pictures"),
    Wording("Kejadian", "Events"),
    Wording("Catatan", "Note"),
)
SENT: Final = Wording("dikirim saat alarm", "sent on an alarm")
KEPT: Final = Wording("tidak dikirim", "not sent")
ASKED: Final = Wording("ya", "yes")
UNASKED: Final = Wording("tidak", "no")
OURS: Final = Wording('sudah diadopsi sebagai "{}"', 'adopted as "{}"')
TWINS: Final = Wording("{} lain mengaku sama", "{} others claim the same")
LOOKS_LIKE: Final = Wording("mirip {}", "looks like {}")
WAITS: Final = Wording("tidak dicoba lagi sebelum diadopsi ulang", "not tried again until adopted anew")
SPOOLED: Final = Wording("{} gambar menunggu", "{} pictures wait")


def candidate(found: Found, language: Language) -> tuple[str, ...]:
    """The cells of one line under FOUND."""
    notes = [OURS[language].format(found.adopted)] if found.adopted else []
    if found.twins:
        notes.append(TWINS[language].format(found.twins))
    return _cells(f"{found.host}:{found.port}", found.name, found.hardware, found.mac, ", ".join(notes))


def adopted(camera: Shown, language: Language) -> tuple[str, ...]:
    """The cells of one line under LISTED."""
    health = HEALTH.get(camera.health)
    notes = [LOOKS_LIKE[language].format(", ".join(camera.conflicts))] if camera.conflicts else []
    if camera.waiting:
        notes.append(WAITS[language])
    if camera.pictures:
        notes.append(SPOOLED[language].format(camera.pictures))
    return _cells(
        camera.name,
        f"{camera.host}:{camera.port}",
        health[language] if health else camera.health,
        f"{camera.manufacturer} {camera.model}".strip(),
        (SENT if camera.consent else KEPT)[language],
        (ASKED if camera.events else UNASKED)[language],
        ", ".join(notes),
    )


def step(tested: Tested, language: Language) -> str:
    """One line of a test: what, how long, and what was found there."""
    word = STEPS.get(tested.step)
    facts = "  ".join(f"{name}={value}" for name, value in tested.facts.items())
    mark = "✗" if tested.code else "✓"
    return printable(f"{mark} {word[language] if word else tested.step}  {tested.took_ms} ms  {facts}".rstrip())


def _cells(*cells: str) -> tuple[str, ...]:
    return tuple(printable(cell) if cell else "-" for cell in cells)


def headers(columns: Iterable[Wording], language: Language) -> list[str]:
    return [column[language] for column in columns]
