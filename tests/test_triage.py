"""The usual range, and who needs a look."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from pipeline.cli.roster_words import range_lines, triage_lines
from pipeline.tables import BalanceSessions, DataFrame, Effects, Runs, Stability
from pipeline.triage import derive_normal_ranges, rank_athletes
from tests.simulate import START, make_log, make_tables

QUIET = np.zeros(1)


def tables_of(
    day: list[int], technical: list[float], epoch: list[str] | None = None
) -> tuple[DataFrame[Runs], DataFrame[Stability]]:
    values: NDArray[np.float64] = np.array(technical)
    runs, stability, _ = make_tables(np.array(day), values, np.full(len(day), 0.04), QUIET)
    if epoch is not None:
        runs = Runs.validate(runs.with_columns(device_epoch=pl.Series(epoch)))
    return runs, stability


SEVEN = [math.exp(x) for x in (-3.0, -2.9, -3.1, -2.8, -3.2, -3.0, -3.0)]


def test_the_range_by_hand() -> None:
    """Seven values: median, deviation, small-sample factor and t, multiplied out."""
    runs, stability = tables_of([*range(0, 21, 3), 21], [*SEVEN, 0.05])
    row = derive_normal_ranges(runs, stability).filter(terrain="technical").row(0, named=True)
    half = 2.446912 * 1.4826 * 1.140 * 0.1 * math.sqrt(1 + math.pi / 14)
    assert math.log(row["low"]) == pytest.approx(-3 - half, abs=1e-4)
    assert math.log(row["high"]) == pytest.approx(-3 + half, abs=1e-4)
    assert (row["n_runs"], row["value"]) == (7, pytest.approx(0.05))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.05, "within your usual range"), (0.09, "unsteadier than usual"), (0.02, "steadier than usual")],
)
def test_where_the_latest_run_lies_is_said(value: float, said: str) -> None:
    """One bad day is seen as such, or not."""
    runs, stability = tables_of([*range(0, 21, 3), 21], [*SEVEN, value])
    (line,) = range_lines(derive_normal_ranges(runs, stability).filter(terrain="technical"))
    assert said in " ".join(line.split())


@pytest.mark.parametrize(
    ("day", "epoch"),
    [
        ([0, 3, 6, 9, 12, 15], None),
        ([0, 3, 6, 9, 12, 80, 83], None),
        ([0, 3, 6, 9, 12, 15, 18, 21], ["old"] * 7 + ["new"]),
    ],
    ids=["five before", "a gap of weeks", "a new watch"],
)
def test_too_few_like_runs_have_no_range(day: list[int], epoch: list[str] | None) -> None:
    """Six runs of the last 8 weeks with the same watch are needed beside the latest."""
    assert derive_normal_ranges(*tables_of(day, [0.05] * len(day), epoch)).is_empty()


def test_the_range_holds_what_it_should() -> None:
    """Of 300 normal seasons with 16 runs the next run is inside in 90 to 97 %."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(300):
        values = np.exp(-3 + 0.15 * rng.standard_normal(17))
        ranges = derive_normal_ranges(*tables_of(list(range(0, 51, 3)), values.tolist()))
        row = ranges.filter(terrain="technical").row(0, named=True)
        inside += row["low"] <= row["value"] <= row["high"]
    assert 270 <= inside <= 291


def test_a_wild_run_hardly_moves_the_range() -> None:
    """One of sixteen values ten times as large changes each end by less than 10 %."""
    rng = np.random.default_rng(2)
    values = np.exp(-3 + 0.15 * rng.standard_normal(17))
    day = list(range(0, 51, 3))
    plain = derive_normal_ranges(*tables_of(day, values.tolist())).filter(terrain="technical")
    values[4] *= 10
    wild = derive_normal_ranges(*tables_of(day, values.tolist())).filter(terrain="technical")
    for end in ("low", "high"):
        assert wild[end][0] == pytest.approx(plain[end][0], rel=0.10)


