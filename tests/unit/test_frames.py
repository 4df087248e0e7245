import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.delivery import Answer
from edge.core.words import Epoch, EventClass
from edge.link.frames import (
    ALLOWED,
    ASKS,
    FRAME_LIMIT,
    MARKED_LIMIT,
    MARKS_LIMIT,
    TYPES,
    Ask,
    BadFrame,
    Bytes,
    Done,
    Error,
    File,
    Frame,
    Health,
    Hello,
    Laid,
    LinkState,
    Mark,
    Marks,
    News,
    Papers,
    Picture,
    Pull,
    Put,
    Role,
    Row,
    Rows,
    Send,
    Speak,
    Status,
    Work,
    pack,
    unpack,
)

EPOCH = Epoch("00000001")
PICTURE = Picture(
    id="", alarm="00000001.7", jti="", camera="gerbang", taken_ns=2**62, boot="5f0e2a9c", frame=1, frames=3,
    sha256="ab" * 32, size=200_048, kid="picture-1",
)  # fmt: skip
EXAMPLES: list[Frame] = [
    Hello(),
    Pull("mqtt", (EventClass.ALARM, EventClass.AUDIT), 20),
    Papers({"own": 1_790_000_000}),
    Marks((Mark(EPOCH, 7, Answer.PUBLISHED, "0x00"), Mark(EPOCH, 8, Answer.NOBODY))),
    Bytes("receipt", b"a.b.c"),
    LinkState("mqtt", up=False, detail="connecting"),
    Ask("status", {"by": "teknisi"}),
    Laid("jti", "Sari", "trial", 7),
    Put("camera-event", "camera/gerbang", {"what": "motion", "active": True, "count": 3}),
    Health({"gerbang": "up"}),
    File(PICTURE),
    Done("jti", "unreachable"),
    Work("snapshot", {"alarm": "00000001.7", "camera": "", "kid": "picture-1"}, b"k" * 32),
    News(EventClass.ALARM),
    Rows((Row(EPOCH, 7, EventClass.ALARM, b"{}", durable=False),)),
    Speak("ktg-aaaaaaaa", b"{}", b"{}", "nonce"),
    Send("beat", b"{}", b"c"),
    Status(b'{"lamp":"siaga"}'),
    Error("E-LINK"),
]


@pytest.mark.parametrize("frame", EXAMPLES, ids=lambda frame: type(frame).__name__)
def test_a_frame_survives_its_bytes(frame: Frame) -> None:
    assert unpack(pack(frame)) == frame


def test_every_type_has_an_example_and_a_number() -> None:
    assert {type(frame) for frame in EXAMPLES} == set(TYPES.values())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("frame", EXAMPLES, ids=lambda frame: type(frame).__name__)
def test_a_role_says_only_what_its_table_allows(role: Role, frame: Frame) -> None:
    if type(frame) in ALLOWED[role]:
        assert unpack(pack(frame), role=role) == frame
    else:
        with pytest.raises(BadFrame):
            unpack(pack(frame), role=role)


def test_nobody_may_say_to_alarm_what_alarm_says() -> None:
    spoken = {News, Rows, Speak, Send, Status, Error, Work}
    assert not any(spoken & allowed for allowed in ALLOWED.values())


def test_only_bearers_touch_rows_and_only_people_ask() -> None:
    assert {role for role in Role if Marks in ALLOWED[role]} == {Role.RELAY, Role.SMS}
    assert {role for role in Role if "silence" in ASKS.get(role, ())} == {Role.PAGE, Role.CLI}
    assert {role for role in Role if Ask in ALLOWED[role]} == ASKS.keys()


def test_only_cameras_speak_of_cameras_and_of_nothing_else() -> None:
    assert ALLOWED[Role.CAMERAS] == {Hello, Put, Health, File, Done}
    assert not any({Put, Health, File, Done} & ALLOWED[role] for role in Role if role is not Role.CAMERAS)


@pytest.mark.parametrize("value", [1.5, None, [1], {"a": 1}, b"x"])
def test_an_observation_is_flat_and_without_floats(value: object) -> None:
    with pytest.raises(BadFrame):
        unpack(b"\x01\x09" + msgspec.msgpack.encode({"name": "camera", "subject": "x", "body": {"a": value}}))


def test_config_may_look_and_tell_of_its_overlay_and_do_no_more() -> None:
    assert unpack(pack(Ask("status", {})), role=Role.CONFIG) == Ask("status", {})
    with pytest.raises(BadFrame):
        unpack(pack(Ask("silence", {"alarm": "x"})), role=Role.CONFIG)
    assert {role for role in Role if Laid in ALLOWED[role]} == {Role.CONFIG}


@given(st.binary(max_size=400))
def test_garbage_is_a_bad_frame_and_nothing_else(raw: bytes) -> None:
    try:
        frame = unpack(raw)
    except BadFrame:
        return
    assert type(frame) in TYPES.values()


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=200))
def test_any_body_under_a_known_type(number: int, body: bytes) -> None:
    try:
        unpack(bytes((1, number)) + body)
    except BadFrame:
        return


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x01\x01", b"\x02\x01\x80", b"\x01\xff\x80", bytes(FRAME_LIMIT + 1)])
def test_what_is_too_short_too_long_or_unknown_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack(raw)


def test_deep_nesting_is_refused() -> None:
    deep = b"\x91" * 10_000
    with pytest.raises(BadFrame):
        unpack(b"\x01\x06" + b"\x82\xa4what\xa1x\xa4args\x81\xa1x" + deep + b"\xc0")


def test_a_frame_that_would_not_fit_is_not_sent() -> None:
    with pytest.raises(BadFrame):
        pack(Send("beat", bytes(FRAME_LIMIT)))


def test_a_full_frame_of_marks_fits() -> None:
    longest = Mark(EPOCH, 2**53, Answer.PUBLISHED, "the connection died of it, alone")
    assert len(pack(Marks((longest,) * MARKS_LIMIT))) <= FRAME_LIMIT


@pytest.mark.parametrize("counts", [(0,), (-1,), (MARKED_LIMIT + 1,), (MARKED_LIMIT, 1), (2**62,)])
def test_marks_of_no_rows_or_of_more_than_there_can_be_are_refused(counts: tuple[int, ...]) -> None:
    marks = Marks(tuple(Mark(EPOCH, 7, Answer.PUBLISHED, count=count) for count in counts))
    with pytest.raises(BadFrame):
        unpack(pack(marks), role=Role.RELAY)


def test_a_wrong_member_type_is_refused() -> None:
    with pytest.raises(BadFrame):
        unpack(b"\x01\x03" + msgspec.msgpack.encode({"epoch": 1, "seq": "x", "state": "published"}))
