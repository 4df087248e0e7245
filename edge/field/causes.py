"""Why the box has no connection, or what it complains of: its own coded words as people read them."""

from collections.abc import Mapping
from typing import Final

from edge.core.faults import Wording, printable

CAUSES: Final[Mapping[str, Wording]] = {
    # on the way to the broker (drivers.ports.Down)
    "dns": Wording("nama broker tidak ditemukan", "the broker's name is not found"),
    "unreachable": Wording("tidak ada jalan ke broker", "there is no way to the broker"),
    "timeout": Wording("broker tidak menjawab", "the broker does not answer"),
    "tls-not-yet-valid": Wording(
        "sertifikat broker belum berlaku; apakah jam boks benar?",
        "the broker's certificate is not valid yet; is the box's clock right?",
    ),
    "tls-expired": Wording(
        "sertifikat broker sudah habis masa berlakunya, atau jam boks terlalu maju",
        "the broker's certificate has expired, or the box's clock is ahead",
    ),
    "tls-wrong-host": Wording(
        "sertifikat broker untuk nama atau alamat lain", "the broker's certificate is for another name or address"
    ),
    "tls-untrusted": Wording(
        "sertifikat broker bukan dari pusat ini", "the broker's certificate is not from our authority"
    ),
    "tls-client": Wording("broker menolak sertifikat boks", "the broker refuses the box's certificate"),
    "tls-files": Wording(
        "kunci atau sertifikat boks tidak bisa dipakai", "the box's key or certificate cannot be used"
    ),
    "tls-plain": Wording("port itu tidak memakai TLS", "the port does not speak TLS"),
    "tls": Wording("TLS dengan broker gagal", "TLS with the broker failed"),
    "no-connack": Wording(
        "broker menerima sambungan tetapi tidak menjawab", "the broker accepts the connection and never answers"
    ),
    "refused-features": Wording(
        "broker tidak punya QoS 1 atau pesan tersimpan", "the broker offers no QoS 1 or no retained messages"
    ),
    # of a session that stood
    "half-open": Wording(
        "broker diam padahal ada kiriman yang menunggu jawabannya", "the broker is silent while a message waits for it"
    ),
    "keepalive": Wording("broker tidak menjawab ping", "the broker answers no ping"),
    "lost": Wording("sambungan terputus", "the connection was lost"),
    "oversize": Wording("broker mengirim pesan yang terlalu besar", "the broker sent a message that is too large"),
    "protocol": Wording("broker tidak mengikuti MQTT 5", "the broker does not keep to MQTT 5"),
    "fault": Wording("kesalahan di program boks; lihat log", "a fault of the box's own program; see its log"),
    "moved": Wording("sedang pindah broker", "on the way to the other broker"),
    # what alarm itself complains of (edge.daemons.alarm.dispatch, rounds)
    "no bearer": Wording("program relay belum tersambung", "the relay has not connected yet"),
    "relay away": Wording("program relay mati", "the relay program is away"),
    "our beat has no answer": Wording("tanda hidup boks tidak dijawab", "our beat has no answer"),
    "the disk takes no event within a second": Wording(
        "kartu tidak menyimpan satu kejadian pun dalam sedetik", "the disk takes no event within a second"
    ),
}
"""By the whole word; `refused-0xNN` and `closed-0xNN` are in CODES."""

CODES: Final[Mapping[int, Wording]] = {
    0x00: Wording("selesai", "goodbye"),
    0x80: Wording("tanpa alasan", "without saying why"),
    0x81: Wording("paket boks tidak terbaca", "it could not read our packet"),
    0x82: Wording("paket boks melanggar protokol", "it finds us against the protocol"),
    0x83: Wording("alasan broker sendiri", "for a reason of its own"),
    0x84: Wording("broker tidak mengenal MQTT 5", "it does not speak MQTT 5"),
    0x85: Wording("nama boks tidak diterima", "it does not accept the box id"),
    0x86: Wording("nama pengguna atau sandi salah", "user name or password are wrong"),
    0x87: Wording("boks tidak berhak", "the box has no right to"),
    0x88: Wording("broker sedang tidak melayani", "it is not available"),
    0x89: Wording("broker terlalu sibuk", "it is too busy"),
    0x8A: Wording("boks diblokir operator broker", "its operator has banned the box"),
    0x8B: Wording("broker sedang dimatikan", "it is shutting down"),
    0x8C: Wording("broker minta cara masuk lain", "it asks for another way to log in"),
    0x8D: Wording("terlalu lama tidak ada kabar dari boks", "it heard nothing from us for too long"),
    0x8E: Wording("ada sambungan lain dengan nama boks ini", "another connection with this box id"),
    0x90: Wording("topik boks tidak diterima", "it does not accept a topic of ours"),
    0x93: Wording("terlalu banyak kiriman sekaligus", "more in flight than it allows"),
    0x95: Wording("kiriman terlalu besar", "our packet is too large"),
    0x96: Wording("kiriman terlalu cepat", "we send faster than it allows"),
    0x97: Wording("jatah di broker habis", "its quota is used up"),
    0x98: Wording("dihentikan operator broker", "its operator ended the session"),
    0x99: Wording("bentuk isi tidak diterima", "it does not accept the form of a payload"),
    0x9A: Wording("broker tidak menyimpan pesan", "it keeps no retained messages"),
    0x9B: Wording("broker tidak punya QoS 1", "it does not offer QoS 1"),
    0x9C: Wording("disuruh memakai server lain dulu", "it asks us to use another server for now"),
    0x9D: Wording("broker sudah pindah alamat", "it has moved for good"),
    0x9F: Wording("terlalu banyak sambungan dalam waktu singkat", "too many connections in a short time"),
    0xA0: Wording("batas lama satu sambungan tercapai", "the longest time for one connection is over"),
}
"""MQTT 5 reason codes of a broker that refuses or ends a session."""

_BY_BROKER: Final = {
    "refused-0x": Wording("broker menolak sambungan", "the broker refuses the connection"),
    "closed-0x": Wording("broker mengakhiri sambungan", "the broker ended the session"),
}


def in_words(cause: str) -> Wording:
    """A cause as people read it; what nobody has words for is shown as it came, in both languages."""
    for beginning, did in _BY_BROKER.items():
        if cause.startswith(beginning) and (why := _why(cause.removeprefix(beginning))):
            return Wording(f"{did.id}: {why.id}", f"{did.en}: {why.en}")
    shown = printable(cause)
    return CAUSES.get(cause, Wording(shown, shown))


def _why(code: str) -> Wording | None:
    try:
        return CODES.get(int(code, 16))
    except ValueError:
        return None
