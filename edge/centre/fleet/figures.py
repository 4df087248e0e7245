"""What a simulation found: one frozen record, for people and for programs."""

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.centre.fleet.tally import Tally, at, peak
from edge.core.faults import Wording
from edge.core.retry import CAP_S, CAP_WITH_ALARM_S

GRACE_S: Final = 10.0  # beyond a cap: names, TCP, TLS, CONNACK, on a machine that does all ends of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Times in seconds. Where there was no restart, its figures are 0; where the store is not ours, `stored` is None.

    peak:            attempts to connect that fell due within one second, after the broker's end
    peak_dialled:    attempts that began within one second: due together, or late together on a busy machine
    peak_sent:       CONNECTs that left within one second: what the broker and this machine let through
    back, hurried:   the last box to be back after the broker accepts again: without an alarm, and with one that waited
    received:        alarms that a verified receipt covers
    stored, doubled: alarms in the store, and those there more than once
    latency:         press -> verified receipt: p50, p95, p99, longest; of presses while connected
    latency_away:    the same of presses without a connection
    reconnects:      sessions that ended, by cause; failures: attempts that brought none
    late:            how far this process was behind its own clock at its worst
    box_kb:          memory of this process by box
    """

    boxes: int
    tls: bool
    jitter: bool
    seed: int
    seconds: float
    peak_first: int
    peak: int
    peak_dialled: int
    peak_sent: int
    away: float
    not_back: int
    back: float
    hurried: float
    sent: int
    received: int
    stored: int | None
    doubled: int | None
    latency: tuple[float, float, float, float]
    latency_away: tuple[float, float, float, float]
    receipts: int
    asked: int
    reconnects: dict[str, int]
    failures: dict[str, int]
    refusals: dict[str, int]
    late: float
    box_kb: float

    @property
    def faults(self) -> list[str]:
        """What was promised and not kept; empty: everything was."""
        found = []
        if self.received != self.sent:
            found.append(f"{self.sent - self.received} of {self.sent} alarms without a receipt")
        if self.stored is not None and self.stored != self.sent:
            found.append(f"{self.sent} alarms sent, {self.stored} stored")
        if self.doubled:
            found.append(f"{self.doubled} alarms stored more than once")
        if self.not_back:
            found.append(f"{self.not_back} boxes not back")
        if self.back > CAP_S + GRACE_S or self.hurried > CAP_WITH_ALARM_S + GRACE_S:
            found.append(f"back after {self.back:.1f} s, with an alarm after {self.hurried:.1f} s")
        if self.refusals:
            found.append(f"refused: {self.refusals}")
        return found


def figures_of(
    tally: Tally, *, boxes: int, tls: bool, jitter: bool, seed: int, began_s: float, now_s: float,
    stored: tuple[int, int] | None,
) -> Figures:  # fmt: skip
    """stored: alarms in the store, and how many of them lie there more than once; None: not looked into."""
    outage = tally.outage
    ended_s = outage.ended_s if outage else float("inf")
    online = [tally.latencies[key] for key, press in tally.presses.items() if press.online and key in tally.latencies]
    away = [tally.latencies[key] for key, press in tally.presses.items() if not press.online and key in tally.latencies]
    return Figures(
        boxes=boxes, tls=tls, jitter=jitter, seed=seed, seconds=round(now_s - began_s, 1),
        peak_first=peak(moment for moment in tally.attempts if moment < ended_s),
        peak=peak(tally.attempts, ended_s), peak_dialled=peak(tally.dials, ended_s),
        peak_sent=peak(tally.connects, ended_s),
        away=round(outage.began_s - outage.ended_s, 3) if outage else 0.0,
        not_back=len(outage.away) if outage else 0,
        back=round(max(outage.back.values(), default=0.0), 2) if outage else 0.0,
        hurried=round(max(outage.hurried.values(), default=0.0), 2) if outage else 0.0,
        sent=len(tally.presses), received=len(tally.latencies),
        stored=stored[0] if stored else None, doubled=stored[1] if stored else None,
        latency=_spread(online), latency_away=_spread(away), receipts=tally.receipts, asked=tally.asked,
        reconnects=dict(tally.losses), failures=dict(tally.failures), refusals=dict(tally.refusals),
        late=round(tally.late_s, 3), box_kb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / boxes, 1),
    )  # fmt: skip


def _spread(measured: Iterable[float]) -> tuple[float, float, float, float]:
    ordered = sorted(measured)
    p50, p95, p99, longest = (round(at(ordered, part), 3) for part in (0.5, 0.95, 0.99, 1.0))
    return p50, p95, p99, longest


def lines_of(figures: Figures) -> list[Wording]:
    """One line a figure."""
    f = figures
    name = ("mTLS" if f.tls else "TCP") + ("" if f.jitter else ", tanpa jitter / no jitter")
    rows: list[tuple[str, str, str]] = [
        (f"boks, {name}", f"boxes, {name}", f"{f.boxes}"),
        ("puncak sambungan pertama", "peak of first attempts", f"{f.peak_first} /s"),
    ]
    if f.away:
        rows += [
            ("broker mati", "broker away", f"{f.away:.2f} s"),
            ("puncak setelah broker mati: jatuh tempo", "peak after the broker's end: due", f"{f.peak} /s"),
            ("puncak setelah broker mati: CONNECT", "peak after the broker's end: CONNECT", f"{f.peak_sent} /s"),
            ("semua kembali, tanpa alarm", "all back, without an alarm", f"{f.back:.1f} s"),
            ("semua kembali, dengan alarm", "all back, with an alarm", f"{f.hurried:.1f} s"),
            ("belum kembali", "not back", f"{f.not_back}"),
        ]
    once = "?" if f.stored is None or f.doubled is None else str(f.stored - f.doubled)
    rows += [
        ("alarm ditekan / berbukti / tepat sekali", "alarms pressed / receipted / exactly once",
         f"{f.sent} / {f.received} / {once}"),
        ("tekan -> bukti, tersambung, p50 p95 p99 maks", "press -> receipt, online, p50 p95 p99 max",
         " ".join(f"{each:.3f}" for each in f.latency) + " s"),
        ("tekan -> bukti, terputus, p50 p95 p99 maks", "press -> receipt, offline, p50 p95 p99 max",
         " ".join(f"{each:.3f}" for each in f.latency_away) + " s"),
        ("bukti terima / diminta lagi", "receipts / asked again", f"{f.receipts} / {f.asked}"),
        ("sesi berakhir", "sessions ended", _counted(f.reconnects)),
        ("percobaan gagal", "attempts that failed", _counted(f.failures)),
        ("simulator tertinggal / memori per boks", "simulator behind / memory by box",
         f"{f.late:.2f} s / {f.box_kb:.0f} kB"),
    ]  # fmt: skip
    return [Wording(f"  {left:<48} {value:>24}", f"  {right:<48} {value:>24}") for left, right, value in rows]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in sorted(counts.items())) or "0"
