"""Worked bytes for whoever writes the other end: what is signed, by which key, and what must be refused and why."""

import json
from typing import Any

from edge.core.events import Author, Frozen, canonical, freeze
from edge.core.messages import (
    Beat,
    Command,
    Have,
    Part,
    Receipt,
    Reply,
    digest_of,
    encode,
    sign_beat,
    sign_part,
    sign_reply,
)
from edge.core.seal import Binding, CentreKey, Keyset, Signer, Use, b64, sha256, sign_by_root, sign_jws, unb64
from edge.core.sms import Call, Telegram, nonce_of, sign_order, sign_receipt, tell
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId, ZoneId

SEEDS = {
    "box": 1,
    "root": 2,
    "receipt": 3,
    "command-silence": 4,
    "command-sound": 5,
    "command-sound-second": 6,
    "config": 7,
}
KEYS = {name: Signer(bytes([byte] * 32)) for name, byte in SEEDS.items()}
OTHER = BoxId("ktg-zzzzzzzz")
BOX, SITE, EPOCH = BoxId("ktg-k7q2m7xa"), SiteId("33.74.10.1004-010-005"), Epoch("7c1f0b2e")
AUTHOR = Author(BOX, SITE, EPOCH, "5f0e2a9c")
PRESSED_NS = 1_795_439_122_417_000_000
NOT_BEFORE, NOT_AFTER = 1_795_392_000, 1_858_464_000


def event(seq: int, event_class: EventClass, name: str, subject: str, data: dict[str, Json]) -> Frozen:
    when = Stamp(PRESSED_NS + seq * 10**9, 1_843_221_004_512 + seq * 10**9, TimeQuality.SYNCED)
    return freeze(Record(EventId(EPOCH, seq), event_class, name, subject, data), when, AUTHOR, KEYS["box"])


def events() -> list[Frozen]:
    press: dict[str, Json] = {
        "alarm": f"{EPOCH}.1", "kind": "crime", "cid": "1120", "status": "actual", "zone": "pos-ronda",
        "held_ms": 1000, "confirmed": False,
    }  # fmt: skip
    over: dict[str, Json] = {
        "alarm": f"{EPOCH}.1", "kind": "crime", "cid": "3120", "status": "actual", "zone": "pos-ronda", "total": 1,
    }  # fmt: skip
    return [
        event(1, EventClass.ALARM, "alarm", "zone/pos-ronda", press),
        event(2, EventClass.AUDIT, "audit", "box", {"what": "configuration", "by": "Bu Siti “RT 005” ✓ é"}),
        event(3, EventClass.RESTORAL, "restoral", "zone/pos-ronda", over),
    ]


def keyset() -> Keyset:
    def key(name: str, use: Use, number: int = 1) -> CentreKey:
        return CentreKey(f"{use}-{number}", use, b64(KEYS[name].public), NOT_BEFORE, NOT_AFTER)

    sound = [key("command-sound", Use.COMMAND_SOUND), key("command-sound-second", Use.COMMAND_SOUND, 2)]
    return Keyset(
        1, (key("receipt", Use.RECEIPT), key("command-silence", Use.COMMAND_SILENCE), *sound, key("config", Use.CONFIG))
    )


def vectors() -> dict[str, Any]:
    """File name -> content."""
    return {
        "keys": _keys(), "events": _events(), "beat": _beat(), "receipts": _receipts(), "commands": _commands(),
        "sms": _sms(),
    }  # fmt: skip


def _keys() -> dict[str, Any]:
    return {
        "keys": {
            name: {"seed": bytes([byte] * 32).hex(), "public": b64(KEYS[name].public)} for name, byte in SEEDS.items()
        },
        "keyset": {"payload": json.loads(_payload(_root(keyset()))), "jws": _root(keyset())},
        "binding": {"payload": {"box": BOX, "site": SITE, "v": 1}, "jws": _root(Binding(BOX, SITE))},
        "refused": [
            {"why": "signature does not match", "jws": sign_by_root(keyset(), KEYS["receipt"]).decode()},
            {"why": "unknown key, or not for this use", "jws": sign_jws(b"{}", "receipt-1", KEYS["root"]).decode()},
            {"why": "not a compact JWS", "jws": _root(keyset()).replace(".", "")},
        ],
    }


