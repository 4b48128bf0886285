"""What the answer's model leaves of a season."""

import numpy as np
import pytest
import statsmodels.api as sm

from pipeline.effect import derive_residuals
from pipeline.effect.gls import fit_noise, independent_columns
from pipeline.effect.season import Season, build_season
from pipeline.tables import BalanceSessions, DataFrame, Residuals, Runs, Stability
from tests.simulate import SCENARIOS, simulate_season


def a_season(weeks: int = 39, seed: int = 5) -> tuple[Season, DataFrame[Residuals]]:
    """Blocks of six weeks as the model sees them, and what it leaves."""
    made = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(seed), weeks=weeks)
    season = build_season("sim", made.runs, made.stability, made.sessions, 21.0)
    return season, derive_residuals("sim", made.runs, made.stability, made.sessions)


def test_the_slope_of_what_is_left_is_that_of_the_whole_regression() -> None:
    """The plain line through what is left has the dose's coefficient of least squares with every column."""
    season, left = a_season()
    design = np.column_stack([season.nuisance(smooth=True), season.dose])
    expected = np.linalg.lstsq(design, season.technical, rcond=None)[0][-1]
    dose, change = left["dose_left"].to_numpy() / 45, np.log1p(left["change_left"].to_numpy())
    assert dose @ change / (dose @ dose) == pytest.approx(expected)
    assert tuple(left["run_id"]) == season.run_ids
    assert left["local_date"][0] == season.first_run


def test_residuals_equal_those_of_the_covariance_written_out() -> None:
    """statsmodels' GLS with the full matrix, whitened by its Cholesky factor, leaves the same."""
    season, left = a_season()
    design = independent_columns(np.column_stack([season.nuisance(smooth=True), season.dose]))
    noise = fit_noise(season.days, season.technical, design, season.scatter)
    assert noise is not None
    tau, share = noise.likeliest()
    lag = np.abs(season.days[:, None] - season.days)
    full = share * np.exp(-lag / tau) + (1 - share) * np.diag(season.scatter)
    referee = sm.GLS(season.technical, design, sigma=full).fit()
    white = np.linalg.solve(np.linalg.cholesky(full), referee.resid)
    assert left["residual"].to_numpy() == pytest.approx(white / np.sqrt(referee.scale), abs=1e-8)


def test_residuals_of_simulated_seasons_are_near_white() -> None:
    """Of 12 seasons 92 to 97 % lie within 1.96 SD, and neighbours are correlated by less than 0.08."""
    parts = [a_season(seed=seed)[1]["residual"].to_numpy() for seed in range(12)]
    assert 0.92 <= np.mean(np.abs(np.concatenate(parts)) < 1.96) <= 0.97
    neighbours = [np.corrcoef(part[:-1], part[1:])[0, 1] for part in parts]
    assert abs(np.mean(neighbours)) < 0.08


def test_a_run_that_nothing_explains_stands_out() -> None:
    """A run made twice as unsteady on technical ground alone lies beyond 3 SD, and no other does."""
    made = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(5), weeks=39)
    odd = made.runs["run_id"][100]
    technical = ((made.stability["terrain"] == "technical") & (made.stability["run_id"] == odd)).to_numpy()
    value = made.stability["value"].to_numpy() * np.where(technical, 2.0, 1.0)
    stability = Stability.cast(made.stability.with_columns(value=value))
    left = derive_residuals("sim", made.runs, stability, made.sessions)
    assert left.filter(left["residual"].abs() > 3)["run_id"].to_list() == [odd]


def test_nobody_leaves_nothing() -> None:
    """Without runs and a log there are no rows, in the same columns."""
    empty = (Runs.create_empty(), Stability.create_empty(), BalanceSessions.create_empty())
    left = derive_residuals("nobody", *empty)
    assert left.is_empty()
    assert left.columns == Residuals.column_names()
