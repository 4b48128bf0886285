"""The view over half-lives and its correction."""

import numpy as np
import pytest

from pipeline.effect import HEADLINE, relate_effect, vary_half_life
from pipeline.effect.permutation import permutation_p, shuffled_doses
from pipeline.effect.season import build_season
from pipeline.effect.sensitivity import HALF_LIVES_DAYS
from pipeline.exposure import decayed_weekly
from pipeline.tables import BalanceSessions
from tests.simulate import SCENARIOS, SimulatedSeason, simulate_season


def view(season: SimulatedSeason) -> list[dict[str, float]]:
    return vary_half_life(season.runs, season.stability, season.sessions).to_dicts()


def test_the_declared_half_life_gives_the_answer_itself() -> None:
    """The row of 21 days has the headline's estimate and interval."""
    season = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(4), beta=-0.5)
    headline = relate_effect(season.runs, season.stability, season.sessions).filter(outcome=HEADLINE)
    row = next(row for row in view(season) if row["half_life_days"] == 21)
    for name in ("estimate", "low", "high"):
        assert row[name] == pytest.approx(headline[name][0])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_correction_never_lowers_a_p(seed: int) -> None:
    """Each corrected p is at least the plain one, which leaves the search out."""
    simulated = simulate_season(SCENARIOS["N3b"], np.random.default_rng(seed))
    season = build_season("sim", simulated.runs, simulated.stability, simulated.sessions, 21.0)
    rows = view(simulated)
    assert [row["half_life_days"] for row in rows] == list(HALF_LIVES_DAYS)
    for row in rows:
        dose = decayed_weekly(season.minutes, row["half_life_days"])[season.run_day]
        shuffled = shuffled_doses(season.minutes, season.run_day, row["half_life_days"], 0)
        plain = permutation_p(season.technical, dose, shuffled, season.nuisance(smooth=True))
        assert row["p"] >= plain


def test_the_search_holds_its_size() -> None:
    """In 40 seasons without an effect the smallest p is under 0.05 at most 7 times (2 expected)."""
    seasons = (simulate_season(SCENARIOS["N1"], np.random.default_rng(s)) for s in range(40))
    assert sum(min(row["p"] for row in view(season)) < 0.05 for season in seasons) <= 7


def test_without_a_log_there_is_no_view() -> None:
    """No log, no rows."""
    season = simulate_season(SCENARIOS["N1"], np.random.default_rng(1))
    assert vary_half_life(season.runs, season.stability, BalanceSessions.create_empty()).is_empty()
