"""What a camera answers over HTTP: SOAP operations and pictures, each past its door and each written down."""

from dataclasses import replace
from typing import Final

from drivers.sim.camera import device, media
from drivers.sim.camera.bombs import NESTED_DEEP, bomb, nested
from drivers.sim.camera.events import Events
from drivers.sim.camera.jpeg import picture
from drivers.sim.camera.login import Door
from drivers.sim.camera.refusals import refused
from drivers.sim.camera.soap import NOT_AUTHORIZED, NOT_SUPPORTED, NS, Asked, Fault, NotSoap, Refused, envelope, parse
from drivers.sim.camera.spec import Quirk
from drivers.sim.camera.standing import SNAPSHOT, Standing
from drivers.sim.camera.visits import Book, Proof, Verdict
from drivers.sim.camera.web import Reply, Request, cut, drip_body, drip_head, flood

OPERATIONS: Final = device.OPERATIONS | media.OPERATIONS
EVENT_SERVICE: Final = ("tev:", "wsnt:")
NOT_FOUND: Final = Reply(404, b"<html><body>404</body></html>", "text/html")
ASKS_AGAIN: Final = frozenset({Verdict.CHALLENGED, Verdict.STALE, Verdict.UNKNOWN})


class Desk:
    """elsewhere: where redirects lead, "http://host:port"; frame: how many pictures were taken."""

    def __init__(self, standing: Standing, book: Book) -> None:
        self.door = Door(standing)
        self.events = Events(standing)
        self.elsewhere = ""
        self.frame = 0
        self._standing = standing
        self._book = book

    async def answer(self, request: Request) -> Reply:
        if request.method == "POST":
            return self._delivered(await self._soap(request))
        if request.path == SNAPSHOT:
            return self._picture(request)
        self._book.write("http", request.path, request.source)
        return NOT_FOUND

    async def stray(self, request: Request) -> Reply:
        """Somebody followed a redirect: what did they bring?"""
        proof = self.door.look_http(request).proof
        if proof is Proof.NONE and b"UsernameToken" in request.body:
            proof = Proof.WSSE
        self._book.write("elsewhere", request.path, request.source, proof=proof)
        return Reply(404)

    def _has(self, quirk: Quirk) -> bool:
        return self._standing.spec.has(quirk)

    def _delivered(self, reply: Reply) -> Reply:
        spec = self._standing.spec
        if self._has(Quirk.REDIRECT):
            return Reply(307, headers=(("Location", f"{self.elsewhere}{spec.device_path}"),))
        if self._has(Quirk.BOMB_SOAP):
            return replace(reply, body=bomb(reply.body))
        if self._has(Quirk.NESTED_SOAP):
            return replace(reply, body=nested(reply.body, NESTED_DEEP))
        if self._has(Quirk.HUGE_SOAP):
            return replace(reply, deliver=flood(spec.flood_bytes), said=spec.flood_bytes)
        if self._has(Quirk.DRIP_HEAD):
            return replace(reply, deliver=drip_head(spec.drip_s))
        return replace(reply, deliver=drip_body(spec.drip_s)) if self._has(Quirk.DRIP_BODY) else reply

    async def _soap(self, request: Request) -> Reply:
        spec = self._standing.spec
        try:
            asked = parse(request.body)
        except NotSoap as why:
            self._book.write("soap", "", request.source)
            return refused(spec, Fault(("ter:WellFormed",), str(why)), ())
        if not self._standing.serves(asked.name, request.path):
            self._book.write("http", request.path, request.source)
            return NOT_FOUND
        verdict = self._judge(asked, request)
        if verdict is not Verdict.OK:
            return self._turned_away(verdict)
        try:
            return await self._served(asked, request)
        except Refused as refusal:
            return refused(spec, refusal.fault, ())

    def _judge(self, asked: Asked, request: Request) -> Verdict:
        """Write the request down; a stranger is let in for some operations, a wrong login for the time alone."""
        free = device.ALWAYS_FREE if self._has(Quirk.AUTH_FOR_ALL) else device.FOR_STRANGERS
        shown = self.door.look_soap(asked, request)
        verdict = shown.verdict
        if shown.proof is Proof.NONE and asked.name not in free:
            verdict = Verdict.CHALLENGED
        self._book.write("soap", asked.name, request.source, proof=shown.proof, verdict=verdict, user=shown.user)
        return Verdict.OK if asked.name in device.ALWAYS_FREE else verdict

    def _turned_away(self, verdict: Verdict) -> Reply:
        asks = verdict in ASKS_AGAIN and not self._has(Quirk.WSSE_ONLY)
        challenges = self.door.challenges(stale=verdict is Verdict.STALE) if asks else ()
        refusal = replace(NOT_AUTHORIZED, status=401) if challenges else NOT_AUTHORIZED
        return refused(self._standing.spec, refusal, challenges, locked=verdict is Verdict.LOCKED)

    async def _served(self, asked: Asked, request: Request) -> Reply:
        """Raises Refused."""
        if asked.name.startswith(EVENT_SERVICE):
            body = await self.events.answer(asked, request)
            return Reply(body=envelope(body, action=_action(asked), relates_to=asked.heading("wsa:MessageID")))
        operation = OPERATIONS.get(asked.name)
        if operation is None or (asked.name.startswith("tr2:") and self._has(Quirk.NO_MEDIA2)):
            raise Refused(NOT_SUPPORTED)
        return Reply(body=envelope(operation(self._standing, asked)))

    def _picture(self, request: Request) -> Reply:
        shown = self.door.look_http(request)
        verdict = shown.verdict
        if shown.proof is Proof.NONE and not self._has(Quirk.SNAPSHOT_OPEN):
            verdict = Verdict.CHALLENGED
        self._book.write("picture", request.target, request.source, proof=shown.proof, verdict=verdict, user=shown.user)
        if verdict is Verdict.OK:
            return self._shot()
        challenges = self.door.challenges(stale=verdict is Verdict.STALE)
        return Reply(401, headers=challenges, kind="text/html")

    def _shot(self) -> Reply:
        self.frame += 1
        spec = self._standing.spec
        raw = picture(spec.jpeg_bytes, self.frame)
        reply = Reply(body=raw, kind="image/jpeg")
        if self._has(Quirk.SNAPSHOT_HTML):
            return replace(reply, body=b"<html><body>Silakan login</body></html>")
        if self._has(Quirk.SNAPSHOT_TRUNCATED):
            return replace(reply, body=raw[: len(raw) // 2])
        if self._has(Quirk.SNAPSHOT_CUT) or self._has(Quirk.SNAPSHOT_DRIP):
            return replace(reply, deliver=cut if self._has(Quirk.SNAPSHOT_CUT) else drip_body(spec.drip_s))
        if self._has(Quirk.SNAPSHOT_HUGE):
            return replace(reply, deliver=flood(spec.flood_bytes), said=spec.flood_bytes)
        if self._has(Quirk.SNAPSHOT_REDIRECT):
            return Reply(307, headers=(("Location", f"{self.elsewhere}{SNAPSHOT}"),))
        return reply


def _action(asked: Asked) -> str:
    """WS-Addressing actions as the WSDLs of the event services give them."""
    prefix, _, name = asked.name.partition(":")
    if prefix == "wsnt":
        return f"http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/{name}Response"
    port = "PullPointSubscription" if name in {"PullMessages", "SetSynchronizationPoint"} else "EventPortType"
    return f"{NS['tev']}/{port}/{name}Response"
