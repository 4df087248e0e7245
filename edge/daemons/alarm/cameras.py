"""What alarm hears from the cameras' part and asks of it. A camera speaks for an alarm; it never makes one.

Pictures are taken for an alarm and for an order, and for nothing else: not for a walk test, not for a siren test.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.core.events import Frozen, canonical
from edge.core.faults import printable
from edge.core.orders import Snapshot
from edge.core.outbox import Outbox
from edge.core.seal import CentreKey, unb64
from edge.core.words import SECOND_NS, EventClass, EventId, Json, Noted, Observed, Status, Stimulus
from edge.daemons.alarm.beside import Done as Answered
from edge.daemons.alarm.files import Flawed, identity_of
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.pictures import Pictures
from edge.daemons.alarm.voice import Voice
from edge.ledger.recorder import Recorder
from edge.link.frames import PUT_LIMIT, PUTS, Done, File, Frame, Health, Put, Role, Work
from edge.link.server import Bucket, LinkServer, Peer

CAMERAS_LIMIT: Final = 64
ANSWER_NS: Final = 20 * SECOND_NS  # a hostile camera costs 8 s; the order itself lives 60 s
STALE_NS: Final = 60 * SECOND_NS  # a picture of later shows another scene
AWAY_NS: Final = 30 * SECOND_NS  # a part that starts anew is back by then; else nobody says how the cameras are
WISHES: Final = 16
JTI_LIMIT: Final = 64
_CAMERA: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?")
_HEALTH: Final = re.compile(r"[a-z-]{1,16}")


class _Told(msgspec.Struct):
    alarm: str
    status: str
    kind: str = ""


class _Alarm(msgspec.Struct):
    type: str
    data: _Told


@dataclass(frozen=True, slots=True)
class _Wish:
    """A snapshot that nobody has answered yet. answered: who waits for the answer, None for an alarm."""

    work: Work
    since_ns: int
    answered: Answered | None = None


class Cameras:
    """Lives in the dispatch thread.

    post:    to the panel
    lost:    pictures of these numbers are gone for ever
    refused: audits what was refused, a flood of it now and then
    """

    def __init__(
        self,
        outbox: Outbox,
        recorder: Recorder,
        server: LinkServer,
        gate: Gate,
        voice: Voice,
        *,
        post: Callable[[Stimulus], None],
        boot_ns: Callable[[], int],
        lost: Callable[[Sequence[EventId]], None],
        refused: Callable[[str, str, int], None],
    ) -> None:
        self._server = server
        self._gate = gate
        self._voice = voice
        self._post = post
        self._boot_ns = boot_ns
        self._refused = refused
        self.pictures: Final = Pictures(
            outbox, recorder, boot=voice.boot_id, post=post, to_cameras=self._tell, to_relay=self._relay, lost=lost
        )
        self._health: Mapping[str, str] = {}
        self._left_ns: int | None = None
        self._wishes: dict[str, _Wish] = {}  # by alarm or jti
        # A camera that sees leaves in the wind: a note now and then. Adoptions and health come from people and power.
        self._puts: Final = {True: Bucket(0.2, 20), False: Bucket(0.5, 60)}
        self._calls: Final = Bucket(1 / 30, 6)  # a storm of alarms is the same scene

    @property
    def _is_there(self) -> bool:
        return bool(self._server.peers(Role.CAMERAS))

    def _tell(self, work: Work) -> None:
        for peer in self._server.peers(Role.CAMERAS):
            self._server.send(peer, work)

    def _relay(self, frame: Frame, descriptor: int) -> None:
        for peer in self._server.peers(Role.RELAY):
            self._server.send(peer, frame, descriptor)

    # ---- the cameras' part ------------------------------------------------------------------------------------------

    def greeted(self, now_ns: int) -> None:
        self._left_ns = None
        self.pictures.begin_anew()
        self.rekeyed()
        for name, wish in tuple(self._wishes.items()):
            if now_ns - wish.since_ns <= STALE_NS:
                self._tell(wish.work)
            else:
                del self._wishes[name]

    def left(self, now_ns: int) -> None:
        self._left_ns = now_ns

    def rekeyed(self) -> None:
        """The root has said something new; perhaps there is another picture key."""
        key = self._gate.picture_key
        self._tell(Work("key", {"kid": key.kid if key else ""}, unb64(key.public) if key else b""))

    def hear(self, peer: Peer, frame: Frame, now_ns: int) -> None:
        try:
            match frame:
                case File(picture):
                    self.pictures.offered(picture, peer.take(), now_ns)
                case Put():
                    self._put(frame, now_ns)
                case Health(cameras):
                    self._take_health(cameras)
                case Done(jti, reason):
                    self._done(jti, printable(reason, 120))
        except Flawed as error:
            self._refused("picture" if isinstance(frame, File) else "observation", printable(str(error)), now_ns)

    def _put(self, put: Put, now_ns: int) -> None:
        _, _, camera = put.subject.partition("camera/")
        if put.name not in PUTS or not (put.subject == "cameras" or _CAMERA.fullmatch(camera)):
            raise Flawed("words: no such observation")
        body: dict[str, Json] = {**put.body}
        try:
            size = len(canonical(body))
        except ValueError as error:
            raise Flawed("words: no canonical form") from error
        if size > PUT_LIMIT:
            raise Flawed(f"size: more than {PUT_LIMIT} bytes")
        if self._puts[put.name == "camera-event"].wait_ns(now_ns):
            raise Flawed("rate: more observations than anybody needs")
        self._post(Observed(put.name, put.subject, body))

    def _take_health(self, cameras: Mapping[str, str]) -> None:
        if len(cameras) > CAMERAS_LIMIT:
            raise Flawed(f"size: more than {CAMERAS_LIMIT} cameras")
        if not all(_CAMERA.fullmatch(name) and _HEALTH.fullmatch(word) for name, word in cameras.items()):
            raise Flawed("words: no such health")
        self._health = dict(cameras)
        self._voice.show_cameras(dict(cameras), self._boot_ns())

    def _done(self, name: str, reason: str) -> None:
        identity = identity_of(name)
        if identity is not None and self.pictures.gone(identity, reason):
            return
        wish = self._wishes.pop(name, None)
        if wish is not None and wish.answered is not None:
            wish.answered(f"camera: {reason}" if reason else "", b"")

    # ---- what is wanted of it ---------------------------------------------------------------------------------------

    def made(self, event: Frozen, now_ns: int) -> None:
        """A new alarm is worth a look, if somebody really calls; a picture has its number now."""
        if event.event_class is EventClass.PICTURE:
            self.pictures.made(event, now_ns)
        if event.event_class is not EventClass.ALARM:
            return
        try:
            body = msgspec.json.decode(event.raw, type=_Alarm)
        except msgspec.MsgspecError:
            return
        if body.type == "id.kentongan.alarm.v1" and body.data.status == Status.ACTUAL:
            self._called(body.data, now_ns)

    def _called(self, told: _Told, now_ns: int) -> None:
        key = self._gate.picture_key
        if key is None:
            return
        if self._calls.wait_ns(now_ns):
            if self._is_there:
                self._refused("snapshot", "rate: alarms come faster than pictures are taken", now_ns)
            return
        self._want(told.alarm, _work(key, alarm=told.alarm, kind=told.kind), now_ns)

    def order(self, snapshot: Snapshot, jti: str, answered: Answered) -> None:
        """An order of the centre; answered when the picture is taken, or with why it cannot be."""
        now_ns, key = self._boot_ns(), self._gate.picture_key
        reason = self._refusal(snapshot.camera, jti, key)
        if reason or key is None:
            answered(reason, b"")
            return
        by = snapshot.by
        said: dict[str, Json] = {"camera": snapshot.camera, "jti": printable(jti), "by": by.name, "where": by.where}
        self._post(Noted("snapshot", {**said, "keys": list(by.keys)}))
        self._want(jti, _work(key, jti=jti, camera=snapshot.camera, kind="order"), now_ns, answered)

    def _refusal(self, camera: str, jti: str, key: CentreKey | None) -> str:
        if key is None:
            return "camera: the centre has no picture key"
        if len(jti) > JTI_LIMIT:
            return f"args: a jti of more than {JTI_LIMIT} characters fits no picture's event"
        if not self._is_there:
            return "camera: the part that speaks to cameras does not run"
        if camera not in self._health:
            return "camera: none of that name is adopted here" if self._health else "camera: none is adopted here"
        return "busy: too many pictures are being taken" if len(self._wishes) >= WISHES else ""

    def _want(self, name: str, work: Work, now_ns: int, answered: Answered | None = None) -> None:
        self._wishes[name] = _Wish(work, now_ns, answered)
        self._tell(work)

    # ---- time -------------------------------------------------------------------------------------------------------

    def turn(self, now_ns: int) -> None:
        for name, wish in tuple(self._wishes.items()):
            if wish.answered is not None and now_ns - wish.since_ns > ANSWER_NS:
                del self._wishes[name]
                wish.answered(f"camera: no answer within {ANSWER_NS // SECOND_NS} s", b"")
            elif now_ns - wish.since_ns > STALE_NS:
                del self._wishes[name]
        if self._left_ns is not None and now_ns - self._left_ns > AWAY_NS:
            self._left_ns, self._health = None, {}
            self._voice.show_cameras({}, now_ns)
        self.pictures.turn(now_ns, cameras=self._is_there)


def _work(key: CentreKey, *, alarm: str = "", jti: str = "", camera: str = "", kind: str) -> Work:
    args = {"alarm": alarm, "jti": jti, "camera": camera, "kind": kind, "kid": key.kid}
    return Work("snapshot", args, unb64(key.public))
