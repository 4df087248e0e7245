"""SOAP with one camera: how it wants to be told who we are, and what its refusals mean."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final, NoReturn

from drivers.camera import ClockWrong, Login, NotOffered, NotOnvif, WrongPassword
from drivers.clock import Clock
from drivers.digest import choose
from drivers.lan import Answer, Ask, Deadline, Lan, Refused
from drivers.learned import Learned
from drivers.onvif_client import Port, Vendor
from drivers.places import Place
from drivers.soap import Envelope, Gone, Meaning, Taken, read_envelope, written

SECOND_NS: Final = 1_000_000_000
HALF_SECOND: Final = timedelta(seconds=0.5)  # a camera tells whole seconds, the one that has begun
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_AGREE_S: Final = 2.0  # two readings nearer than this are one clock: a refusal is about the password


class Scheme(Enum):
    """How this camera wants to be told who we are."""

    UNKNOWN = auto()  # asked without a login first: its refusal tells
    DIGEST = auto()  # HTTP Digest
    TOKEN = auto()  # WS-Security UsernameToken


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. to: what WS-Addressing is told, where that is not the place; headers: elements for its header.

    free:     asked without a login whatever happens
    optional: a refusal is this operation's alone, and says nothing of the login
    """

    port: Port
    operation: str
    place: Place
    to: str = ""
    headers: tuple[Any, ...] = ()
    free: bool = False
    optional: bool = False


