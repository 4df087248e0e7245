"""The short forms: what fits 160 septets is exact, signed, said once, and nothing else is believed."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.orders import Policy, wish_of
from edge.core.seal import CentreKey, Forged, Keyset, Signer, Use, b64, sign_jws, verify
from edge.core.sms import (
    DOMAIN,
    NONCE_LETTERS,
    ORDER_LIFE_NS,
    ORDERS_LIMIT,
    RECEIPTED_LIMIT,
    REMEMBERED,
    SEPTETS,
    Answers,
    Call,
    Telegram,
    box_of,
    call_of,
    nonce_of,
    read_told,
    sign_order,
    sign_receipt,
    tell,
)
from edge.core.words import Acknowledge, BoxId, Epoch, EventId, Kind, Operator, Silence, ZoneId

GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # 3GPP TS 23.038, 6.2.1; what is not here costs two septets or cannot be said
BOX, OTHER = BoxId("ktg-k7q2m7xa"), BoxId("ktg-zzzzzzzz")
KEYS = {name: Signer(bytes([number] * 32)) for number, name in enumerate(("box", "old", "receipt", "silence", "sound"))}
KEYSET = Keyset(
    1,
    tuple(
        CentreKey(kid, use, b64(KEYS[kid].public), 0, 2**40)
        for kid, use in (
            ("old", Use.RECEIPT),
            ("receipt", Use.RECEIPT),
            ("silence", Use.COMMAND_SILENCE),
            ("sound", Use.COMMAND_SOUND),
        )
    ),
)
PRESS = Telegram(BOX, EventId(Epoch("7c1f0b2e"), 4711), Call.CRIME, ZoneId("pos-ronda"), 47_122)
LONGEST = Telegram(BOX, EventId(Epoch("7c1f0b2e"), 9_999_999_999), Call.DISASTER, ZoneId("a" * 16), 86_399)
TOLD = tell(PRESS, KEYS["box"])
NONCE = nonce_of(TOLD)

telegrams = st.builds(
    Telegram,
    st.from_regex(r"ktg-[a-z0-9]{8}", fullmatch=True).map(BoxId),
    st.builds(EventId, st.from_regex(r"[0-9a-f]{8}", fullmatch=True).map(Epoch), st.integers(1, 9_999_999_999)),
    st.sampled_from(Call),
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?", fullmatch=True).map(ZoneId),
    st.none() | st.integers(0, 86_399),
)
names = st.from_regex(r"[A-Za-z0-9._-]{1,14}", fullmatch=True)
tickets = st.from_regex(r"[A-Za-z0-9._/-]{1,16}", fullmatch=True)


def answers(*told: str) -> Answers:
    memory = Answers(BOX)
    for text in told or (TOLD,):
        memory.sent(text, 0)
    return memory


def receipt(nonces: list[str], key: str = "receipt", box: BoxId = BOX) -> str:
    return sign_receipt(box, nonces, KEYS[key])


def order(name: str = "silence", key: str = "silence", by: str = "Sari", ticket: str = "", nonce: str = NONCE) -> str:
    return sign_order(BOX, nonce, name, by, KEYS[key], ticket=ticket)


def refusal(text: str, memory: Answers | None = None, now_ns: int = 0) -> str:
    """The first word with which the box refuses it, as a receipt or an order."""
    memory = memory or answers()
    ask = partial(memory.receipt, text) if text.startswith("KTR") else partial(memory.command, text, now_ns)
    with pytest.raises(Forged) as caught:
        ask(KEYSET)
    return str(caught.value).partition(" ")[0].rstrip(":")


def fits(text: str) -> bool:
    return len(text) <= SEPTETS and set(text) <= GSM7


# ---- what the box says -----------------------------------------------------------------------------------------------


@given(telegrams)
def test_whatever_the_box_says_fits_and_is_read_as_it_was_said(telegram: Telegram) -> None:
    text = tell(telegram, KEYS["box"])
    assert fits(text)
    assert read_told(text, KEYS["box"].public) == telegram
    assert box_of(text) == telegram.box


def test_the_longest_of_each_fits() -> None:
    told = [tell(replace(LONGEST, alarm=EventId(LONGEST.alarm.epoch, 10**10 - 1 - n)), KEYS["box"]) for n in range(4)]
    nonces = [nonce_of(text) for text in told]
    longest = [
        told[0],
        receipt(nonces),
        order("silence", by="b" * 14),
        order("acknowledge", by="b" * 14, ticket="T" * 16),
    ]
    assert [len(text) for text in longest] == [156, 155, 139, 160]
    assert all(map(fits, longest))
    assert len(nonces) == RECEIPTED_LIMIT


@pytest.mark.parametrize(
    "change",
    [
        {"box": BoxId("ktg-K7Q2M7XA")},
        {"zone": ZoneId("a" * 17)},
        {"zone": ZoneId("pos ronda")},
        {"zone": ZoneId("pos€ronda")},
        {"alarm": EventId(Epoch("7c1f0b2e"), 10**10)},
        {"alarm": EventId(Epoch("7c1f0b2e"), 0)},
        {"at_s": 86_400},
        {"at_s": -1},
    ],
)
def test_what_has_no_short_form_is_not_said(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no short form"):
        tell(replace(PRESS, **change), KEYS["box"])  # type: ignore[arg-type]  # one member at a time


def test_no_wrong_second_is_said_by_a_clock_that_nobody_trusts() -> None:
    assert " ------ " in tell(replace(PRESS, at_s=None), KEYS["box"])


def test_every_kind_has_its_word_and_a_silent_zone_one_of_its_own() -> None:
    assert [call_of(kind, silent=False).value for kind in Kind] == [kind.value for kind in Kind]
    assert {call_of(kind, silent=True) for kind in Kind} == {Call.SILENT}


@given(st.data())
def test_no_altered_letter_of_a_telegram_is_believed(data: st.DataObject) -> None:
    with pytest.raises(Forged):
        read_told(altered(TOLD, data), KEYS["box"].public)


def test_another_boxs_key_reads_nothing() -> None:
    with pytest.raises(Forged, match=r"^signature"):
        read_told(TOLD, KEYS["old"].public)


def altered(text: str, data: st.DataObject) -> str:
    """One letter replaced, dropped or put in; or the same words in another form."""
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from(sorted(GSM7)) | st.characters())
    made = data.draw(
        st.sampled_from(
            [text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + letter + text[at:]]
        )
    )
    return made if made != text else text + " "


# ---- what the centre answers -----------------------------------------------------------------------------------------


def test_a_receipt_names_what_is_stored_as_often_as_it_likes() -> None:
    memory = answers()
    assert [memory.receipt(receipt([NONCE]), KEYSET) for _ in range(3)] == [(NONCE,)] * 3


def test_one_receipt_answers_four_and_passes_over_what_is_forgotten() -> None:
    second = tell(replace(PRESS, call=Call.RESTORAL), KEYS["box"])
    nonces = [NONCE, "A" * NONCE_LETTERS, nonce_of(second), "B" * NONCE_LETTERS]
    assert answers(TOLD, second).receipt(receipt(nonces), KEYSET) == (NONCE, nonce_of(second))


def test_while_keys_are_rotated_both_are_believed_and_told_apart() -> None:
    assert answers().receipt(receipt([NONCE], "old"), KEYSET) == (NONCE,)
    _, kid = answers().command(order(), 0, KEYSET)
    assert kid == "silence"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (order(), Silence("7c1f0b2e.4711", Operator("Sari", "centre", ("silence",)))),
        (
            order("acknowledge", ticket="T-17/a"),
            Acknowledge("7c1f0b2e.4711", "T-17/a", Operator("Sari", "centre", ("silence",))),
        ),
    ],
)
def test_an_order_asks_what_the_same_order_by_the_network_asks(text: str, asked: object) -> None:
    command, kid = answers().command(text, 0, KEYSET)
    assert wish_of(command, Policy(), keys=(kid,)) == asked


def test_an_order_is_taken_once_also_when_its_message_went_out_again() -> None:
    memory = answers()
    memory.command(order(), 0, KEYSET)
    assert refusal(order(), memory) == "repeated"
    memory.sent(TOLD, 1)
    assert refusal(order(), memory) == "repeated"


def test_orders_under_one_nonce_have_names_of_their_own() -> None:
    memory = answers()
    said = (order(), order("acknowledge", ticket="T-17"), order("acknowledge", ticket="T-18"))
    assert len({memory.command(text, 0, KEYSET)[0].jti for text in said}) == 3


def test_orders_that_cannot_be_remembered_are_refused() -> None:
    memory = answers()
    for number in range(ORDERS_LIMIT):
        memory.command(order("acknowledge", ticket=f"T-{number}"), 0, KEYSET)
    assert refusal(order(), memory) == "rate"
    assert refusal(order("acknowledge", ticket="T-0"), memory) == "repeated"


def test_an_order_that_comes_late_is_refused_and_a_receipt_never_is_late() -> None:
    memory = answers()
    assert refusal(order(), memory, ORDER_LIFE_NS + 1) == "expired"
    memory.command(order(), ORDER_LIFE_NS, KEYSET)
    assert memory.receipt(receipt([NONCE]), KEYSET) == (NONCE,)


def test_of_many_messages_the_oldest_can_no_longer_be_answered() -> None:
    memory = answers()
    for seq in range(1, REMEMBERED + 1):
        memory.sent(tell(replace(PRESS, alarm=EventId(Epoch("7c1f0b2e"), seq)), KEYS["box"]), 0)
    assert refusal(order(), memory) == "nonce"
    assert len(memory._sent) == len(memory._order) == REMEMBERED


def test_an_answer_recorded_once_is_worth_nothing_for_the_next_alarm() -> None:
    """Who can send messages plays the centre's old words to a box whose siren sounds again."""
    later = tell(replace(PRESS, alarm=EventId(Epoch("7c1f0b2e"), 4712)), KEYS["box"])
    assert {refusal(order(), answers(later)), refusal(receipt([NONCE]), answers(later))} == {"nonce"}


