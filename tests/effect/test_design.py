"""What a design could show, against the answer's own standard errors and the textbook's formula."""

import math

import numpy as np
import pytest

from pipeline.effect.design import AS_NOW, WEEKS, preview_designs
from pipeline.effect.gls import assumed_noise, fit_gls, fit_noise
from pipeline.effect.season import build_season
from pipeline.tables import BalanceSessions, Runs, Stability
from tests.simulate import SCENARIOS, simulate_season


def test_the_standard_error_by_the_matrix_formula() -> None:
    """With one correlation the error is that of the inverse information of the full matrix."""
    rng = np.random.default_rng(1)
    days, exposure = np.arange(0.0, 60, 2), rng.standard_normal(30)
    nuisance = np.column_stack([np.ones(30), days])
    v = 0.12**2 * (0.4 * np.exp(-np.abs(days[:, None] - days) / 45) + 0.6 * np.eye(30))
    design = np.column_stack([nuisance, exposure])
    expected = math.sqrt(np.linalg.inv(design.T @ np.linalg.inv(v) @ design)[-1, -1])
    assert assumed_noise(0.12, 45.0, 0.4).standard_error(days, exposure, nuisance) == pytest.approx(expected)


def test_the_noise_gives_back_the_answers_standard_error() -> None:
    """For the season it was fitted on it gives the fit's own error, but for the spread between the pairs."""
    simulated = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(5), weeks=39)
    season = build_season("sim", simulated.runs, simulated.stability, simulated.sessions, 21.0)
    nuisance = season.nuisance(smooth=True)
    noise = fit_noise(season.days, season.technical, np.column_stack([nuisance, season.dose]))
    fit = fit_gls(season.days, season.technical, season.dose, nuisance)
    assert noise is not None
    assert fit is not None
    error = noise.standard_error(season.days, season.dose, nuisance)
    assert error is not None
    assert 0.9 * fit.se <= error <= fit.se
    assert 0.05 < noise.sd < 0.25


def test_a_dose_that_never_changes_shows_nothing() -> None:
    """No contrast, no standard error."""
    assert assumed_noise(0.1, 15.0, 0.4).standard_error(np.arange(9.0), np.ones(9), np.ones((9, 1))) is None


def test_without_runs_the_noise_is_assumed() -> None:
    """An empty athlete is shown blocks with figures like the simulation's, 18 to 36 % at 26 weeks."""
    empty = (Runs.create_empty(), Stability.create_empty(), BalanceSessions.create_empty())
    preview = preview_designs("nobody", *empty)
    assert not preview.noise_is_own
    assert (AS_NOW, 26) not in preview.detectable
    for blocks in (4, 6):
        change = preview.detectable[f"blocks of {blocks} weeks", 26]
        assert change is not None
        assert 0.18 < change < 0.36


def test_more_weeks_and_longer_blocks_show_smaller_changes() -> None:
    """Detectable changes fall from 16 to 52 weeks, and over a year from blocks of 2 weeks to 6."""
    season = simulate_season(SCENARIOS["N3b"], np.random.default_rng(3))
    preview = preview_designs("sim", season.runs, season.stability, season.sessions)
    assert preview.noise_is_own
    assert preview.runs_per_week == pytest.approx(4, abs=0.3)
    assert 30 < preview.minutes_per_week < 90
    for design in (AS_NOW, "blocks of 4 weeks"):
        found = [preview.detectable[design, weeks] for weeks in WEEKS]
        assert found == sorted(found, reverse=True)  # type: ignore[type-var]
    assert preview.detectable["blocks of 2 weeks", 52] > preview.detectable["blocks of 6 weeks", 52]  # type: ignore[operator]