class Dialogue:
    """SOAP with one camera, past its door. Not for several threads at once.

    A login is sent only after the camera asked for one: as HTTP Digest where it offers that, else as a token made with
    its own clock. One refusal ends it. Values come back as zeep makes them: their reader trusts none of them.
    """

    def __init__(
        self, vendor: Vendor, lan: Lan, known: Learned, *, device: Place, login: Login | None, clock: Clock
    ) -> None:
        self.lan, self._known = lan, known
        self._vendor, self._device, self._login, self._clock = vendor, device, login, clock
        self._bridge = _Bridge(lan, clock)
        self._scheme = Scheme.UNKNOWN
        self._clients: dict[Port, Any] = {}

    def call(self, call: Call, until: Deadline, **arguments: Any) -> Any:
        """What zeep reads of the answer. Raises CameraFault."""
        envelope = self.ask(call, until, **arguments)
        try:
            return self._binding(call).get(call.operation).process_reply(envelope.root)
        except Exception:  # noqa: BLE001 - zeep has no root of its errors, and their texts quote the camera
            raise NotOnvif("its answer is not what the ONVIF documents say") from None

    def ask(self, call: Call, until: Deadline, **arguments: Any) -> Envelope:
        """The answer's envelope, read by nobody but `drivers.soap`. Raises CameraFault."""

        def send(scheme: Scheme) -> Envelope:
            return self._send(call, until, arguments, scheme)

        try:
            if call.free or self._login is None or self._scheme is Scheme.UNKNOWN:
                return send(Scheme.UNKNOWN)
        except _Turned as turned:
            self._scheme = self._learnt(call, turned.heard)
        try:
            return send(self._scheme)
        except _Turned as turned:
            self._judge(call, turned.heard, until)
        try:
            return send(self._scheme)
        except _Turned as turned:
            self._refuse(call, turned.heard.refused)

    def read_clock(self, until: Deadline) -> int:
        """Ask for its time, without a login; its UTC minus the boot clock, in ns.

        Where only those who log in are told, the Date of its refusal counts.
        raises: CameraFault; ClockWrong where it tells no time at all
        """
        call = Call(Port.DEVICE, "GetSystemDateAndTime", self._device, free=True)
        try:
            told = _moment(self.call(call, until))
        except WrongPassword:
            told = None
        told = told + HALF_SECOND if told else _date(self._bridge.date)
        if told is None:
            raise ClockWrong("it does not tell its time")
        self._known.ahead_ns = _ns(told) - self._bridge.middle_ns
        return self._known.ahead_ns

    def _learnt(self, call: Call, heard: "_Heard") -> Scheme:
        """How to come in, of a refusal of somebody who did not say who he is."""
        _check_login(heard.refused)
        if call.free or self._login is None:
            raise WrongPassword("it answers nobody without a login")
        if heard.envelope is None and heard.answer.challenges and choose(heard.answer.challenges) is None:
            raise NotOffered("it wants the password in the clear: it is not given")
        asks = heard.answer.status == HTTPStatus.UNAUTHORIZED and choose(heard.answer.challenges)
        return Scheme.DIGEST if asks else Scheme.TOKEN

    def _judge(self, call: Call, heard: "_Heard", until: Deadline) -> None:
        """Return where a second try is not a second guess: the camera's clock is not what the token was made with."""
        _check_login(heard.refused)
        used = self._known.ahead_ns
        if self._scheme is not Scheme.TOKEN or call.optional or used is None:
            self._refuse(call, heard.refused)
        if abs(self.read_clock(until) - used) < CLOCKS_AGREE_S * SECOND_NS:
            self._refuse(call, heard.refused)

    def _refuse(self, call: Call, meaning: Meaning | None) -> NoReturn:
        _check_login(meaning)
        if call.optional:
            raise NotOffered("this user may not ask for it")
        refused = self.lan.spent()
        if meaning is Meaning.CLOCK:
            raise ClockWrong("it refuses the login because of the time, and its clock is not the one it tells")
        raise refused

    def _send(self, call: Call, until: Deadline, arguments: dict[str, Any], scheme: Scheme) -> Envelope:
        """Made and carried by zeep, read by us: what was checked is what is read. Raises CameraFault, _Turned."""
        client = self._client(call.port)
        client.wsse = self._proof(until) if scheme is Scheme.TOKEN else None
        self._bridge.prepare(call, until, authorised=scheme is Scheme.DIGEST)
        options = {"address": call.to or self._address(call.place)}
        given = {**arguments, "_soapheaders": list(call.headers) or None}
        heard: Envelope = self._binding(call).send(client, options, call.operation, (), given)
        return heard

    def _binding(self, call: Call) -> Any:
        """Itself, not a proxy of it: that would list every operation for each call."""
        _, namespace, name = call.port.value
        return self._client(call.port).wsdl.bindings[f"{{{namespace}}}{name}"]

    def _client(self, port: Port) -> Any:
        if port not in self._clients:
            self._clients[port] = self._vendor.client(port, self._bridge)
        return self._clients[port]

    def _address(self, place: Place) -> str:
        return f"http://{self.lan.address.host}:{place.ports[0]}{place.target}"

    def _proof(self, until: Deadline) -> Any:
        """A token of this moment, as the camera counts it: our own wall clock has no part in it."""
        if self.lan.door.spent:
            raise Refused("this login was refused before: it is not tried again")
        assert self._login is not None
        ahead_ns = self._known.ahead_ns if self._known.ahead_ns is not None else self.read_clock(until)
        token = self._vendor.token(self._login)
        token.created = EPOCH.replace(tzinfo=None) + timedelta(microseconds=(self._clock() + ahead_ns) // 1000)
        return token


@dataclass(frozen=True, slots=True)
class _Heard:
    """refused: what its fault means, None for none; envelope: None where a page came instead."""

    answer: Answer
    envelope: Envelope | None
    refused: Meaning | None


class _Turned(Exception):
    """A refusal."""

    def __init__(self, heard: _Heard) -> None:
        super().__init__()
        self.heard = heard


class _Bridge:
    """zeep's transport: one envelope out, one looked-at envelope in.

    date: of the last answer, as it came; middle_ns: between that question and its answer, boot clock
    """

    def __init__(self, lan: Lan, clock: Clock) -> None:
        self.date, self.middle_ns = "", 0
        self._clock = clock
        self._lan = lan

    def prepare(self, call: Call, until: Deadline, *, authorised: bool) -> None:
        self._call, self._until, self._authorised = call, until, authorised

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Envelope:
        """Raises CameraFault, _Turned."""
        del address  # what WS-Addressing was told: the call holds the place
        call = self._call
        ask = Ask(
            "POST", call.place, written(envelope), headers["Content-Type"], authorised=self._authorised,
            optional=call.optional,
        )  # fmt: skip
        asked_ns = self._clock()
        answer = self._lan.ask(ask, self._until)
        self.middle_ns = (asked_ns + self._clock()) // 2
        self.date = answer.date
        heard = _heard(answer)
        if heard.refused is not None or heard.envelope is None:
            raise _Turned(heard)
        return heard.envelope


def _heard(answer: Answer) -> _Heard:
    """Raises NotOnvif, Hostile."""
    page = answer.kind == "text/html"
    if answer.status in {401, 403}:
        envelope = None if page else _envelope(answer.body)
        clock = envelope is not None and envelope.fault is Meaning.CLOCK
        return _Heard(answer, envelope, Meaning.CLOCK if clock else Meaning.LOGIN)
    if page or answer.status in {404, 405}:
        raise NotOnvif("there is no ONVIF service at this place")
    envelope = read_envelope(answer.body)
    return _Heard(
        answer, envelope, Meaning.OTHER if answer.status >= 400 and envelope.fault is None else envelope.fault
    )


def _envelope(raw: bytes) -> Envelope | None:
    try:
        return read_envelope(raw)
    except NotOnvif:
        return None


def _check_login(meaning: Meaning | None) -> None:
    """Return where a refusal is about who we are. Raises NotOffered, Gone, Taken."""
    if meaning is Meaning.GONE:
        raise Gone("the subscription is gone")
    if meaning is Meaning.FULL:
        raise Taken("all its subscriptions are taken")
    if meaning is Meaning.MISSING:
        raise NotOffered("it has no such operation")
    if meaning is Meaning.OTHER:
        raise NotOffered("it refuses this request")


def _moment(told: Any) -> datetime | None:
    """UTC of a GetSystemDateAndTimeResponse; None where there is none, or no such date."""
    try:
        date, time = told.UTCDateTime.Date, told.UTCDateTime.Time
        return datetime(date.Year, date.Month, date.Day, time.Hour, time.Minute, min(time.Second, 59), tzinfo=UTC)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _date(header: str) -> datetime | None:
    """Of an HTTP Date header."""
    try:
        when = parsedate_to_datetime(header) + HALF_SECOND
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _ns(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1) * 1000
