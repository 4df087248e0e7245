"""A press is never lost: whole lives of a contact against an oracle that sees the finished waveform."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.debounce import SETTLE_NS, Debouncer, Timing
from edge.core.words import Brief, Contact, LostEdge, Pressed, Released, Touched, ZoneId

ZONE = ZoneId("masjid")
MS = 1_000_000
END_NS = 10_000 * 1_000 * MS

timings = st.builds(Timing, hold_ns=st.sampled_from([0, 30 * MS, 300 * MS, 1000 * MS]), stuck_ns=st.none())


def waveforms(timing: Timing) -> st.SearchStrategy[list[int]]:
    """A contact closed and open in turns: bounce, people, and what lies close to a decision."""
    bounce = st.integers(1, 45 * MS)
    person = st.integers(200 * MS, 1500 * MS)
    close = st.integers(-19 * MS, 19 * MS).map(lambda ns: max(1, timing.hold_ns + ns))
    lengths = st.one_of(bounce, person, close, close, st.sampled_from([SETTLE_NS, max(1, timing.hold_ns)]))
    return st.lists(st.tuples(lengths, lengths), min_size=1, max_size=8).map(
        lambda pairs: [n for p in pairs for n in p]
    )


lives = timings.flatmap(lambda timing: st.tuples(st.just(timing), waveforms(timing)))


@dataclass(frozen=True)
class Edge:
    active: bool
    at_ns: int


def edges_of(waveform: list[int]) -> list[Edge]:
    edges, at_ns = [], 1000 * MS
    for number, length_ns in enumerate(waveform):
        edges.append(Edge(number % 2 == 0, at_ns))
        at_ns += length_ns
    return edges


def truth(edges: list[Edge], timing: Timing) -> list[Contact]:
    """What a person did, read from the finished waveform: closings with shorter openings between are one."""
    presses: list[list[int]] = []
    for closing, opening in zip(edges[::2], edges[1::2], strict=True):
        if presses and closing.at_ns - presses[-1][1] < timing.settle_ns:
            presses[-1][1] = opening.at_ns
        else:
            presses.append([closing.at_ns, opening.at_ns])
    happened: list[Contact] = []
    for start_ns, end_ns in presses:
        held = end_ns - start_ns >= timing.hold_ns
        happened.append(Touched(ZONE, start_ns))
        happened.append(Pressed(ZONE, start_ns, -1) if held else Brief(ZONE, start_ns, end_ns - start_ns))
        happened += [Released(ZONE, end_ns)] if held else []
    return happened


def without_length(happened: list[Contact]) -> list[Contact]:
    return [Pressed(each.zone, each.at_ns, -1) if isinstance(each, Pressed) else each for each in happened]


@settings(max_examples=300, deadline=None)
@given(lives)
def test_every_press_is_judged_as_the_finished_waveform_says(life: tuple[Timing, list[int]]) -> None:
    timing, waveform = life
    edges = edges_of(waveform)
    contact = Debouncer(ZONE, timing)
    happened = contact.start(active=False, now_ns=0)
    for edge in edges:
        happened += contact.edge(active=edge.active, at_ns=edge.at_ns)
    happened += contact.advance(END_NS, level=False)
    assert without_length(happened) == truth(edges, timing)
    assert all(each.held_ns >= timing.hold_ns for each in happened if isinstance(each, Pressed))
    assert contact.due_ns is None


@settings(max_examples=300, deadline=None)
@given(lives, st.data())
def test_timestamps_decide_and_not_when_the_edges_arrive(life: tuple[Timing, list[int]], data: st.DataObject) -> None:
    """Edges wait up to 99 ms in a queue while a loop reads the level, and now and then nobody runs at all for 300 ms.

    A pulse that lies in the queue whole is left out: nobody can see it before the decision that it would change.
    """
    stall_ns = data.draw(st.sampled_from([0, 300 * MS]))
    timing, waveform = life[0], [max(each, stall_ns + 100 * MS) for each in life[1]]
    edges = edges_of(waveform)
    stalls = [(at, at + stall_ns) for at in data.draw(st.lists(st.integers(900 * MS, edges[-1].at_ns), max_size=3))]
    delays = data.draw(st.sampled_from([st.just(99 * MS), st.integers(0, 99 * MS)]))
    arrivals: list[tuple[int, Edge]] = []
    last_ns = 0
    for edge in edges:
        last_ns = max(last_ns, resumed(edge.at_ns, stalls) + data.draw(delays))
        arrivals.append((resumed(last_ns, stalls), edge))
    step_ns = data.draw(st.sampled_from([2 * MS, 7 * MS, 19 * MS]))
    reads = {resumed(at, stalls) for at in range(990 * MS, edges[-1].at_ns + 400 * MS, step_ns)}
    contact = Debouncer(ZONE, timing)
    happened = contact.start(active=False, now_ns=0)
    turns: list[tuple[int, Edge | None]] = [*arrivals, *((at, None) for at in reads)]
    for now_ns, arrived in sorted(turns, key=lambda turn: (turn[0], turn[1] is None)):
        if arrived is not None:
            happened += contact.edge(active=arrived.active, at_ns=arrived.at_ns)
        else:
            happened += contact.advance(now_ns, level=level_at(edges, now_ns))
    happened += contact.advance(END_NS, level=False)
    assert without_length(happened) == truth(edges, timing)


def resumed(at_ns: int, stalls: list[tuple[int, int]]) -> int:
    """When what should happen at this time happens: nothing does while everybody is held up."""
    for since_ns, until_ns in sorted(stalls):
        at_ns = until_ns if since_ns <= at_ns < until_ns else at_ns
    return at_ns


def level_at(edges: list[Edge], now_ns: int) -> bool:
    return next((edge.active for edge in reversed(edges) if edge.at_ns <= now_ns), False)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(150 * MS, 3000 * MS), st.integers(150 * MS, 2000 * MS)), min_size=1, max_size=8),
    st.data(),
)
def test_a_press_is_never_lost_though_edges_are(presses: list[tuple[int, int]], data: st.DataObject) -> None:
    """Any edge may be lost; the level is read every 10 ms. Each press held 120 ms beyond its hold is pressed once."""
    timing = Timing(hold_ns=300 * MS, stuck_ns=None)
    edges = edges_of([length for press in presses for length in press])
    arriving = [edge for edge in edges if data.draw(st.booleans())]
    contact = Debouncer(ZONE, timing)
    happened = contact.start(active=False, now_ns=0)
    for now_ns in range(1000 * MS, edges[-1].at_ns + 200 * MS, 10 * MS):
        while arriving and arriving[0].at_ns <= now_ns:
            edge = arriving.pop(0)
            happened += contact.edge(active=edge.active, at_ns=edge.at_ns)
        happened += contact.advance(now_ns, level=level_at(edges, now_ns))
    starts = [each.at_ns for each in happened if isinstance(each, Pressed)]
    for closing, opening in zip(edges[::2], edges[1::2], strict=True):
        matching = [at for at in starts if closing.at_ns <= at <= opening.at_ns]
        if opening.at_ns - closing.at_ns >= timing.hold_ns + 120 * MS:
            assert len(matching) == 1
        if opening.at_ns - closing.at_ns < timing.hold_ns - 120 * MS:
            assert matching == []


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 100_000 * MS), st.sampled_from([None, False, True])), max_size=60),
    timings,
)
def test_no_order_of_edges_and_reads_breaks_it(turns: list[tuple[bool, int, bool | None]], timing: Timing) -> None:
    contact = Debouncer(ZONE, timing)
    happened = contact.start(active=False, now_ns=0)
    for active, at_ns, level in turns:
        happened += contact.edge(active=active, at_ns=at_ns) if level is None else contact.advance(at_ns, level=level)
    for later in range(8):  # a level that contradicts is looked at several times before it is believed
        happened += contact.advance(END_NS + later * 1000 * MS, level=False)
    kinds = [each for each in happened if not isinstance(each, LostEdge)]
    while kinds:
        touched, decided, *kinds = kinds
        assert isinstance(touched, Touched)
        assert isinstance(decided, Brief | Pressed)
        if isinstance(decided, Pressed):
            released, *kinds = kinds
            assert isinstance(released, Released)
