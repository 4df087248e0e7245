"""The thread between the panel and the world: what waits for the centre, who carries it, and what came back.

It never touches a disk or a device. The panel hands it events and a view of the box; it hands the panel stimuli.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge.core import codes
from edge.core.events import Frozen
from edge.core.faults import printable
from edge.core.messages import encode
from edge.core.orders import Policy
from edge.core.outbox import Outbox
from edge.core.receipts import AGAIN_LIMIT, Claim, Disproved, Proved, Receipts, wanted
from edge.core.seal import Forged
from edge.core.status import PRIMARY, SECONDARY, BoxStatus
from edge.core.words import SECOND_NS, EventId, Json, Noted, Operator, Silence, Stimulus, WalkTest
from edge.core.zones import WALK_TEST_NS
from edge.daemons.alarm.beside import Beside
from edge.daemons.alarm.cameras import Cameras
from edge.daemons.alarm.complaints import Complaints
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.line import Line
from edge.daemons.alarm.losses import Losses
from edge.daemons.alarm.orders import Orders, Outcome
from edge.daemons.alarm.pictures import Question
from edge.daemons.alarm.posts import Delivered, Leave, Ordered, Received, Undurable, Waits
from edge.daemons.alarm.rounds import Rounds
from edge.daemons.alarm.traffic import Traffic
from edge.daemons.alarm.voice import Voice
from edge.daemons.border import Border
from edge.ledger.recorder import LOAD_LIMIT, Recorder
from edge.ledger.told import Asked, Digests, Failed, Fetched, Loaded, Opened, Owed, Rescued, Stored, Told
from edge.link.frames import Ask, Bytes, Frame, Hello, Laid, LinkState, Mark, Marks, Papers, Pull, Role, Send
from edge.link.frames import Status as StatusFrame
from edge.link.server import LinkServer, Peer

log = logging.getLogger("kentongan.alarm")

LOOK_S: Final = 0.25  # an event whose commit hangs is noticed this late at most


@dataclass(frozen=True, slots=True)
class _Made:
    event: Frozen
    at_ns: int


Post = Callable[[Stimulus | Ordered | Leave | Delivered], None]


class Dispatch:
    """One loop, one thread. `offer`, `told` and `wake` may be called from any thread; the rest is its own."""

    def __init__(
        self,
        *,
        server: Callable[[Callable[[Peer, Frame], None], Callable[[Peer], None]], LinkServer],
        recorder: Recorder,
        outbox: Outbox,
        gate: Gate,
        voice: Voice,
        policy: Policy,
        beside: Beside,
        rounds: Rounds,
        post: Post,
        boot_ns: Callable[[], int],
        utc_s: Callable[[], int | None],
    ) -> None:
        self._inbox: queue.SimpleQueue[_Made | Outcome | Told] = queue.SimpleQueue()
        self._border = Border(log, "dispatch")
        self._server = server(self._heard, self._lost)
        self._recorder = recorder
        self._outbox = outbox
        self._gate = gate
        self._voice = voice
        self._rounds = rounds
        self._post = post
        self._boot_ns = boot_ns
        self._utc_s = utc_s
        self._complaints = Complaints(post, boot_ns)
        self._losses = Losses(voice.epoch, post, self._complaints, outbox, recorder)
        self._line = Line(self._complaints, boot_ns())
        self._cameras = Cameras(
            outbox, recorder, self._server, gate, voice, post=post, boot_ns=boot_ns, lost=self._losses.gone,
            refused=self._complaints.refused,
        )  # fmt: skip
        self._pictures = self._cameras.pictures
        self._traffic = Traffic(outbox, self._tell, recorder.fetch, self._pictures.attach)
        self._receipts = Receipts(voice.epoch, lambda: self._traffic.head, outbox, recorder.digests)
        self._orders = Orders(
            gate, voice, policy, post=post, beside=beside, picture=self._picture, snapshot=self._cameras.order,
            answered=self._followed, tell=self._tell,
        )  # fmt: skip
        self._more = False  # the ledger has more rows waiting than were taken in
        self._laid = ("", "")
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)

    def start(self) -> None:
        """Bind the sockets, so that they are there before anybody is told that alarm is ready; then go on alone."""
        self._listen()
        self._look_whether_revoked()
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        self._stopping = True
        self._server.wake()
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def offer(self, event: Frozen, at_ns: int) -> None:
        """A new event, not yet stored: nothing to do for us before that, so nobody is woken in the commit's way."""
        self._inbox.put(_Made(event, at_ns))

    def told(self, told: Told) -> None:
        """What the ledger's thread says."""
        self._inbox.put(told)
        self._server.wake()

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            if not self._border.call(self._turn):
                time.sleep(LOOK_S / 25)  # one that fails at each turn leaves the interpreter to the panel
        self._server.close()

    def _turn(self) -> None:
        self._server.turn(self._patience_s())
        now_ns = self._boot_ns()
        while not self._inbox.empty():
            told = self._inbox.get_nowait()
            if not self._border.call(self._take_in, told, now_ns) and not isinstance(told, Loaded):
                self._recorder.load()  # whatever that was: what waits is taken in again
        self._listen()
        if self._more and len(self._outbox) < LOAD_LIMIT // 2:
            self._more = False
            self._recorder.load()
        undurable = self._traffic.serve(now_ns, up=self._line.up)
        if undurable:
            self._post(Undurable(undurable))
        for chore in (self._speak, self._watch, self._rounds.turn, self._cameras.turn):
            self._border.call(chore, now_ns)

    def _loaded(self, told: Loaded | Asked | Rescued) -> None:
        """Rows to send: those that wait, or those that the centre wants again, for which no lamp waits."""
        self._traffic.loaded(told.rows)
        self._pictures.loaded(told.rows)
        if isinstance(told, Asked):
            self._losses.asked(told.epoch, told.gone)
            return
        if isinstance(told, Loaded):
            self._taken_in(len(told.rows))
        self._post(Waits(tuple(row.id for row in told.rows if row.shown)))

    def _taken_in(self, rows: int) -> None:
        self._more = rows >= LOAD_LIMIT
        self._pictures.whole = not self._more

    def _patience_s(self) -> float:
        due = [at for at in (self._outbox.due_ns, self._voice.due_ns if self._line.up else None) if at is not None]
        if not due:
            return LOOK_S
        return min(LOOK_S, max(0.0, (min(due) - self._boot_ns()) / SECOND_NS))

    def _listen(self) -> None:
        """Open the sockets; a full or read-only /run is a trouble, not an end."""
        try:
            self._server.open()
        except OSError as error:
            self._complaints.of(codes.LINK.code, "", f"link sockets: {error}")
        else:
            self._complaints.over(codes.LINK.code)

    def _take_in(self, told: _Made | Outcome | Told, now_ns: int) -> None:
        match told:
            case _Made(event, at_ns):
                self._traffic.made(event, at_ns, now_ns)
                self._voice.made(self._traffic.head)
                self._rounds.made(event)
                self._cameras.made(event, now_ns)
            case Outcome():
                self._orders.reply(told)
            case Stored(ids):
                self._stored(ids, now_ns)
            case Opened(ordinal, _, notes, waiting):
                self._voice.opened(ordinal)
                self._rounds.opened(notes)
                self._taken_in(len(waiting))
                self._pictures.loaded(waiting)
                for event in self._traffic.opened(ordinal, waiting):
                    self._recorder.append(event)
            case Loaded() | Asked() | Rescued():
                self._loaded(told)
            case Fetched(events, asked):
                self._pictures.fetched(events, now_ns)
                unreadable = self._traffic.fetched(events, asked)
                self._losses.unreadable(unreadable)
                self._pictures.dropped(row.id for row in unreadable)
            case Digests(Claim() as claim, found):
                self._settle(self._receipts.answered(claim, found), now_ns)
            case Digests(Question() as question, found):
                self._pictures.answered(question, found, now_ns)
            case Failed():
                self._traffic.unfetched()
            case Owed(debt):
                self._losses.owed(debt)
                self._pictures.dropped(debt.ids)

    def _stored(self, ids: Sequence[EventId], now_ns: int) -> None:
        self._traffic.stored(ids, now_ns)
        self._pictures.stored(ids)
        if not self._traffic.is_commit_late(now_ns):
            self._complaints.over(codes.STATE_READONLY.code)

    # ---- frames in --------------------------------------------------------------------------------------------------

    def _heard(self, peer: Peer, frame: Frame) -> None:
        self._border.call(self._hear, peer, frame)

    def _hear(self, peer: Peer, frame: Frame) -> None:
        now_ns = self._boot_ns()
        match frame:
            case Hello():
                if peer.role is Role.RELAY:
                    self._disconnected()
                elif peer.role is Role.CAMERAS:
                    self._cameras.greeted(now_ns)
            case Pull(_, classes, limit):
                self._traffic.pull(classes, limit)
            case Marks(marks):
                for mark in marks:
                    self._marked(mark, now_ns)
            case LinkState():
                self._link_state(peer, frame, now_ns)
            case Papers(ends):
                self._rounds.shown(ends)
            case Bytes(kind, raw, correlation):
                self._bytes(kind, raw, correlation, now_ns)
            case Ask(what, args):
                self._ask(peer, what, args)
            case Laid():
                self._overlaid(frame)
            case _:
                self._cameras.hear(peer, frame, now_ns)

    def _marked(self, mark: Mark, now_ns: int) -> None:
        for identity in (EventId(mark.epoch, seq) for seq in mark.seqs):
            trouble = self._traffic.answered(identity, mark.state, now_ns)
            self._pictures.settled(identity)
            self._complaints.answered(trouble, mark.state, mark.reason)

    def _link_state(self, peer: Peer, frame: LinkState, now_ns: int) -> None:
        if frame.up:
            self._line.stands()
            self._voice.connected(now_ns, SECONDARY if frame.detail == SECONDARY else PRIMARY)
            return
        self._disconnected()
        if frame.detail == "connecting":
            self._server.send(peer, self._voice.speak(self._gate.renew(now_ns)))
            return
        self._line.explain(frame.detail)

    def _disconnected(self) -> None:
        now_ns = self._boot_ns()
        if self._line.broke(now_ns):
            self._voice.disconnected(now_ns)
        self._traffic.disconnected()

    def _lost(self, peer: Peer) -> None:
        if peer.role is Role.RELAY and not self._server.peers(Role.RELAY):
            self._line.orphaned()
            self._disconnected()
        if peer.role is Role.CAMERAS and not self._server.peers(Role.CAMERAS):
            self._cameras.left(self._boot_ns())

    def _bytes(self, kind: str, raw: bytes, correlation: bytes, now_ns: int) -> None:
        try:
            match kind:
                case "receipt":
                    self._receipt(raw, now_ns)
                case "command":
                    self._orders.take(raw, correlation, now_ns, self._utc_s())
                case "keyset":
                    self._keyset(raw)
                case "state":
                    self._own_state(raw, now_ns)
        except Forged as error:
            self._complaints.refused(kind, str(error), now_ns)

    def _receipt(self, raw: bytes, now_ns: int) -> None:
        receipt = self._gate.receipt(raw)
        self._complaints.over(codes.CENTRE_KEY.code)
        if receipt.beat is not None and self._voice.answered(receipt.beat, receipt.receiver, now_ns):
            self._complaints.over(codes.CENTRE_SILENT.code)
            self._traffic.beat_answered()
        for verdict in self._receipts.judge(receipt):
            self._settle(verdict, now_ns)
        if self._line.up and len(self._outbox) < AGAIN_LIMIT:  # else the next beat's receipt asks again
            for epoch, first, last in wanted(receipt.ask, AGAIN_LIMIT):
                self._recorder.ask(epoch, first, last, AGAIN_LIMIT)

    def _settle(self, verdict: Proved | Disproved | None, now_ns: int) -> None:
        match verdict:
            case Proved(receipt, ids):
                rows = self._traffic.received(ids, now_ns)
                self._rounds.received(ids, receipt.receiver)
                self._pictures.received(rows)
                if rows:
                    self._recorder.receive([row.id for row in rows], receiver=receipt.receiver, at=receipt.time)
                shown = tuple(row.id for row in rows if row.shown)
                if shown:
                    self._post(Received(shown))
            case Disproved(reason):
                self._complaints.refused("receipt", reason, now_ns)

    def _followed(self, outcome: Outcome) -> None:
        """Called by who followed an order, the panel's thread among them, which waits for nothing."""
        self._inbox.put(outcome)
        self._server.wake()

    def _overlaid(self, laid: Laid) -> None:
        """An overlay's fate, told once; another configuration is taken up when all is quiet."""
        if self._laid != (laid.jti, laid.result):
            self._laid = (laid.jti, laid.result)
            told: dict[str, Json] = {
                "jti": printable(laid.jti),
                "by": printable(laid.by),
                "generation": laid.generation,
                "reason": printable(laid.reason),
            }
            self._post(Noted(f"config-{laid.result}", told))
        if laid.generation != self._voice.generation:
            self._post(Leave())

    def _keyset(self, raw: bytes) -> None:
        """Retained at the broker: it comes at every connection, and once more whenever the root says something new."""
        if raw and self._gate.keyset(raw):
            log.info("keys changed  version=%d", self._gate.keys_version)
            self._post(Noted("keys-changed", {"version": self._gate.keys_version}))
            self._look_whether_revoked()
            self._cameras.rekeyed()

    def _look_whether_revoked(self) -> None:
        if self._gate.is_revoked:
            self._complaints.of(codes.BOX_REVOKED.code, "", f"keyset {self._gate.keys_version}")
        else:
            self._complaints.over(codes.BOX_REVOKED.code)

    def _own_state(self, raw: bytes, now_ns: int) -> None:
        """A foreign or older session overwrote our state: say it again."""
        if raw and not self._voice.is_ours(raw):
            self._voice.restate(now_ns)

    def _ask(self, peer: Peer, what: str, args: dict[str, str]) -> None:
        by = Operator(printable(args.get("by", "local")), "local")
        if what == "silence":
            self._post(Silence(printable(args.get("alarm", "")), by))
        elif what == "walk":  # "end" ends it; whatever else begins one
            self._post(WalkTest(0 if args.get("end") else WALK_TEST_NS, by))
        self._server.send(peer, StatusFrame(encode(self._picture())))

    def _picture(self) -> BoxStatus:
        journey, detail = self._traffic.journey, self._line.detail
        told = self._voice.status(self._outbox, journey, up=self._line.up, detail=detail)
        return replace(told, selftest=self._rounds.self_test)

    # ---- words out --------------------------------------------------------------------------------------------------

    def _speak(self, now_ns: int) -> None:
        if not self._line.up:
            return
        if self._gate.stale(now_ns, clocked=self._utc_s() is not None):
            self._voice.renonce(self._gate.renew(now_ns), now_ns)
        for kind, raw in self._voice.due(now_ns, self._outbox):
            self._tell(Send(kind, raw))

    def _tell(self, frame: Frame, descriptor: int = -1) -> None:
        for peer in self._server.peers(Role.RELAY):
            self._server.send(peer, frame, descriptor)

    def _watch(self, now_ns: int) -> None:
        """Raise what has lasted too long."""
        if self._traffic.is_commit_late(now_ns):
            self._complaints.of(codes.STATE_READONLY.code, "", "the disk takes no event within a second")
        self._line.watch(now_ns)
        if self._line.up and self._voice.unanswered(now_ns):
            self._complaints.of(codes.CENTRE_SILENT.code, "354", "our beat has no answer")
