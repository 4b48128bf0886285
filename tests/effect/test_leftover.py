"""What trend, weekend, watch and smooth ground leave of a season."""

import numpy as np
import pytest

from pipeline.effect import derive_leftover
from pipeline.effect.season import build_season
from pipeline.tables import BalanceSessions, Runs, Stability
from tests.simulate import SCENARIOS, simulate_season


def test_its_slope_is_that_of_the_whole_regression() -> None:
    """The plain line through what is left has the dose's coefficient of least squares with every column."""
    made = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(5), weeks=39)
    season = build_season("sim", made.runs, made.stability, made.sessions, 21.0)
    design = np.column_stack([season.nuisance(smooth=True), season.dose])
    expected = np.linalg.lstsq(design, season.technical, rcond=None)[0][-1]
    left = derive_leftover("sim", made.runs, made.stability, made.sessions)
    dose, change = left["dose_left"].to_numpy() / 45, np.log1p(left["change_left"].to_numpy())
    assert dose @ change / (dose @ dose) == pytest.approx(expected)
    assert len(left) == season.n_runs
    assert left["local_date"][0] == season.first_run


def test_nobody_leaves_nothing() -> None:
    """Without runs and a log there are no rows, in the same columns."""
    empty = (Runs.create_empty(), Stability.create_empty(), BalanceSessions.create_empty())
    left = derive_leftover("nobody", *empty)
    assert left.is_empty()
    assert left.columns == ["local_date", "dose_left", "change_left"]
