"""The loop between the panel and the world, one turn at a time: a link that only notes, a ledger that only listens."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from edge.core.calendar import Monthly
from edge.core.events import Author, Frozen
from edge.core.messages import Command, State, decode, encode
from edge.core.orders import Policy
from edge.core.outbox import Outbox
from edge.core.seal import CentreKey, Keyset, Signer, Use, b64, sign_by_root, sign_jws
from edge.core.timing import TimeQuality
from edge.core.words import (
    SECOND_NS,
    BoxId,
    Epoch,
    EventClass,
    EventId,
    Gone,
    Noted,
    Restored,
    Silence,
    SiteId,
    Troubled,
)
from edge.daemons.alarm.beside import Beside
from edge.daemons.alarm.dispatch import Dispatch
from edge.daemons.alarm.gate import RENEW_JTIS, Gate
from edge.daemons.alarm.keyring import Keyring
from edge.daemons.alarm.losses import ASKED_LIMIT
from edge.daemons.alarm.orders import CORRELATION_LIMIT
from edge.daemons.alarm.posts import Lost, Ordered, Waits
from edge.daemons.alarm.rounds import Rounds
from edge.daemons.alarm.voice import View, Voice
from edge.ledger.ledger import Unreceived
from edge.ledger.recorder import LOAD_LIMIT, Recorder
from edge.ledger.shedding import Debt
from edge.ledger.told import Asked, Fetched, Loaded, Opened, Owed, Stored
from edge.link.frames import FRAME_LIMIT, Ask, Bytes, Frame, Hello, LinkState, Papers, Pull, Role, Rows, Send, pack
from edge.link.server import LinkServer, Peer

ROOT = Signer(bytes([7] * 32))
BOX, EPOCH, OLD = BoxId("ktg-k7q2m9xa"), Epoch("7c1f0b2e"), Epoch("00000001")
EVERY = tuple(EventClass)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND_NS

    def boot_ns(self) -> int:
        return self.now

    def utc_ns(self) -> int:
        return 1_795_525_522 * SECOND_NS + self.now

    def quality(self) -> TimeQuality:
        return TimeQuality.SYNCED


class Link:
    """`LinkServer` with one relay that takes everything."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.relay = cast("Peer", type("Relay", (), {"role": Role.RELAY})())
        self.person = cast("Peer", type("Person", (), {"role": Role.CLI})())

    def open(self) -> None: ...

    def wake(self) -> None: ...

    def turn(self, _timeout_s: float) -> None: ...

    def peers(self, role: Role) -> tuple[Peer, ...]:
        return (self.relay,) if role is Role.RELAY else ()

    def send(self, _peer: Peer, frame: Frame, _descriptor: int = -1) -> None:
        self.sent.append(frame)


class Disk:
    """`Recorder` that answers nothing by itself."""

    def __init__(self) -> None:
        self.appended: list[Frozen] = []
        self.fetched: list[EventId] = []
        self.written_off: list[EventId] = []
        self.loads = 0

    def append(self, event: Frozen, _notes: Mapping[str, object] | None = None) -> bool:
        self.appended.append(event)
        return True

    def fetch(self, ids: Sequence[EventId]) -> None:
        self.fetched += ids

    def write_off(self, ids: Sequence[EventId]) -> None:
        self.written_off += ids

    def load(self) -> None:
        self.loads += 1

    def receive(self, ids: Sequence[EventId], *, receiver: str, at: str) -> None: ...

    def digests(self, epoch: Epoch, first: int, last: int, token: object) -> None: ...


