"""Whose word the box takes: everything that is not exactly right is refused, with the reason that is audited."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.messages import COMMAND_LIMIT, Command, Receipt, encode
from edge.core.seal import CentreKey, Forged, Keyset, Signer, Use, b64, sign_jws, unb64
from edge.core.words import SECOND_NS, BoxId
from edge.daemons.alarm.gate import JTIS_LIMIT, NONCE_LIFE_NS, ORDERING, PREVIOUS_NONCE_NS, RENEW_JTIS, Believed, Gate
from edge.daemons.alarm.keyring import Keyring

BOX = BoxId("ktg-k7q2m9xa")
KEYS = {use: Signer(bytes([number] * 32)) for number, use in enumerate(Use, 1)}
KEYSET = Keyset(1, tuple(CentreKey(f"{use}-1", use, b64(signer.public), 0, 2**40) for use, signer in KEYS.items()))
UTC_S = 1_800_000_000
GOOD = Command(BOX, "j1", "nonce-1", UTC_S + 60, "silence", {"alarm": "7c1f0b2e.4"}, "Sari")
RECEIPT = Receipt(BOX, "pusat", "2026-11-23T13:05:23.000Z")
DEEP = b"[" * 1000 + b"]" * 1000


def gate() -> Gate:
    tokens = iter(f"nonce-{number}" for number in range(1, 100))
    made = Gate(BOX, Keyring(BOX, KEYSET, None, None), tokens.__next__)
    made.renew(0)
    return made


def by(use: Use, payload: bytes) -> bytes:
    return sign_jws(payload, f"{use}-1", KEYS[use])


def order(command: Command = GOOD, use: Use = Use.COMMAND_SILENCE) -> bytes:
    return by(use, encode(command))


def refused(gate: Gate, raw: bytes, now_ns: int = 0, utc_s: int | None = UTC_S) -> str:
    with pytest.raises(Forged) as caught:
        gate.command(raw, now_ns, utc_s)
    return str(caught.value)


def test_the_right_command_is_taken_once() -> None:
    door = gate()
    assert door.command(order(), 0, UTC_S) == Believed(GOOD, ("command-silence-1",))
    assert refused(door, order()) == "repeated: seen before"
    other = order(replace(GOOD, args={"alarm": "7c1f0b2e.5"}))
    assert refused(door, other).startswith("repeated")  # a name used once is used, whatever else it says


WRONG = [
    (order(replace(GOOD, box=BoxId("ktg-zzzzzzzz"))), "box"),
    (order(replace(GOOD, nonce="nonce-0")), "nonce"),
    (order(replace(GOOD, nonce="")), "nonce"),
    (order(replace(GOOD, exp=UTC_S - 1)), "expired"),
    (order(replace(GOOD, exp=-(2**53) + 1)), "expired"),
    (order(replace(GOOD, exp=UTC_S + 121)), "expired"),
    (order(replace(GOOD, name="sound")), "name"),
    (order(replace(GOOD, name="")), "name"),
    *((order(use=use), "key") for use in Use if use not in ORDERING),
    (order(use=Use.COMMAND_SOUND), "name"),
    (order(replace(GOOD, name="sound", args={}), Use.COMMAND_SILENCE), "name"),
    (by(Use.COMMAND_SILENCE, order()), "key: the second signature"),
    (by(Use.COMMAND_SOUND, order()), "key: the second signature"),
    (by(Use.COMMAND_SILENCE, order()[:-3]), "key"),
    (by(Use.COMMAND_SILENCE, by(Use.COMMAND_SILENCE, order())), "key"),
    (sign_jws(encode(GOOD), "command-silence-1", KEYS[Use.RECEIPT]), "key"),
    (order(replace(GOOD, args={"alarm": "x" * COMMAND_LIMIT})), "size"),
    (by(Use.COMMAND_SILENCE, encode(RECEIPT)), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD)[:-1] + b',"later":1}'), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD).replace(b'"7c1f0b2e.4"', DEEP)), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD).replace(b'"7c1f0b2e.4"', b"1.5")), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD).replace(b"1800000060", b"NaN")), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD).replace(b"1800000060", b"true")), "not a command"),
    (by(Use.COMMAND_SILENCE, encode(GOOD).replace(b"Sari", b"\\ud800")), "not a command"),
    (by(Use.COMMAND_SILENCE, b"\xff\xfe"), "not a command"),
]


@pytest.mark.parametrize(("raw", "reason"), WRONG)
def test_what_is_wrong_in_one_thing_is_refused_for_it(raw: bytes, reason: str) -> None:
    door = gate()
    assert refused(door, raw).startswith(reason)
    assert door.command(order(), 0, UTC_S) == Believed(
        GOOD, ("command-silence-1",)
    )  # and what was refused used up nothing


def test_a_member_said_twice_counts_as_it_stands_last() -> None:
    raw = encode(GOOD)
    assert refused(gate(), by(Use.COMMAND_SILENCE, raw[:-1] + b',"box":"ktg-zzzzzzzz"}')).startswith("box")
    assert refused(gate(), by(Use.COMMAND_SILENCE, raw[:-1] + b',"name":"sound"}')).startswith("name")


def test_a_nonce_dies_a_minute_after_the_next_and_its_commands_with_it() -> None:
    door = gate()
    door.command(order(), 0, UTC_S)
    door.renew(SECOND_NS)
    second = order(replace(GOOD, jti="j2"))
    assert door.command(second, SECOND_NS + PREVIOUS_NONCE_NS, UTC_S).command.jti == "j2"
    late = SECOND_NS + PREVIOUS_NONCE_NS + 1
    for raw in (order(), second, order(replace(GOOD, jti="j3"))):
        assert refused(door, raw, late).startswith("nonce")


def test_without_a_trusted_clock_the_nonce_alone_is_its_life() -> None:
    assert gate().command(order(replace(GOOD, exp=0)), 0, None).command.exp == 0


def test_what_is_remembered_does_not_grow_with_connections() -> None:
    door = gate()
    for number in range(1, 90):
        now_ns = number * 120 * SECOND_NS
        door.renew(now_ns)
        door.command(order(replace(GOOD, jti=f"j{number}", nonce=door.nonce)), now_ns, UTC_S)
    assert len(door._nonces) <= 2
    assert len(door._seen) <= 2


def ordered(door: Gate, jtis: range, now_ns: int = 0) -> None:
    for number in jtis:
        door.command(order(replace(GOOD, jti=f"j{number}", nonce=door.nonce)), now_ns, UTC_S)


def test_more_orders_than_can_be_remembered_are_refused_and_none_is_forgotten() -> None:
    door = gate()
    ordered(door, range(JTIS_LIMIT))
    assert refused(door, order(replace(GOOD, jti="one more"))).startswith("rate")
    assert refused(door, order(replace(GOOD, jti="j0"))).startswith("repeated")
    assert len(door._seen) == JTIS_LIMIT


def test_a_connection_that_lasts_gets_a_new_nonce_before_its_orders_are_too_many() -> None:
    door = gate()
    ordered(door, range(RENEW_JTIS - 1))
    assert not door.stale(0, clocked=True)
    ordered(door, range(RENEW_JTIS, RENEW_JTIS + 1))
    assert door.stale(0, clocked=True)
    door.renew(0)
    assert not door.stale(0, clocked=True)  # at once again would be a new nonce at every turn of the loop
    after_ns = PREVIOUS_NONCE_NS + 1
    ordered(door, range(JTIS_LIMIT, JTIS_LIMIT + 10), after_ns)
    assert len(door._seen) == 10


def test_without_a_trusted_clock_a_nonce_grows_old() -> None:
    door = gate()
    assert not door.stale(NONCE_LIFE_NS, clocked=False)
    assert door.stale(NONCE_LIFE_NS + 1, clocked=False)
    assert not door.stale(NONCE_LIFE_NS + 1, clocked=True)


@pytest.mark.parametrize("use", [use for use in Use if use is not Use.RECEIPT])
def test_a_receipt_is_the_receipt_keys_alone_and_for_this_box(use: Use) -> None:
    assert gate().receipt(by(Use.RECEIPT, encode(RECEIPT))) == RECEIPT
    for raw in (by(use, encode(RECEIPT)), by(Use.RECEIPT, encode(replace(RECEIPT, box=BoxId("ktg-zzzzzzzz"))))):
        with pytest.raises(Forged):
            gate().receipt(raw)


def altered(raw: bytes, data: st.DataObject) -> bytes:
    """The same JWS with bits flipped in one of its decoded parts, spelled canonically again; or cut, or spliced."""
    parts = raw.split(b".")
    which = data.draw(st.integers(0, 2))
    part = bytearray(unb64(parts[which]))
    part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    parts[which] = b64(bytes(part)).encode()
    return b".".join(parts)


@given(st.data())
def test_no_altered_bit_of_a_command_or_receipt_is_believed(data: st.DataObject) -> None:
    refused(gate(), altered(order(), data))
    with pytest.raises(Forged):
        gate().receipt(altered(by(Use.RECEIPT, encode(RECEIPT)), data))


@given(st.binary(max_size=200) | st.lists(st.binary(max_size=60).map(b64), min_size=3, max_size=3).map(".".join))
def test_garbage_is_refused(raw: bytes | str) -> None:
    raw = raw.encode() if isinstance(raw, str) else raw
    refused(gate(), raw)
    with pytest.raises(Forged):
        gate().receipt(raw)


@given(st.binary(max_size=300))
def test_garbage_that_the_centre_signed_is_refused(payload: bytes) -> None:
    refused(gate(), by(Use.COMMAND_SILENCE, payload))
    with pytest.raises(Forged):
        gate().receipt(by(Use.RECEIPT, payload))


def test_a_second_operators_key_over_the_first_ones_order_counts_as_two() -> None:
    second = Signer(bytes([99] * 32))
    keys = (*KEYSET.keys, CentreKey("sound-2", Use.COMMAND_SOUND, b64(second.public), 0, 2**40))
    door = Gate(BOX, Keyring(BOX, Keyset(2, keys), None, None), iter(["nonce-1"]).__next__)
    door.renew(0)
    sound = replace(GOOD, name="sound", args={"pattern": "jateng.titir", "duration": 60})
    assert door.command(sign_jws(order(sound, Use.COMMAND_SOUND), "sound-2", second), 0, UTC_S) == Believed(
        sound, ("command-sound-1", "sound-2")
    )


@given(st.binary(max_size=600))
def test_no_bytes_under_a_second_signature_get_through_or_break_it(inner: bytes) -> None:
    refused(gate(), by(Use.COMMAND_SOUND, b"ey" + inner))