def _events() -> dict[str, Any]:
    made = events()
    first = made[0].raw.decode()
    return {
        "box": BOX,
        "events": [{"raw": each.raw.decode(), "sha256": b64(each.digest)} for each in made],
        "batch": "[" + ",".join(each.raw.decode() for each in made) + "]",
        "refused": [
            {"why": "signature does not match", "raw": first.replace("pos-ronda", "pos-masjid")},
            {"why": "not in canonical form", "raw": first.replace('","', '", "', 1)},
            {"why": "not an event", "raw": first.replace('"specversion":"1.0",', "")},
            {"why": "larger than 8192 bytes", "raw": first + " " * 8192},
        ],
    }


def _beat() -> dict[str, Any]:
    beat = Beat(BOX, "b-0017", EPOCH, 3, 1, "2026-11-23T13:05:30.000Z", "synced", 1)
    said = sign_beat(beat, KEYS["box"]).decode()
    return {
        "beat": said,
        "part": sign_part(Part(BOX, "4be1c7a90d2f6e83", 1, 1, b64(b'{"files":[]}')), KEYS["box"]).decode(),
        "reply": sign_reply(Reply(BOX, "4be1c7a90d2f6e83", "done", "silence"), KEYS["box"]).decode(),
        "refused": [
            {"why": "signature", "beat": said.replace('"head":1', '"head":2')},
            {"why": "signature", "beat": sign_beat(beat, KEYS["receipt"]).decode()},
            {"why": "signature", "beat": said.replace('"v":1', '"later":1,"v":1')},
            {"why": "signature", "beat": said[: said.index('"sig"')] + '"time":"x","timequality":"x","v":1}'},
            {"why": "not", "beat": said.replace('"head":1', '"head":"1"')},
            {"why": "larger", "beat": said + " " * 2048},
        ],
    }


def _receipts() -> dict[str, Any]:
    made = events()
    whole = Have(EPOCH, ((1, 3),), digest_of(each.digest for each in made))
    two = Have(EPOCH, ((1, 1), (3, 3)), digest_of((made[0].digest, made[2].digest)))
    wrong = Have(EPOCH, ((1, 1),), b64(sha256(made[0].digest + b"x")))

    def receipt(
        *have: Have, kid: str = "receipt-1", key: str = "receipt", box: BoxId = BOX, beat: str | None = None,
        ask: tuple[tuple[Epoch, int, int], ...] = (),
    ) -> dict[str, Any]:  # fmt: skip
        payload = encode(Receipt(box, "Pusat Komando Kota", "2026-11-23T13:05:31.000Z", have, beat, ask))
        return {"payload": json.loads(payload), "jws": sign_jws(payload, kid, KEYS[key]).decode()}

    def headed(**header: Json) -> dict[str, Any]:
        said = receipt(whole)
        signed = f"{b64(canonical(header))}.{said['jws'].split('.')[1]}"
        return {**said, "jws": f"{signed}.{b64(KEYS['receipt'].sign(signed.encode()))}"}

    def claims(first: int, last: int, epoch: Epoch = EPOCH, times: int = 1) -> Have:
        return Have(epoch, ((first, last),) * times, whole.digest)

    return {
        "epoch": EPOCH,
        "head": len(made),
        "rule": "digest = base64url(SHA-256(concatenated SHA-256 of each event's bytes, in the order of the ranges))",
        "accepted": [receipt(whole), receipt(two), receipt(beat="b-0017"), receipt(ask=((EPOCH, 2, 2),))],
        "refused": [
            {"why": "signature", **receipt(whole, key="command-silence")},
            {"why": "unknown", **receipt(whole, kid="command-silence-1", key="command-silence")},
            {"why": "unknown", **receipt(whole, kid="receipt-2")},
            {"why": "not", "jws": receipt(whole)["jws"].replace(".", "")},
            {"why": "larger", "jws": receipt(whole)["jws"] + "A" * 16384},
            {"why": "header", **headed(alg="EdDSA", crit=["exp"], kid="receipt-1")},
            {"why": "algorithm", **headed(alg="none", kid="receipt-1")},
            {"why": "box", **receipt(whole, box=OTHER)},
            {"why": "events", **receipt(claims(1, 3, Epoch("00000001")))},
            {"why": "head", **receipt(claims(1, 4))},
            {"why": "range", **receipt(claims(3, 1))},
            {"why": "range", **receipt(claims(1, 1, times=65))},
            {"why": "digest", **receipt(wrong)},
        ],
    }


