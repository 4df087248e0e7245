"""The door: where a box that was given a token asks to be admitted, over HTTPS.

It only queues: a person with the root answers.

GET /authority   the certificate authority, PEM: the token says which one it must be
POST /enrolment  a request, with the token as bearer -> 202, or 200 and the answer
GET /enrolment   with the token -> 202, or 200 and the answer

Checked in order of cost: rate, token, size, form, signature, token's owner. It needs none of the centre's keys but its
own TLS key.
"""

import asyncio
import base64
import binascii
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as Asked
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge.centre.invited import Invited, Slot, TokenUsed
from edge.centre.places import CentrePlaces
from edge.centre.trust import NotAdmissible
from edge.core.seal import Forged, sha256
from edge.core.words import SECOND_NS
from edge.enrol.forms import Request, read_request
from edge.enrol.lines import Kind, Unreadable, content_of, lines_of
from edge.link.server import Bucket

BODY_MAX: Final = 192 * 1024  # characters: a request with the largest site.toml, sealed and in base32
PATIENCE_S: Final = 15.0  # for a whole body
PER_ADDRESS: Final = (2, 20)  # a second, at once: a whole kelurahan may stand behind one address
ALTOGETHER: Final = (50, 100)
ADDRESSES_MAX: Final = 4096

Noted = Callable[[Request, Slot], None]
"""Called once for each request that is new, before its box is told that it waits."""


class Rates:
    """How often anybody may knock. Strangers' addresses beyond ADDRESSES_MAX push out the oldest."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._all = Bucket(*ALTOGETHER)
        self._each: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """0: come in; else how many seconds to stay away."""
        now_ns = self._clock_ns()
        own = self._each.setdefault(address, Bucket(*PER_ADDRESS))
        self._each.move_to_end(address)
        if len(self._each) > ADDRESSES_MAX:
            self._each.popitem(last=False)
        wait_ns = own.wait_ns(now_ns) or self._all.wait_ns(now_ns)
        return -(-wait_ns // SECOND_NS)


class Door:
    """What the door answers. clock: seconds since 1970."""

    def __init__(self, places: CentrePlaces, noted: Noted, clock: Callable[[], float] = time.time) -> None:
        self._places = places
        self._invited = Invited(places.invited)
        self._noted = noted
        self._clock = clock
        self._rates = Rates(time.monotonic_ns)

    def app(self) -> Starlette:
        routes = [
            Route("/authority", self._authority, methods=["GET"]),
            Route("/enrolment", self._look, methods=["GET"]),
            Route("/enrolment", self._ask, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def _authority(self, asked: Asked) -> Response:
        if refusal := self._too_often(asked):
            return refusal
        return PlainTextResponse((self._places.certificates / "ca.pem").read_bytes())

    async def _look(self, asked: Asked) -> Response:
        if refusal := self._too_often(asked):
            return refusal
        slot = await run_in_threadpool(self._slot, asked)
        return _unknown() if slot is None else _told(slot)

    async def _ask(self, asked: Asked) -> Response:
        if refusal := self._too_often(asked):
            return refusal
        slot = await run_in_threadpool(self._slot, asked)
        if slot is None:
            return _unknown()
        body = await _body(asked)
        if body is None:
            return PlainTextResponse("too large, or too slow\n", 413)
        return await run_in_threadpool(self._taken, slot, body)

    def _taken(self, slot: Slot, body: bytes) -> Response:
        try:
            raw = content_of(Kind.REQUEST, body.decode("ascii", "replace"))
            request = read_request(raw)
            slot.claim(request, self._clock())
        except TokenUsed as error:
            return PlainTextResponse(f"{error}\n", 403)
        except (Unreadable, Forged, NotAdmissible) as error:
            return PlainTextResponse(f"{error}\n", 422)
        if slot.answer is None and slot.ask(raw):
            self._noted(request, slot)
        return _told(slot)

    def _slot(self, asked: Asked) -> Slot | None:
        kind, _, word = asked.headers.get("authorization", "").partition(" ")
        with contextlib.suppress(binascii.Error, ValueError):
            if kind.lower() == "bearer" and len(word) <= 64:
                return self._invited.find(sha256(base64.b32decode(word)))
        return None

    def _too_often(self, asked: Asked) -> Response | None:
        wait_s = self._rates.wait_s(asked.client.host if asked.client else "")
        return PlainTextResponse("later\n", 429, {"Retry-After": str(wait_s)}) if wait_s else None


def _told(slot: Slot) -> Response:
    answer = slot.answer
    return PlainTextResponse("waiting\n", 202) if answer is None else PlainTextResponse(lines_of(Kind.ANSWER, answer))


def _unknown() -> Response:
    """One answer for a token that never was, one that has ended, and none."""
    return PlainTextResponse("no such token\n", 401, {"WWW-Authenticate": "Bearer"})


async def _body(asked: Asked) -> bytes | None:
    """None for a body that is larger than BODY_MAX, whatever its header says, or takes longer than PATIENCE_S."""
    body = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            async for part in asked.stream():
                body += part
                if len(body) > BODY_MAX:
                    return None
            return body
    return None
