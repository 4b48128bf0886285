"""Power of a season like the sample's."""

from sample_data.plan import SEASON_WEEKS
from sample_data.power import simulate_verdict
from sample_data.runner import STEADIED


def test_planted_effect_is_found_out() -> None:
    """A full season of the steadied runner, simulated with another seed, is answered with steadier."""
    assert simulate_verdict(STEADIED, SEASON_WEEKS, seed=1) == "steadier with more balance work"


def test_short_season_is_not_answered() -> None:
    """Ten weeks of the same runner are not enough data."""
    assert simulate_verdict(STEADIED, 10, seed=1) == "not enough data"