def _commands() -> dict[str, Any]:
    now = PRESSED_NS // 10**9

    def command(
        name: str, args: dict[str, str | int], *keys: str, box: BoxId = BOX, nonce: str = "n-5c2a", life_s: int = 60,
        by: str = "Sari", **more: int,
    ) -> dict[str, Any]:  # fmt: skip
        said = Command(box, "4be1c7a90d2f6e83", nonce, now + life_s, name, args, by)
        payload = {**json.loads(encode(said)), **more}
        raw = canonical(payload)
        kids = {"command-silence": "command-silence-1", "command-sound": "command-sound-1", "config": "config-1"}
        for key in keys:
            raw = sign_jws(raw, kids.get(key, "command-sound-2"), KEYS[key])
        return {"payload": payload, "jws": raw.decode()}

    sound: dict[str, str | int] = {"pattern": "jateng.titir", "duration": 60}
    both = ("command-sound", "command-sound-second")
    alarm: dict[str, str | int] = {"alarm": f"{EPOCH}.1"}
    hush = command("silence", alarm, "command-silence")
    short: dict[str, str | int] = {**sound, "duration": 20}
    return {
        "nonce": "n-5c2a",
        "now": now,
        "accepted": [
            command("silence", {"alarm": f"{EPOCH}.1"}, "command-silence"),
            command("acknowledge", {"alarm": f"{EPOCH}.1", "ticket": "T-17"}, "command-silence"),
            command("bypass", {"zone": "masjid", "duration": 3600}, "command-silence"),
            command("sound", {"pattern": "jateng.titir", "duration": 30}, "command-sound"),
            command("sound", sound, *both),
            command("self-test", {}, "command-sound"),
            command("squawk", {}, "command-sound"),
            command("identify", {}, "command-silence"),
            command("diag", {}, "command-silence"),
            command("snapshot", {"camera": "pos"}, "command-silence"),
            command("config", {"overlay": '[panel]\nprofile = "polri"\n'}, "config"),
        ],
        "refused": [
            {"why": "signatures", **command("sound", sound, "command-sound")},
            {"why": "name", **command("sound", sound, "command-silence")},
            {"why": "key", **command("sound", sound, "command-sound", "command-sound")},
            {"why": "key", **command("silence", {"alarm": f"{EPOCH}.1"}, "receipt")},
            {"why": "args", **command("sound", {"pattern": "jateng.titir", "duration": 181}, *both)},
            {"why": "args", **command("silence", {}, "command-silence")},
            {"why": "args", **command("silence", alarm, "command-silence", by=" ")},
            {"why": "size", **command("silence", {"alarm": "x" * 4096}, "command-silence")},
            {"why": "not", **command("silence", alarm, "command-silence", later=1)},
            {"why": "name", **command("format", {}, "command-silence")},
            {"why": "name", **command("config", {"overlay": ""}, "command-silence")},
            {"why": "args", **command("config", {"overlay": "#" * 2049}, "config")},
            {"why": "key", **command("sound", sound, "command-sound", "command-silence")},
            {"why": "key", "jws": hush["jws"].replace(".", "")},
            {"why": "box", **command("silence", alarm, "command-silence", box=OTHER)},
            {"why": "nonce", **command("silence", alarm, "command-silence", nonce="n-0000")},
            {"why": "repeated", **hush, "after": hush["jws"]},
            {"why": "expired", **command("silence", alarm, "command-silence", life_s=-1)},
            {"why": "expired", **command("silence", alarm, "command-silence", life_s=121)},
            {"why": "policy", **command("sound", short, "command-sound"), "policy": {"sound": False}},
            {"why": "policy", **command("self-test", {}, "command-sound"), "policy": {"sound": False}},
            {
                "why": "policy",
                **command("bypass", {"zone": "masjid", "duration": 3600}, "command-silence"),
                "policy": {"bypass": False},
            },
            {"why": "pattern", **command("sound", {**short, "pattern": "jateng.dangdut"}, "command-sound")},
        ],
    }


