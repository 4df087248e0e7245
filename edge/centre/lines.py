"""One line per fact, with fixed keys: what the demo, the tests and a log collector read."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from edge.centre.ingest import Beaten, Fact, Ordered, Pictured, Refused, Seen, Taken
from edge.centre.session import Connected, Disconnected
from edge.core.faults import printable
from edge.core.timing import rfc3339
from edge.core.words import SECOND_NS, Json

Told = Fact | Connected | Disconnected
Line = Mapping[str, Json]

_FIRST: Final = ("at", "what")


def line_of(told: Told, now_ns: int) -> Line:
    """The same members for the same kind of fact, always; `what` says which kind."""
    what, members = _members(told)
    return {"at": rfc3339(now_ns), "what": what, **members}


def _members(told: Told) -> tuple[str, dict[str, Json]]:
    members: dict[str, Json]
    match told:
        case Taken():
            what, members = "event", _event(told)
        case Beaten(box, epoch, head, pending, asked):
            what, members = "beat", {"box": box, "epoch": epoch, "head": head, "pending": pending, "asked": asked}
        case Seen(box, online, site, walk_due):
            what, members = "online" if online else "offline", {"box": box, "site": site}
            members["walk_test"] = "due" if walk_due else None
        case Pictured(box, whole):
            what, members = "picture", {"box": box, "epoch": whole.id.epoch, "seq": whole.id.seq}
            members |= {"alarm": whole.alarm or None, "jti": whole.jti or None, "camera": whole.camera}
            members |= {"frame": whole.frame, "frames": whole.frames, "size": whole.size}
        case Ordered(order):
            what, members = "command", {"box": order.box, "name": order.name, "by": order.by, "jti": order.jti}
            members |= {name: order.args.get(name) for name in ("alarm", "ticket")}
        case Refused(reason, topic, size):
            what, members = "refused", {"reason": reason, "topic": topic, "size": size}
        case Connected(broker):
            what, members = "connected", {"broker": broker}
        case Disconnected(broker, cause, text, again_s):
            what, members = "disconnected", {"broker": broker, "cause": cause, "text": text}
            members["again_ms"] = round(again_s * 1000)
    return what, members


def _event(taken: Taken) -> dict[str, Json]:
    event = taken.event
    said: dict[str, Json] = {
        "kept": taken.kept.value,
        "box": event.box,
        "site": event.site,
        "class": event.event_class.value,
        "name": event.name,
        "epoch": event.id.epoch,
        "seq": event.id.seq,
        "subject": event.subject,
    }
    said |= {name: event.data.get(name) for name in ("alarm", "zone", "kind", "status", "presses", "cid")}
    corrected = rfc3339(taken.corrected.utc_ns) if taken.corrected else None
    said |= {"time": event.time, "timequality": event.time_quality, "corrected": corrected}
    said |= {"late_ms": _late_ms(corrected or event.time, taken.received_ns), "durable": taken.durable}
    return said


def _late_ms(time: str, received_ns: int) -> int | None:
    """From the press to our commit; honest only as far as the box's clock is, or its anchor."""
    try:
        labelled = datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return round(received_ns / (SECOND_NS // 1000) - labelled * 1000)


def as_json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False)


def as_text(line: Line) -> str:
    """`2026-11-23T13:05:22.417Z event kept=new box=ktg-... zone=pos-ronda`: absent members are left out."""
    shown = (f"{name}={_word(value)}" for name, value in line.items() if name not in _FIRST and value is not None)
    return " ".join([str(line["at"]), str(line["what"]), *shown])


def _word(value: Json) -> str:
    """A value as one word: no spaces and nothing a terminal would obey."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = printable(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text