def test_recordings_of_two_athletes_are_not_twice_as_many() -> None:
    """Who ran together has the same runs: of six and the latest one, five before it, there is no range."""
    runs, stability = tables_of([*range(0, 18, 3)], [0.05] * 6)
    of_two = Stability.cast(pl.concat([stability, stability]))
    assert derive_normal_ranges(runs, of_two).is_empty()


def looks(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    today: date,
    verdict: str = "cannot tell yet",
    kept: tuple[int, int] = (4, 4),
) -> list[tuple[int, str]]:
    effects = Effects.sample(
        1, overrides={"athlete_id": ["sim"], "outcome": ["technical"], "verdict": [verdict]}
    )
    found = rank_athletes(runs, stability, sessions, effects, {"sim": kept}, today=today)
    return list(found.select("urgency", "reason").iter_rows())


def test_nobody_is_looked_at_without_a_reason() -> None:
    """Runs of this week like those before, and a log that is kept: no row."""
    runs, stability = tables_of([*range(0, 21, 3), 21], [*SEVEN, 0.05])
    log = make_log(np.full(22, 10.0))
    assert looks(runs, stability, log, START + timedelta(days=22)) == []


def test_every_reason_in_order() -> None:
    """A silent log, an unsteady run on a new watch and an answer: four reasons, the most urgent first."""
    day = [*range(0, 21, 3), *range(35, 43)]
    epoch = ["old"] * 7 + ["new"] * 8
    runs, stability = tables_of(day, [0.05, 0.052, 0.048] * 4 + [0.05, 0.05, 0.09], epoch)
    log = make_log(np.array([10.0, 0, 10]))
    found = looks(runs, stability, log, START + timedelta(days=60), "steadier with more balance work")
    assert [urgency for urgency, _ in found] == [0, 1, 2, 3, 4]
    assert found[0][1] == "no run for 18 days"
    assert found[1][1] == "the log is silent for the last 40 days with runs"
    assert "unsteadier on technical ground than usual" in found[2][1]
    assert found[3][1].endswith(": new")
    assert found[4][1] == "an answer is reached: steadier with more balance work"
    later = looks(runs, stability, log, START + timedelta(days=63))
    assert [urgency for urgency, _ in later] == [0, 1, 2], "a watch of four weeks is not new"


def test_a_log_without_runs_and_runs_without_a_log() -> None:
    """Each is said."""
    runs, stability = tables_of([1, 2], [0.05, 0.05])
    none = BalanceSessions.create_empty()
    today = START + timedelta(days=3)
    assert looks(runs, stability, none, today) == [(1, "there is no balance log")]
    assert looks(Runs.create_empty(), stability, make_log(QUIET), today) == [
        (0, "there is a balance log but no run")
    ]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((1, 4), [(1, "as many sessions as planned in 1 of the last 4 weeks")]),
        ((2, 4), []),
        ((0, 3), []),
    ],
)
def test_a_plan_that_is_not_kept_to_is_said(kept: tuple[int, int], expected: list[tuple[int, str]]) -> None:
    """Fewer than two of four weeks in plan need a look; with less than four weeks it is too early to say."""
    runs, stability = tables_of([*range(0, 21, 3), 21], [*SEVEN, 0.05])
    assert (
        looks(runs, stability, make_log(np.full(22, 10.0)), START + timedelta(days=22), kept=kept) == expected
    )


def test_runs_that_do_not_count_are_said() -> None:
    """Four weeks of runs that say nothing about the question need a look."""
    runs, stability = tables_of([1, 4], [0.05, 0.05])
    quiet = Runs.validate(runs.with_columns(counts=pl.lit(False)))
    found = looks(quiet, stability, make_log(np.ones(5)), START + timedelta(days=5))
    assert found == [(0, "none of the latest 2 runs counts")]
    found = looks(quiet.tail(1), stability, make_log(np.ones(5)), START + timedelta(days=5))
    assert found == [(0, "the latest run does not count")]


def test_triage_in_lines() -> None:
    """Each reason a line, and how many need none."""
    frame = pl.DataFrame({"athlete_id": ["ada", "bo"], "urgency": [0, 4], "reason": ["x", "y"]})
    assert triage_lines(frame, 5) == ["ada  x", "bo   y", "3 athletes need no look"]