def _sms() -> dict[str, Any]:
    """`told`: what the box has sent, oldest first; the answers are to these."""

    def telegram(seq: int, call: Call, zone: str = "pos-ronda", at_s: int | None = 47_122) -> str:
        return tell(Telegram(BOX, EventId(EPOCH, seq), call, ZoneId(zone), at_s), KEYS["box"])

    told = [
        telegram(1, Call.CRIME),
        telegram(1, Call.RESTORAL),
        telegram(4, Call.SILENT, "warung", None),
        telegram(9_999_999_999, Call.DISASTER, "balai-warga-rw10", 86_399),
    ]
    first, *_, last = nonces = [nonce_of(text) for text in told]
    hush = sign_order(BOX, first, "silence", "Sari", KEYS["command-silence"])
    taken = sign_order(BOX, last, "acknowledge", "budi.santoso-2", KEYS["command-silence"], ticket="2026/11/23-00017")
    stored = sign_receipt(BOX, [first], KEYS["receipt"])
    return {
        "rule": "sig = base64url(Ed25519 over 'kentongan/sms/v1' LF and all before the last space)",
        "told": [{"text": text, "septets": len(text), "nonce": nonce_of(text)} for text in told],
        "told_refused": [
            {"why": "signature", "text": told[0].replace("pos-ronda", "pos-rondb")},
            {"why": "not", "text": told[0].replace("crime", "panic")},
            {"why": "not", "text": f"{told[0]} "},
            {"why": "size", "text": told[0] + "x" * 30},
        ],
        "accepted": [
            {"text": text, "septets": len(text), "says": says}
            for text, says in (
                (stored, {"stored": [first]}),
                (sign_receipt(BOX, nonces, KEYS["receipt"]), {"stored": nonces}),
                (hush, {"name": "silence", "args": {"alarm": f"{EPOCH}.1"}, "by": "Sari"}),
                (
                    sign_order(BOX, last, "silence", "budi.santoso-2", KEYS["command-silence"]),
                    {"name": "silence", "args": {"alarm": f"{EPOCH}.9999999999"}, "by": "budi.santoso-2"},
                ),
                (
                    taken,
                    {
                        "name": "acknowledge",
                        "args": {"alarm": f"{EPOCH}.9999999999", "ticket": "2026/11/23-00017"},
                        "by": "budi.santoso-2",
                    },
                ),
            )
        ],
        "refused": [
            {"why": "size", "text": taken + "x"},
            {"why": "not", "text": hush.replace("silence", "sound")},
            {"why": "not", "text": stored.replace(" ", "  ", 1)},
            {"why": "box", "text": sign_receipt(OTHER, [first], KEYS["receipt"])},
            {"why": "box", "text": sign_order(OTHER, first, "silence", "Sari", KEYS["command-silence"])},
            {"why": "nonce", "text": sign_receipt(BOX, ["AAAAAAAAAAAA"], KEYS["receipt"])},
            {"why": "nonce", "text": sign_order(BOX, "AAAAAAAAAAAA", "silence", "Sari", KEYS["command-silence"])},
            {"why": "key", "text": sign_receipt(BOX, [first], KEYS["command-silence"])},
            {"why": "key", "text": sign_order(BOX, first, "silence", "Sari", KEYS["command-sound"])},
            {"why": "key", "text": hush.replace("Sari", "Sara")},
            {"why": "repeated", "text": hush, "after": hush},
        ],
    }


def _root(value: Keyset | Binding) -> str:
    return sign_by_root(value, KEYS["root"]).decode()


def _payload(jws: str) -> bytes:
    return unb64(jws.split(".")[1])