class World:
    def __init__(self) -> None:
        self.clock, self.link, self.disk = Clock(), Link(), Disk()
        self.posted: list[Any] = []
        self.rounded: list[Any] = []
        tokens = iter(f"token-{number}" for number in range(10_000))
        author = Author(BOX, SiteId("33.74.10.1004-010-005"), EPOCH, "5f0e2a9c")
        signer = Signer(bytes(32))
        self.voice = Voice(author, signer, self.clock, tokens.__next__, version="0", generation=1, beat_s=60.0)
        self.outbox = Outbox(lambda: 0.5)
        self.dispatch = Dispatch(
            server=lambda _hear, _lost: cast("LinkServer", self.link),
            recorder=cast("Recorder", self.disk),
            outbox=self.outbox,
            gate=Gate(BOX, Keyring(BOX, None, ROOT.public, None), tokens.__next__),
            voice=self.voice,
            policy=Policy(),
            beside=cast("Beside", None),
            rounds=Rounds(self.clock, author, Monthly(0, "10:00"), note=lambda *_: None, post=self.rounded.append),
            post=self.posted.append,
            boot_ns=self.clock.boot_ns,
            utc_s=lambda: None,
        )

    def turn(self, *frames: Frame, after_s: float = 0.0) -> None:
        self.clock.now += int(after_s * SECOND_NS)
        for frame in frames:
            self.dispatch._hear(self.link.relay, frame)
        self.dispatch._turn()

    def up(self) -> None:
        self.turn(Hello(), LinkState("mqtt", up=True), Pull("mqtt", EVERY, 20))

    def of(self, form: type[Any], when: Callable[[Any], bool] = lambda _: True) -> list[Any]:
        return [post for post in self.posted if isinstance(post, form) and when(post)]


@pytest.fixture
def world() -> World:
    return World()


def event(seq: int, event_class: EventClass = EventClass.ALARM, *, shown: bool = True) -> Frozen:
    return Frozen(EventId(EPOCH, seq), event_class, b"raw %d" % seq, shown)


def waiting(*seqs: int, event_class: EventClass = EventClass.ALARM) -> list[Unreceived]:
    return [Unreceived(EventId(OLD, seq), 1, event_class, bytes(32), shown=True) for seq in seqs]


def test_a_disk_that_takes_nothing_is_a_trouble_even_with_nobody_to_send_to(world: World) -> None:
    world.dispatch.offer(event(1), world.clock.now)
    world.turn()
    world.turn(after_s=0.9)
    assert not world.of(Troubled, lambda each: each.code == "E-STATE-READONLY")
    world.turn(after_s=0.1)
    assert world.of(Troubled, lambda each: each.code == "E-STATE-READONLY")
    world.dispatch.told(Stored((EventId(EPOCH, 1),)))
    world.turn()
    assert world.of(Restored) == [Restored("E-STATE-READONLY")]


def test_the_hour_of_an_event_is_not_the_hour_from_which_its_commit_is_waited_for(world: World) -> None:
    """A start is told with its own time, seconds after it."""
    world.dispatch.offer(event(1, EventClass.AUDIT, shown=False), world.clock.now - 5 * SECOND_NS)
    world.up()
    assert not world.of(Troubled)
    assert not any(isinstance(frame, Rows) for frame in world.link.sent)


def test_events_that_the_ledger_cannot_read_back_are_said_to_be_lost(world: World) -> None:
    world.dispatch.told(Opened(2, None, {}, waiting(7, 8)))
    world.up()
    assert sorted(each.seq for each in world.disk.fetched) == [7, 8]
    world.dispatch.told(Fetched((), tuple(world.disk.fetched)))
    world.turn()
    assert sorted(world.disk.written_off) == [EventId(OLD, 7), EventId(OLD, 8)]
    assert [sorted(each.seq for each in lost.ids) for lost in world.of(Lost)] == [[7, 8]]
    assert world.of(Troubled, lambda each: each.code == "E-LEDGER-BROKEN")


def test_what_the_ledger_owes_waits_no_longer_and_is_declared_gone(world: World) -> None:
    world.dispatch.told(Opened(2, None, {}, waiting(7, 8, 9)))
    world.dispatch.told(Owed(Debt(3, OLD, ((1, 1), (7, 8)))))
    world.up()
    assert world.of(Gone) == [Gone(OLD, ((1, 1), (7, 8)), 3)]
    assert [sorted(each.seq for each in lost.ids) for lost in world.of(Lost)] == [[7, 8]]
    assert [row.id.seq for row in map(world.outbox.get, [EventId(OLD, seq) for seq in range(1, 10)]) if row] == [9]


def test_what_the_centre_asks_for_and_the_ledger_lacks_is_declared_gone_once(world: World) -> None:
    for _ in range(3):
        world.dispatch.told(Asked((), OLD, ((3, 5),)))
    world.dispatch.told(Asked((), EPOCH, ((1, 2),)))  # of this life: they may be on their way to the disk
    world.dispatch.told(Asked((), OLD, ()))
    world.turn()
    assert world.of(Gone) == [Gone(OLD, ((3, 5),))]


