"""What a camera notices: one PullPoint, kept alive while it is read, and taken off when it is not.

A death leaves at most the one subscription that it had: it ends by itself after LIFE_S, and where a `Left` is kept it
is taken off before the next is made.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

from drivers.camera import CameraFault, Happening, Noticed, NotOffered, NotOnvif
from drivers.clock import Clock
from drivers.dialogue import SECOND_NS, Call, Dialogue
from drivers.lan import Deadline, within
from drivers.learned import word
from drivers.onvif_client import Port
from drivers.places import Place, place_of
from drivers.soap import Element, Envelope, Gone

LIFE_S: Final = 60  # what is asked for; many cameras refuse less
SHORTEST_S: Final = 5.0  # of what was granted: less cannot be renewed in time
LONGEST_PULL_S: Final = 20.0  # a camera that sleeps longer is not heard to be gone
ANSWER_S: Final = 4.0  # beyond the wait that was asked for
MESSAGES: Final = 32  # of one answer
PARAMETERS: Final = 8  # of a subscription's reference
CLOSE_S: Final = 4.0  # to take it off; a camera that does not answer by then lets it end by itself
WSA: Final = "http://www.w3.org/2005/08/addressing"

# By words of the topic, whatever the prefixes: ONVIF Imaging, Analytics and Device topics and what makers made of them
TOPICS: Final = {
    "CellMotionDetector": Happening.MOTION,
    "MotionRegionDetector": Happening.MOTION,
    "MotionAlarm": Happening.MOTION,
    "MotionDetector": Happening.MOTION,
    "VideoMotion": Happening.MOTION,
    "TamperDetector": Happening.TAMPER,
    "Tamper": Happening.TAMPER,
    "GlobalSceneChange": Happening.TAMPER,
    "ImageTooBlurry": Happening.TAMPER,
    "ImageTooDark": Happening.TAMPER,
    "ImageTooBright": Happening.TAMPER,
    "SignalLoss": Happening.TAMPER,
    "VideoLoss": Happening.TAMPER,
    "DigitalInput": Happening.INPUT,
}
STATES: Final = {"IsMotion", "Motion", "State", "IsTamper", "Tamper", "LogicalState", "Value", "Active"}
STATES_KEPT: Final = 64  # parts of one camera whose state is remembered
TOPIC_LIMIT: Final = 256  # characters
ON: Final = {"true", "1", "on", "active", "yes"}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a subscription lies. address: as the camera wrote it; parameters: elements that it wants back."""

    place: Place
    address: str
    parameters: tuple[Element, ...] = ()


class Left:
    """Subscriptions that are open, by camera: a file in /run that a death leaves behind. Without a path: nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = Lock()

    def note(self, key: str, address: str) -> None:
        self._change(lambda open_: {**open_, key: address})

    def forget(self, key: str) -> None:
        self._change(lambda open_: {name: address for name, address in open_.items() if name != key})

    def found(self, key: str) -> str:
        """The address of one that nobody took off; "" for none."""
        with self._lock:
            return self._read().get(key, "")

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Where the file cannot be written, a death leaves more behind, and nothing else happens."""
        if self._path is None:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        with self._lock, suppress(OSError):
            fresh.write_text(json.dumps(change(self._read())), encoding="utf-8")
            fresh.replace(self._path)

    def _read(self) -> dict[str, str]:
        try:
            read = json.loads(self._path.read_bytes()) if self._path else {}
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}


