"""Seasons with a known truth: how often the answer is wrong, and whether it is found. Seeds are fixed.

The bounds leave room for chance in a few dozen seasons; `python -m tests.calibrate` has the full table.
"""

import math
from dataclasses import fields

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from pipeline.effect.naive import correlate_naively
from pipeline.effect.season import Season, build_season
from tests.calibrate import Cell, Outcome, judge, naive_p, season_of, simulate
from tests.calibrate_naive import claim_all
from tests.end_to_end import with_shown
from tests.simulate import simulate_runs, simulate_season

NULL_SEASONS = 60


@pytest.mark.parametrize("scenario", ["N3b", "injury", "missing runs", "good weeks"])
def test_the_short_way_to_a_season_is_the_long_one(scenario: str) -> None:
    """Season and naive p without tables are those that the pipeline makes of the tables."""
    cell = Cell(scenario, 20, -0.3, weeks_before=2)
    runs, tables = (simulate(cell, 5, how) for how in (simulate_runs, simulate_season))
    short, long = season_of(runs), build_season("sim", tables.runs, tables.stability, tables.sessions, 21.0)
    for field in fields(Season):
        one, other = getattr(short, field.name), getattr(long, field.name)
        assert np.array_equal(one, other) or one == pytest.approx(other), field.name
    naive = correlate_naively(tables.runs, tables.stability, tables.sessions)
    assert naive is not None
    assert naive_p(runs) == pytest.approx(naive[1])


def test_the_plain_methods_claim_what_they_would_report() -> None:
    """Estimate, p and interval of least squares are statsmodels'; the 28 days' p is the one that is shown."""
    cell = Cell("N3b", 26, -0.3)
    runs = simulate(cell, 3, simulate_runs)
    season = season_of(runs)
    beside = np.column_stack([np.ones(season.n_runs), season.time, season.weekend, season.smooth])
    referee = sm.OLS(season.technical, np.column_stack([season.dose, beside])).fit()
    claims = claim_all(cell, 3)
    plain, shown = claims["least squares"], claims["28 days"]
    assert plain is not None
    assert shown is not None
    found = (plain.p, plain.estimate, plain.low, plain.high)
    assert found == pytest.approx((referee.pvalues[0], referee.params[0], *referee.conf_int()[0]))
    assert shown.p == naive_p(runs)
    exact = sm.OLS(runs.effect[-season.n_runs :], np.column_stack([season.dose, beside])).fit()
    assert plain.truth == pytest.approx(exact.params[0])


def test_a_runners_line_is_held_by_what_the_others_show() -> None:
    """Two of three with an effect show half of their lines and one all: its own share is left out."""
    judged = pl.DataFrame(
        {
            "has_effect": [True, True, True, False],
            "estimate": [-0.1, -0.2, -0.4, 0.01],
            "line": [-0.2, -0.4, -0.4, 0.0],
            "low": [-0.2, -0.3, -0.5, -0.1],
            "high": [0.0, -0.1, -0.3, 0.1],
        }
    )
    found = with_shown(judged)
    assert found["shown"].to_list() == pytest.approx([6 / 8, 5 / 6, 3 / 6, 7 / 10])
    assert found["holds"].to_list() == [True, False, False, True]


@pytest.fixture(scope="module")
def null() -> list[Outcome]:
    """Half a year each of self-chosen work that does nothing, with drift, rising fitness and a wave."""
    return [judge(Cell("N3b", 26), seed) for seed in range(NULL_SEASONS)]


def test_work_that_does_nothing_is_hardly_ever_called_steadier(null: list[Outcome]) -> None:
    """Of 60 seasons without an effect at most 3 are called steadier and 3 less steady."""
    assert sum(season.verdict.startswith("steadier") for season in null) <= 3
    assert sum(season.verdict.startswith("less steady") for season in null) <= 3


def test_the_obvious_correlation_would_have_found_an_effect(null: list[Outcome]) -> None:
    """In the same seasons the plain correlation is 'significant' at least three times as often as the fit."""
    naive = sum(season.naive < 0.05 for season in null)
    assert naive >= 15
    assert naive >= 3 * sum(season.gls < 0.05 for season in null)


def test_p_values_hold_their_size(null: list[Outcome]) -> None:
    """Neither test's p is under 0.05 in more than 8 of 60 seasons without an effect (3 expected)."""
    assert sum(season.gls < 0.05 for season in null) <= 8
    assert sum(season.permutation < 0.05 for season in null) <= 8


def test_the_interval_covers_the_truth() -> None:
    """With the response as assumed, at least 34 of 40 intervals hold the planted effect (38 expected)."""
    seasons = [judge(Cell("blocks 4", 26, -0.3, exact=True), seed) for seed in range(40)]
    assert sum(season.covered for season in seasons) >= 34


def test_a_large_effect_is_found_in_a_year_of_blocks() -> None:
    """Forty per cent, in on and off blocks of 8 weeks over a year, is found in at least 18 of 20 seasons."""
    seasons = [judge(Cell("blocks 8", 52, math.log(0.6), weeks_before=0), seed) for seed in range(20)]
    assert sum(season.verdict.startswith("steadier") for season in seasons) >= 18


def test_harm_is_called_harm() -> None:
    """The mirror image of that effect is called less steady, and never steadier."""
    seasons = [judge(Cell("blocks 8", 52, -math.log(0.6), weeks_before=0), seed) for seed in range(10)]
    assert sum(season.verdict.startswith("less steady") for season in seasons) >= 9
    assert not any(season.verdict.startswith("steadier") for season in seasons)


def test_the_same_work_every_week_is_refused() -> None:
    """Steady work cannot answer, whatever its effect: at least 18 of 20 seasons are refused."""
    seasons = [judge(Cell("N0", 26, -0.5), seed) for seed in range(20)]
    assert sum(season.verdict == "cannot be answered from this log" for season in seasons) >= 18


def test_a_season_that_cannot_be_fitted_counts_as_refused() -> None:
    """Four runs give a verdict and no figures."""
    outcome = judge(Cell("N1", 1), 0)
    assert (outcome.verdict, outcome.fitted, outcome.gls) == ("not enough data", False, 1.0)


def test_more_weeks_see_smaller_changes() -> None:
    """The detectable change is smaller over 52 weeks than over 26, and smaller in blocks than in a ramp."""
    half, year, ramp = (
        sum(judge(cell, seed).detectable for seed in range(5))
        for cell in (Cell("blocks 6", 26), Cell("blocks 6", 52), Cell("N2", 26))
    )
    assert year < half < ramp