def test_who_asks_for_ever_other_things_fills_no_disk(world: World) -> None:
    for number in range(1, 3 * ASKED_LIMIT):
        world.dispatch.told(Asked((), OLD, ((number, number),)))
    world.turn()
    assert len(world.of(Gone)) == ASKED_LIMIT


def test_what_a_new_ledger_lacks_is_handed_in_again(world: World) -> None:
    made = event(1)
    world.dispatch.offer(made, world.clock.now)
    world.dispatch.told(Opened(1, None, {}, []))
    world.dispatch.told(Stored((made.id,)))
    world.turn()
    assert world.disk.appended == []
    world.dispatch.told(Opened(1, None, {}, []))
    world.turn()
    assert world.disk.appended == [made]


def test_rows_beyond_the_first_load_follow_when_there_is_room(world: World) -> None:
    many = waiting(*range(1, LOAD_LIMIT + 1), event_class=EventClass.AUDIT)
    world.dispatch.told(Opened(2, None, {}, many))
    world.turn()
    assert world.disk.loads == 0
    world.outbox.received([row.id for row in many[: LOAD_LIMIT // 2 + 1]])
    world.turn()
    world.turn()
    assert world.disk.loads == 1
    world.dispatch.told(Loaded(waiting(LOAD_LIMIT + 1)))
    world.turn()
    assert EventId(OLD, LOAD_LIMIT + 1) in world.outbox
    assert world.of(Waits) == [Waits((EventId(OLD, LOAD_LIMIT + 1),))]
    world.outbox.received([row.id for row in many])
    world.turn()
    assert world.disk.loads == 1  # that was all


def test_nobody_on_the_link_makes_an_event_too_long_to_leave(world: World) -> None:
    """What a peer says goes into signed events; a frame of the link holds 16 KiB of it, an event may not."""
    endless = "\x01" * 15_000
    world.dispatch._hear(world.link.person, Ask("silence", {"alarm": endless, "by": endless}))
    world.turn(Hello(), LinkState("mqtt", up=False, detail=endless))
    world.turn(after_s=120)
    (silence,) = world.of(Silence)
    texts = [silence.alarm, silence.by.name, *(each.text for each in world.of(Troubled))]
    assert len(texts) == 3
    assert max(len(text) for text in texts) <= 200


def test_a_view_that_changed_while_the_bearer_dialled_is_said_when_it_is_up(world: World) -> None:
    world.voice.show(View(sounders={"sirene": "quiet"}))
    world.turn(Hello(), LinkState("mqtt", up=False, detail="connecting"))
    world.voice.show(View(sounders={"sirene": "sounding"}))
    world.turn(LinkState("mqtt", up=True))
    world.link.sent.clear()
    world.turn(after_s=6)
    world.turn(after_s=6)
    assert any(b'"sirene":"sounding"' in getattr(frame, "raw", b"") for frame in world.link.sent)


def test_a_trouble_that_comes_and_goes_is_told_once_in_ten_seconds(world: World) -> None:
    """A relay or broker that plays a forged and a real receipt in turns must not fill the ledger."""
    world.up()
    for _ in range(200):
        world.turn(after_s=0.01)
        world.dispatch._complaints.refused("receipt", "signature does not match", world.clock.now)
        world.dispatch._complaints.over("E-CENTRE-KEY")
    told = [each for each in world.posted if isinstance(each, Troubled | Restored) and each.code == "E-CENTRE-KEY"]
    assert [type(each) for each in told] == [Troubled, Restored]
    world.turn(after_s=10)
    world.dispatch._complaints.refused("receipt", "signature does not match", world.clock.now)
    assert isinstance(world.posted[-1], Troubled | Noted)
    assert Troubled in {type(each) for each in world.posted[-2:]}


def test_a_flood_of_one_kind_hides_no_refusal_of_another(world: World) -> None:
    """Each kind is audited once in ten seconds, with the count of its own."""
    world.up()
    for _ in range(50):
        world.turn(Bytes("receipt", b"a.b.c"), after_s=0.01)
    world.turn(Bytes("command", b"a.b.c"), Bytes("keyset", b"a.b.c"))
    told = {noted.what: noted.content["count"] for noted in world.of(Noted)}
    assert told == {"receipt-refused": 1, "command-refused": 1, "keyset-refused": 1}
    world.turn(Bytes("receipt", b"a.b.c"), after_s=10)
    assert (world.of(Noted)[-1].what, world.of(Noted)[-1].content["count"]) == ("receipt-refused", 50)


def test_a_command_whose_answer_would_not_fit_a_frame_is_refused_without_one(world: World) -> None:
    """The link raises where a frame is too long, and would drop the relay for what somebody else sent."""
    world.up()
    world.link.sent.clear()
    world.turn(Bytes("command", b"a.b.c", bytes(CORRELATION_LIMIT + 1)))
    assert world.link.sent == []
    (noted,) = world.of(Noted)
    assert noted.content["reason"] == "size: correlation"
    world.turn(Bytes("command", b"a.b.c", bytes(CORRELATION_LIMIT)))
    (reply,) = world.link.sent
    assert len(pack(reply)) < FRAME_LIMIT


def keys(version: int, *revoked: BoxId) -> Bytes:
    return Bytes("keyset", sign_by_root(Keyset(version, (), revoked), ROOT))


def test_new_keys_are_audited_once_and_old_ones_refused(world: World) -> None:
    world.up()
    world.turn(keys(2), keys(2))
    world.turn(keys(1))
    noted = [post.what for post in world.of(Noted)]
    assert noted == ["keys-changed", "keyset-refused"]


def test_a_revoked_box_says_so_until_the_root_takes_it_back(world: World) -> None:
    world.up()
    world.turn(keys(2, BOX))
    assert world.of(Troubled, lambda post: post.code == "E-BOX-REVOKED")
    world.turn(keys(3))
    assert world.of(Restored, lambda post: post.code == "E-BOX-REVOKED")


def test_pieces_of_a_sound_do_not_add_up_to_what_needs_two_people(world: World) -> None:
    key = Signer(bytes([8] * 32))
    keyset = Keyset(2, (CentreKey("command-sound-1", Use.COMMAND_SOUND, b64(key.public), 0, 2**40),))
    world.up()
    world.turn(Bytes("keyset", sign_by_root(keyset, ROOT)))
    world.turn(LinkState("mqtt", up=False, detail="connecting"))

    def sound(jti: str, seconds: int, after_s: float = 2.0) -> int:
        args: dict[str, str | int] = {"pattern": "jateng.theft", "duration": seconds}
        command = Command(BOX, jti, world.dispatch._gate.nonce, 0, "sound", args, "Sari")
        world.turn(Bytes("command", sign_jws(encode(command), "command-sound-1", key)), after_s=after_s)
        return len(world.of(Ordered))

    assert [sound("a", 20), sound("b", 10), sound("c", 1), sound("d", 0)] == [1, 2, 2, 3]
    assert sound("e", 30, after_s=3600.0) == 4


def test_a_nonce_under_which_many_orders_came_is_replaced_in_our_state(world: World) -> None:
    """Also with a trusted clock: what is remembered of a nonce is forgotten with it."""
    world.dispatch._utc_s = lambda: 0
    world.turn(Hello(), LinkState("mqtt", up=False, detail="connecting"))
    world.turn(LinkState("mqtt", up=True))
    before = world.dispatch._gate.nonce
    world.turn(after_s=1)
    assert world.dispatch._gate.nonce == before
    world.dispatch._gate._under_nonce = RENEW_JTIS
    world.link.sent.clear()
    world.turn(after_s=1)
    after = world.dispatch._gate.nonce
    assert after != before
    said = [
        decode(frame.raw, State).nonce for frame in world.link.sent if isinstance(frame, Send) and frame.kind == "state"
    ]
    assert said == [after]


def test_a_certificate_that_ends_in_three_days_is_a_trouble_at_the_box_and_at_the_centre(world: World) -> None:
    ends_s = world.clock.utc_ns() // SECOND_NS + 3 * 86_400
    world.turn(Papers({"own": ends_s, "broker": ends_s + 400 * 86_400}))

    (trouble,) = [each for each in world.rounded if isinstance(each, Troubled)]
    assert (trouble.code, trouble.lamp) == ("E-CERT-ENDS", True)