class PullPoint:
    """A `drivers.camera.Subscription`."""

    def __init__(self, dialogue: Dialogue, events: Place, left: Left, clock: Clock) -> None:
        """Nothing is sent yet: `open` subscribes."""
        self._dialogue, self._events, self._left, self._clock = dialogue, events, left, clock
        self._key = str(dialogue.lan.address)
        self._reference: Reference | None = None
        self._renew_at_ns = 0
        self._states: dict[tuple[Happening, str], bool] = {}

    def open(self, until: Deadline) -> None:
        """Take off what a death of ours left on this camera, then subscribe. Raises CameraFault."""
        self._take_off_left(until.at_most(CLOSE_S))
        call = Call(Port.EVENTS, "CreatePullPointSubscription", self._events)
        envelope = self._dialogue.ask(call, until, InitialTerminationTime=f"PT{LIFE_S}S")
        self._reference = _reference(envelope, self._dialogue)
        self._left.note(self._key, self._reference.address)
        self._granted(envelope)

    def pull(self, within_s: float) -> list[Noticed]:
        """As `Subscription.pull`; what did not change since the last message is not told again."""
        reference = self._open_reference()
        if self._clock() >= self._renew_at_ns:
            self._renew(reference)
        wait_s = max(1, int(min(within_s, LONGEST_PULL_S)))
        call = self._call(Port.PULL, "PullMessages", reference)
        try:
            envelope = self._dialogue.ask(
                call, within(wait_s + ANSWER_S), Timeout=f"PT{wait_s}S", MessageLimit=MESSAGES
            )
        except Gone:
            self._end()
            raise
        at_ns = self._clock()
        return [Noticed(what, active, source, at_ns) for what, active, source in self._changes(envelope)]

    def close(self) -> None:
        if self._reference is not None:
            self._unsubscribe(self._reference, within(CLOSE_S))
        self._end()

    def _open_reference(self) -> Reference:
        if self._reference is None:
            raise Gone("the subscription is gone")
        return self._reference

    def _end(self) -> None:
        self._reference = None
        self._left.forget(self._key)

    def _call(self, port: Port, operation: str, reference: Reference) -> Call:
        return Call(port, operation, reference.place, to=reference.address, headers=reference.parameters)

    def _renew(self, reference: Reference) -> None:
        """A camera without Renew keeps a subscription alive by its pulls, or lets it go: the next pull tells."""
        try:
            call = self._call(Port.MANAGER, "Renew", reference)
            envelope = self._dialogue.ask(call, within(ANSWER_S), TerminationTime=f"PT{LIFE_S}S")
        except Gone:
            self._end()
            raise
        except NotOffered:
            self._renew_at_ns = self._clock() + LIFE_S // 2 * SECOND_NS
        else:
            self._granted(envelope)

    def _granted(self, envelope: Envelope) -> None:
        """Renew at half of what was granted, counted on our clock: the camera's only tells how long it is."""
        times = {name: _time(envelope.body, name) for name in ("CurrentTime", "TerminationTime")}
        granted_s = float(LIFE_S)
        if (begin := times["CurrentTime"]) is not None and (end := times["TerminationTime"]) is not None:
            granted_s = min(max((end - begin).total_seconds(), SHORTEST_S), float(LIFE_S))
        self._renew_at_ns = self._clock() + int(granted_s / 2 * SECOND_NS)

    def _take_off_left(self, until: Deadline) -> None:
        address = self._left.found(self._key)
        place = place_of(address, self._dialogue.lan.address)
        if place is not None:
            self._unsubscribe(Reference(place, address), until)
        self._left.forget(self._key)

    def _unsubscribe(self, reference: Reference, until: Deadline) -> None:
        with suppress(CameraFault):
            self._dialogue.ask(self._call(Port.MANAGER, "Unsubscribe", reference), until)

    def _changes(self, envelope: Envelope) -> Iterator[tuple[Happening, bool, str]]:
        """Of a state that was there before us only that something is going on is news."""
        for what, active, source in happenings(envelope):
            before = self._states.get((what, source), False)
            self._states[what, source] = active
            if len(self._states) > STATES_KEPT:
                del self._states[next(iter(self._states))]
            if before != active:
                yield what, active, source


def happenings(envelope: Envelope) -> Iterator[tuple[Happening, bool, str]]:
    """What a PullMessagesResponse tells of what we asked for, in its order: (what, active, source)."""
    for message in islice(envelope.body.iter("{*}NotificationMessage"), MESSAGES):
        what = _topic(message)
        told = message.find("{*}Message/{*}Message")
        if what is None or told is None or told.get("PropertyOperation") == "Deleted":
            continue
        state = _state(told)
        if state is not None:
            yield what, state, _source(told)


def _topic(message: Element) -> Happening | None:
    """By the words of its path; the last that we know says most."""
    topic = message.findtext("{*}Topic") or ""
    words = [step.rpartition(":")[2].strip() for step in topic[:TOPIC_LIMIT].split("/")]
    return next((TOPICS[name] for name in reversed(words) if name in TOPICS), None)


def _state(told: Element) -> bool | None:
    for item in told.iterfind("{*}Data/{*}SimpleItem"):
        if item.get("Name") in STATES:
            return (item.get("Value") or "").strip().lower() in ON
    return None


def _source(told: Element) -> str:
    item = told.find("{*}Source/{*}SimpleItem")
    return "" if item is None else word(item.get("Value"))


def _reference(envelope: Envelope, dialogue: Dialogue) -> Reference:
    """Raises NotOnvif where the camera tells no address that can be one."""
    said = envelope.body.find("*/{*}SubscriptionReference")
    address = "" if said is None else (said.findtext(f"{{{WSA}}}Address") or "").strip()
    place = place_of(address, dialogue.lan.address)
    if said is None or place is None:
        raise NotOnvif("it does not say where its subscription lies")
    parameters = said.find(f"{{{WSA}}}ReferenceParameters")
    return Reference(place, address, parameters_of(parameters))


def parameters_of(said: Element | None) -> tuple[Element, ...]:
    """Copies, marked as WS-Addressing wants them back (1.0 SOAP Binding, 3.4)."""
    kept = [deepcopy(element) for element in islice(said.iterchildren("*"), PARAMETERS)] if said is not None else []
    for element in kept:
        element.set(f"{{{WSA}}}IsReferenceParameter", "true")
        element.tail = None
    return tuple(kept)


def _time(body: Element, name: str) -> datetime | None:
    text = (body.findtext(f"*/{{*}}{name}") or "").strip()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
