from tests.bench.figures import Budget, Line, Spread, compare, left_out, table


def test_a_percentile_is_a_value_that_was_measured() -> None:
    measured = [number * 1_000_000 for number in range(1, 101)]
    assert Spread(51.0, 100.0) == Spread.of_ns(measured[::-1])
    assert Spread(7.0, 7.0) == Spread.of_ns([7_000_000])


def test_a_ratio_is_that_of_the_middles() -> None:
    line = compare("ours", [6_000_000, 5_000_000, 90_000_000], "bare", [2_000_000] * 3, Budget(2.5))
    assert line.ratio == 3.0
    assert not line.kept


def test_a_budget_judges_the_named_value_and_else_the_ratio() -> None:
    assert Line("drain", "", ratio=0.35, budget=Budget(0.35, at_most=False)).kept
    assert not Line("drain", "", ratio=0.34, budget=Budget(0.35, at_most=False)).kept
    assert Line("memory", "", ratio=3.0, budget=Budget(30.0), judged=29.9).kept
    assert not Line("memory", "", ratio=3.0, budget=Budget(30.0), judged=30.1).kept


def test_what_could_not_be_measured_is_told_and_breaks_nothing() -> None:
    line = left_out("press -> subscriber", "cannot be installed")
    assert line.kept
    assert "left out: cannot be installed" in table([line])


def test_the_table_marks_what_is_over_its_budget() -> None:
    lines = [Line("fast", "1 ms", ratio=1.0, budget=Budget(2.5)), Line("slow", "9 ms", ratio=9.0, budget=Budget(2.5))]
    _, fast, slow = table(lines).splitlines()
    assert fast.endswith("<= 2.5x  ok")
    assert slow.endswith("<= 2.5x  OVER")
