"""A receipt names exactly what was stored, within its limits, and proves which bytes."""

import hashlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers.letters import Dispatch
from edge.centre.receipts import Receipts, Tally, ranges
from edge.centre.trust import CentreSigner
from edge.core.messages import RANGES_LIMIT, Have, Receipt, decode, digest_of
from edge.core.seal import Signer, open_jws
from edge.core.words import BoxId, Epoch, EventId

BOX = BoxId("ktg-k7q2m9xa")
SIGNER = Signer(bytes(range(32)))
RECEIPTS = Receipts(CentreSigner("receipt-1", SIGNER), "Pusat Uji")


def opened(dispatch: Dispatch) -> Receipt:
    return decode(open_jws(dispatch.raw, {"receipt-1": SIGNER.public}.get), Receipt)


def written(tally: Tally) -> list[Receipt]:
    return [opened(dispatch) for dispatch in RECEIPTS.write(BOX, tally, "2026-11-23T13:05:22.417Z")]


def raw(epoch: str, seq: int) -> bytes:
    return f"{epoch}.{seq}".encode()


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


@given(st.sets(st.integers(1, 400)))
def test_ranges_hold_the_same_sequences_and_never_touch(sequences: set[int]) -> None:
    folded = list(ranges(sequences))
    assert {seq for first, last in folded for seq in range(first, last + 1)} == sequences
    assert all(first > before[1] + 1 for before, (first, _) in pairwise(folded))


@given(st.sets(st.tuples(st.sampled_from(["0000000a", "0000000b"]), st.integers(1, 500)), max_size=400))
def test_whatever_was_stored_is_claimed_once_within_the_limits_and_with_its_digest(
    stored: set[tuple[str, int]],
) -> None:
    tally = Tally()
    for epoch, seq in stored:
        tally.stored(EventId(Epoch(epoch), seq), raw(epoch, seq))

    receipts = written(tally)

    claimed = [(have.epoch, seq) for receipt in receipts for have in receipt.have for seq in sequences(have)]
    assert sorted(claimed) == sorted(stored)
    assert all(sum(len(have.ranges) for have in receipt.have) <= RANGES_LIMIT for receipt in receipts)
    for receipt in receipts:
        for have in receipt.have:
            assert have.digest == digest_of(sha(raw(have.epoch, seq)) for seq in sequences(have))


def sequences(have: Have) -> list[int]:
    return [seq for first, last in have.ranges for seq in range(first, last + 1)]


def test_two_epochs_that_together_pass_the_limit_are_two_receipts() -> None:
    tally = Tally()
    for epoch in ("0000000a", "0000000b"):
        for seq in range(1, 2 * 40, 2):
            tally.stored(EventId(Epoch(epoch), seq), raw(epoch, seq))
    assert [[len(have.ranges) for have in receipt.have] for receipt in written(tally)] == [[40], [40]]


def test_both_bytes_of_a_conflict_are_receipted_apart() -> None:
    tally = Tally()
    identity = EventId(Epoch("0000000a"), 1)
    for content in (b"one", b"two", b"one"):
        tally.stored(identity, content)
    (receipt,) = written(tally)
    assert sorted(have.digest for have in receipt.have) == sorted(
        digest_of([sha(content)]) for content in (b"one", b"two")
    )


def test_a_beat_is_answered_once_even_when_the_events_need_more_receipts() -> None:
    tally = Tally()
    tally.beat, tally.ask = "n", ((Epoch("0000000a"), 2, 2),)
    for seq in range(1, 400, 2):
        tally.stored(EventId(Epoch("0000000a"), seq), raw("0000000a", seq))
    receipts = written(tally)
    assert [receipt.beat for receipt in receipts] == ["n", None, None, None]
    assert [len(receipt.ask) for receipt in receipts] == [1, 0, 0, 0]


def test_a_receipt_names_box_receiver_and_topic() -> None:
    tally = Tally()
    tally.beat = "n"
    (dispatch,) = RECEIPTS.write(BOX, tally, "2026-11-23T13:05:22.417Z")
    assert dispatch.topic == f"kentongan/v1/{BOX}/receipt"
    assert not dispatch.retain
    receipt = opened(dispatch)
    assert (receipt.box, receipt.receiver, receipt.have) == (BOX, "Pusat Uji", ())
