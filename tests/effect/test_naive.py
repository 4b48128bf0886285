"""The naive correlation that stands beside the answer."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from pipeline.effect import HEADLINE, relate_effect
from pipeline.effect.naive import correlate_naively
from pipeline.tables import BalanceSessions
from tests.simulate import SCENARIOS, START, make_log, make_tables, simulate_season


def test_it_is_pearsons_r_with_the_minutes_of_28_days() -> None:
    """Day by day sums written out, through scipy's Pearson, give the same r and p."""
    season = simulate_season(SCENARIOS["N1"], np.random.default_rng(2))
    logged: dict[date, float] = dict(season.sessions.select("date", "minutes").iter_rows())
    runs = season.runs.sort("start_time")
    minutes = [
        sum(logged.get(day - timedelta(days=back), 0.0) for back in range(1, 29))
        for day in runs["local_date"]
    ]
    raw = season.stability.filter(metric="cadence_cv_raw").select("run_id", "value")
    expected = stats.pearsonr(minutes, runs.join(raw, on="run_id")["value"].to_numpy())
    row = relate_effect(season.runs, season.stability, season.sessions).filter(outcome=HEADLINE)
    assert row["naive_r"][0] == pytest.approx(expected.statistic)
    assert row["naive_p"][0] == pytest.approx(expected.pvalue)


def test_it_stands_with_the_headline_alone() -> None:
    """The other rows of the answer have none."""
    season = simulate_season(SCENARIOS["N1"], np.random.default_rng(2))
    effects = relate_effect(season.runs, season.stability, season.sessions)
    assert effects.filter(pl.col("outcome") != HEADLINE)["naive_p"].null_count() == 4


@pytest.mark.parametrize(
    ("day", "values", "minutes"),
    [
        (np.arange(2), np.array([0.1, 0.2]), np.ones(3)),
        (np.arange(40, 60), np.full(20, 0.1), np.arange(60.0)),
        (np.arange(40, 60), np.linspace(0.1, 0.2, 20), np.zeros(60)),
    ],
    ids=["two runs", "the same steadiness", "no work"],
)
def test_where_nothing_varies_there_is_none(day: np.ndarray, values: np.ndarray, minutes: np.ndarray) -> None:
    """Too few runs, or a side that never changes, give no figure and no warning."""
    runs, stability, sessions = make_tables(day, values, values, minutes)
    assert correlate_naively(runs, stability, sessions) is None


def test_without_a_log_there_is_none() -> None:
    """Nothing to correlate with."""
    runs, stability, _ = make_tables(np.arange(9), np.arange(1.0, 10), np.arange(1.0, 10), np.zeros(9))
    assert correlate_naively(runs, stability, BalanceSessions.create_empty()) is None


def test_days_before_the_log_are_not_read_from_its_end() -> None:
    """A run on the log's first day has had no minutes, whatever was logged later."""
    minutes = np.array([0.0, 9, 0, 0])
    runs, stability, sessions = make_tables(np.arange(4), np.array([1.0, 2, 3, 5]), np.ones(4), minutes)
    expected = stats.pearsonr([0, 0, 9, 9], [1, 2, 3, 5])
    assert correlate_naively(runs, stability, sessions) == pytest.approx(tuple(expected))
    assert make_log(minutes)["date"][0] == START
