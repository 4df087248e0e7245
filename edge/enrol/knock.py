"""The way to the centre's door. The first contact is authenticated by the token: it names the authority by its SHA-256.

The authority's certificate is fetched from the door itself over a connection that proves nothing, and believed only if
it is the one of the token; everything that is said with the token goes over a second connection that it must vouch for.
"""

import base64
import http.client
import ssl
import time
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from edge.enrol.forms import Invitation
from edge.enrol.tls_key import authority_print

PATIENCE_S: Final = 15.0
LOOK_EVERY_S: Final = 3.0
ANSWER_MAX: Final = 256 * 1024
_HEADERS: Final = {"Connection": "close"}
_Said = TypeVar("_Said")


class DoorAway(OSError):
    """Nobody answers there, or somebody who is not the one the token names."""


class DoorRefuses(ValueError):
    """The door is the right one and says no; the text is its own."""


class DoorBusy(DoorAway):
    """The door asks to come again. seconds: when."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds:g} s")
        self.seconds: Final = seconds


def fetched(invitation: Invitation, request: str, wait_s: float, waiting: Callable[[], None]) -> str | None:
    """Hand a request over and look again until a person at the centre has said yes; None: nobody has, so far.

    request: lines of Kind.REQUEST; the answer's lines are returned
    waiting: called once, when the request lies there and there is no answer yet
    raises:  DoorAway, DoorRefuses; asking again later does no harm
    """
    deadline, knock = time.monotonic() + wait_s, Knock(invitation)
    _patiently(knock.meet, deadline)
    answer = _patiently(lambda: knock.ask(request), deadline)
    if answer is None:
        waiting()
    while answer is None and (left_s := deadline - time.monotonic()) > 0:
        time.sleep(min(LOOK_EVERY_S, left_s))
        answer = _patiently(knock.look, deadline)
    return answer


def _patiently(step: Callable[[], _Said], deadline: float) -> _Said:
    while True:
        try:
            return step()
        except DoorBusy as busy:
            if time.monotonic() + busy.seconds > deadline:
                raise
            time.sleep(busy.seconds)


class Knock:
    """One token's conversation with its door."""

    def __init__(self, invitation: Invitation) -> None:
        self._address: Final = urlsplit(invitation.door)
        secret = base64.b32encode(invitation.secret).decode("ascii")
        self._bearer: Final = {**_HEADERS, "Authorization": f"Bearer {secret}", "Content-Type": "text/plain"}
        self._authority: Final = invitation.authority
        self._trusting: ssl.SSLContext | None = None

    def meet(self) -> None:
        """Fetch the authority and make sure that it is the token's. Raises DoorAway, DoorBusy."""
        unproved = ssl.create_default_context()
        unproved.check_hostname, unproved.verify_mode = False, ssl.CERT_NONE
        pem = self._said(unproved, "GET", "/authority", _HEADERS)[1]
        try:
            good = authority_print(pem) == self._authority
            self._trusting = ssl.create_default_context(cadata=pem.decode("ascii"))
        except (ValueError, ssl.SSLError) as error:
            raise DoorAway("its authority is no certificate") from error
        if not good:
            raise DoorAway("its authority is not the token's")

    def ask(self, text: str) -> str | None:
        """Hand a request over; the answer if it is there already. Raises DoorAway, DoorBusy, DoorRefuses."""
        return self._told("POST", text.encode("ascii"))

    def look(self) -> str | None:
        """Whether an answer is there. Raises as `ask`."""
        return self._told("GET")

    def _told(self, method: str, body: bytes | None = None) -> str | None:
        if self._trusting is None:
            raise RuntimeError("meet first")
        status, said = self._said(self._trusting, method, "/enrolment", self._bearer, body)
        text = said.decode("ascii", "replace")
        if status in {200, 202}:
            return text if status == 200 else None
        raise DoorRefuses(text.strip()[:200] or str(status))

    def _said(
        self, context: ssl.SSLContext, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        host, port = self._address.hostname or "", self._address.port
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE_S, context=context)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read(ANSWER_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise DoorAway(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if answer.status in {429, 503}:
            wait = answer.getheader("Retry-After", "5")
            raise DoorBusy(float(wait) if wait.isdecimal() else 5.0)
        return answer.status, said
