from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.messages import (
    RANGES_LIMIT,
    Beat,
    Command,
    Have,
    Receipt,
    Reply,
    decode,
    digest_of,
    encode,
    read_beat,
    read_reply,
    sign_beat,
    sign_reply,
)
from edge.core.seal import Forged, Signer
from edge.core.words import BoxId, Epoch

SIGNER = Signer(bytes(range(32)))
BOX = BoxId("ktg-k7q2m9xa")
EPOCH = Epoch("7c1f0b2e")
BEAT = Beat(BOX, "n1", EPOCH, 3, 17, "2026-11-23T13:05:22.417Z", "synced", 2)
COMMAND = Command(BOX, "j1", "n1", 1_800_000_000, "silence", {"alarm": "7c1f0b2e.4"}, "Sari")

READERS: tuple[Callable[[bytes], object], ...] = (
    lambda raw: decode(raw, Receipt),
    lambda raw: decode(raw, Command),
    lambda raw: decode(raw, Beat),
    lambda raw: decode(raw, Reply),
)


def test_a_receipt_survives_its_bytes() -> None:
    receipt = Receipt(BOX, "pusat", "2026-11-23T13:05:23.000Z", (Have(EPOCH, ((1, 3), (5, 5)), "d"),), beat="n1")
    assert decode(encode(receipt), Receipt) == receipt


def test_unknown_members_are_ignored_in_a_receipt_and_refused_in_a_command() -> None:
    receipt = encode(Receipt(BOX, "pusat", "t"))[:-1] + b',"later":1}'
    assert decode(receipt, Receipt).receiver == "pusat"
    with pytest.raises(Forged):
        decode(encode(COMMAND)[:-1] + b',"later":1}', Command)


def test_more_ranges_than_allowed_are_refused() -> None:
    ranges = tuple((2 * n + 1, 2 * n + 1) for n in range(RANGES_LIMIT + 1))
    with pytest.raises(Forged, match=r"^range: more than 64"):
        decode(encode(Receipt(BOX, "pusat", "t", (Have(EPOCH, ranges, "d"),))), Receipt)


@given(st.binary(max_size=200))
def test_garbage_is_refused(raw: bytes) -> None:
    for read in READERS:
        with pytest.raises(Forged):
            read(raw)


def test_beat_and_reply_are_believed_only_with_the_boxs_signature() -> None:
    reply = Reply(BOX, "j1", "done", "silence")
    assert read_beat(sign_beat(BEAT, SIGNER), SIGNER.public) == BEAT
    assert read_reply(sign_reply(reply, SIGNER), SIGNER.public) == reply
    with pytest.raises(Forged):
        read_beat(encode(BEAT), SIGNER.public)
    with pytest.raises(Forged):
        read_beat(sign_beat(BEAT, Signer(bytes(32))), SIGNER.public)


@given(st.data())
def test_no_altered_byte_of_a_beat_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(sign_beat(BEAT, SIGNER))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Forged):
        read_beat(bytes(raw), SIGNER.public)


def test_the_digest_depends_on_order_and_content() -> None:
    one, two = bytes(32), bytes(range(32))
    assert digest_of([one, two]) != digest_of([two, one])
    assert digest_of([]) == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # SHA-256 of nothing