WRONG = [
    (receipt([NONCE], box=OTHER), "box"),
    (receipt([NONCE], "silence"), "key"),
    (receipt([NONCE], "box"), "key"),
    (order(key="receipt"), "key"),
    (order(key="sound"), "key"),
    (receipt([NONCE]).replace("KTR", "KTG"), "not"),
    (receipt([NONCE]) + " ", "not"),
    (receipt([NONCE]) + "\n", "not"),
    (receipt([NONCE]).replace(" ", "  ", 1), "not"),
    (f"KTR {BOX} {NONCE} {b64(bytes(63))}", "not"),
    (receipt([NONCE]).lower(), "not"),
    (order() + "x" * 100, "size"),
    (order().replace("silence", "sound"), "not"),
    (order("acknowledge", ticket="T-17").replace(" T-17", ""), "not"),
    ("", "not"),
    ("KTR " + "é" * 200, "size"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_what_is_wrong_in_one_thing_is_refused_for_it(text: str, reason: str) -> None:
    memory = answers()
    assert refusal(text, memory) == reason
    memory.command(order(), 0, KEYSET)  # and what was refused used up nothing


@given(st.data(), st.sampled_from([order(), order("acknowledge", ticket="T-17"), receipt([NONCE])]))
def test_no_altered_letter_of_an_answer_is_believed(data: st.DataObject, text: str) -> None:
    refusal(altered(text, data))


@given(st.text(max_size=200) | st.text(sorted(GSM7), max_size=170) | st.sampled_from([TOLD]))
def test_garbage_is_refused(text: str) -> None:
    refusal(text)
    refusal("KTR" + text)


@given(names, tickets, st.integers(1, RECEIPTED_LIMIT))
def test_whatever_the_centre_says_fits_and_is_understood(by: str, ticket: str, many: int) -> None:
    told = [tell(replace(PRESS, alarm=EventId(Epoch("7c1f0b2e"), seq)), KEYS["box"]) for seq in range(1, many + 1)]
    nonces = [nonce_of(text) for text in told]
    taken, hushed, stored = order("acknowledge", by=by, ticket=ticket, nonce=nonces[0]), order(by=by), receipt(nonces)
    assert fits(taken)
    assert fits(hushed)
    assert fits(stored)
    memory = answers(TOLD, *told)
    assert memory.receipt(stored, KEYSET) == tuple(nonces)
    command, _ = memory.command(taken, 0, KEYSET)
    assert (command.by, command.args) == (by, {"alarm": "7c1f0b2e.1", "ticket": ticket})
    assert memory.command(hushed, 0, KEYSET)[0].args == {"alarm": "7c1f0b2e.4711"}


@pytest.mark.parametrize(
    ("by", "ticket"), [("Bu Siti", "T-17"), ("", "T-17"), ("b" * 15, "T-17"), ("Sari", "T" * 17), ("Sari", "T 17")]
)
def test_what_no_order_can_hold_is_not_signed(by: str, ticket: str) -> None:
    with pytest.raises(ValueError, match="no short form"):
        order("acknowledge", by=by, ticket=ticket)


def test_a_receipt_holds_one_to_four() -> None:
    for nonces in ([], ["A" * NONCE_LETTERS] * (RECEIPTED_LIMIT + 1), ["short"]):
        with pytest.raises(ValueError, match="no short form"):
            receipt(nonces)


def test_a_signature_of_another_form_is_none_here_and_the_other_way_round() -> None:
    """What is signed begins with a domain that no JWS and no event has."""
    said, sig = order().rsplit(" ", 1)
    jws = sign_jws(said.encode(), "silence", KEYS["silence"]).decode()
    assert refusal(f"{said} {jws.rpartition('.')[2]}") == "key"
    bare = b64(KEYS["silence"].sign(said.encode()))
    assert refusal(f"{said} {bare}") == "key"
    assert sig != bare
    assert not b"ey".startswith(DOMAIN[:2])
    with pytest.raises(Forged):
        verify(KEYS["silence"].public, KEYS["silence"].sign(DOMAIN + said.encode()), said.encode())
