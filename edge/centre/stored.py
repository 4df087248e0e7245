"""The store, read for what looks outward (forwarding, metrics): read-only, and never for longer than one look."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from edge.centre.database import Asking, Where, asking
from edge.centre.postbox import Row
from edge.centre.snapshot import Beat, Missing, Presence, Told
from edge.centre.times import Times
from edge.core.timing import Corrected

_AFTER: Final = (
    "SELECT arrival, box, class, epoch, seq, digest FROM event WHERE arrival > :arrival ORDER BY arrival LIMIT :limit"
)
_TOLD: Final = (
    "SELECT arrival, box, class, name, subject, epoch, seq, CASE WHEN name IN ('trouble', 'restoral') THEN raw END"
    " AS raw FROM event WHERE arrival > :arrival ORDER BY arrival LIMIT :limit"
)
_PICTURES: Final = (
    "SELECT CASE WHEN sealed IS NOT NULL THEN 'here' WHEN deleted_ns > 0 THEN 'deleted' ELSE 'on-its-way' END AS state,"
    " count(*) AS n FROM picture GROUP BY 1"
)
_BEHIND: Final = "SELECT box, epoch, reach, head FROM epoch WHERE reach < head ORDER BY box, epoch LIMIT :limit"
_SPANS: Final = (
    "SELECT seq AS first, seq AS last FROM event WHERE box = :box AND epoch = :epoch AND seq > :reach"
    " UNION SELECT first, last FROM lost WHERE box = :box AND epoch = :epoch AND last > :reach ORDER BY first, last"
)


class Feed:
    """For forwarding: each question is a look of its own, so that what has just been stored is seen."""

    def __init__(self, where: Where) -> None:
        self._where = where

    def after(self, arrival: int, limit: int) -> list[Row]:
        """Nothing ever appears below an arrival that was seen: writers commit in its order."""
        with asking(self._where) as store:
            return [
                Row(row["arrival"], row["box"], row["class"], f"{row['epoch']}.{row['seq']}", bytes(row["digest"]))
                for row in store.query(_AFTER, arrival=arrival, limit=limit)
            ]

    def digest(self, arrival: int) -> bytes | None:
        return self._bytes("SELECT digest AS found FROM event WHERE arrival = :arrival", arrival)

    def raw(self, arrival: int) -> bytes | None:
        return self._bytes("SELECT raw AS found FROM event WHERE arrival = :arrival", arrival)

    def corrected(self, arrival: int) -> Corrected | None:
        """When the event happened, by the anchors that are here now."""
        with asking(self._where) as store:
            row = next(store.query("SELECT box, raw FROM event WHERE arrival = :arrival", arrival=arrival), None)
            return None if row is None else Times(store.query).of_bytes(row["box"], row["raw"])

    def _bytes(self, question: str, arrival: int) -> bytes | None:
        with asking(self._where) as store:
            return next((bytes(row["found"]) for row in store.query(question, arrival=arrival)), None)


class Stored:
    """For metrics: one unchanging picture."""

    def __init__(self, store: Asking) -> None:
        self._ask = store.query

    def told(self, arrival: int, limit: int) -> list[Told]:
        return [
            Told(
                *(row["arrival"], row["box"], row["class"], row["name"], row["subject"], row["epoch"], row["seq"]),
                None if row["raw"] is None else bytes(row["raw"]),
            )
            for row in self._ask(_TOLD, arrival=arrival, limit=limit)
        ]

    def beats(self) -> list[Beat]:
        rows = self._ask("SELECT box, pending, received_ns, pending_ns, gauges FROM beat")
        return [
            Beat(row["box"], row["pending"], row["received_ns"], row["pending_ns"], msgspec.json.decode(row["gauges"]))
            for row in rows
        ]

    def presences(self) -> dict[str, Presence]:
        rows = self._ask("SELECT box, online, since_ns FROM presence")
        return {row["box"]: Presence(bool(row["online"]), row["since_ns"]) for row in rows}

    def ordinals(self) -> dict[tuple[str, str], int]:
        rows = self._ask("SELECT box, epoch, ordinal FROM epoch")
        return {(row["box"], row["epoch"]): row["ordinal"] or 0 for row in rows}

    def notices(self) -> dict[tuple[str, str], int]:
        """By code and box."""
        rows = self._ask("SELECT code, box, count(*) AS n FROM notice GROUP BY code, box")
        return {(row["code"], row["box"]): row["n"] for row in rows}

    def refusals(self, limit: int) -> dict[str, int]:
        """The most frequent first."""
        rows = self._ask("SELECT reason, count FROM refusal ORDER BY count DESC, reason LIMIT :limit", limit=limit)
        return {row["reason"]: row["count"] for row in rows}

    def pictures(self) -> dict[str, int]:
        """By state."""
        rows = self._ask(_PICTURES)
        return {row["state"]: row["n"] for row in rows}

    def refused(self) -> int:
        return int(next(self._ask("SELECT coalesce(sum(count), 0) AS n FROM refusal"))["n"])

    def missing(self, limit: int) -> list[Missing]:
        """How many sequences each box made and we lack, of no more than `limit` epochs."""
        counts = []
        for row in list(self._ask(_BEHIND, limit=limit)):
            box, epoch, reach, head = row["box"], row["epoch"], row["reach"], row["head"]
            spans = [(s["first"], s["last"]) for s in self._ask(_SPANS, box=box, epoch=epoch, reach=reach)]
            counts.append(Missing(box, lacking(spans, reach, head)))
        return counts


def lacking(spans: list[tuple[int, int]], reach: int, head: int) -> int:
    """How many of (reach, head] no span covers. spans: sorted."""
    count, upto = 0, reach
    for first, last in spans:
        count += max(0, min(first - 1, head) - upto)
        upto = max(upto, last)
    return count + max(0, head - upto)


@contextmanager
def opened(where: Where) -> Iterator[Stored]:
    """raises: FileNotFoundError, StoreFailed"""
    with asking(where) as store:
        yield Stored(store)
