"""The shuffled logs and what they are compared by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.effect.permutation import (
    BLOCK_DAYS,
    PERMUTATIONS,
    partial_correlation,
    permutation_p,
    shuffled_doses,
)
from pipeline.exposure import decayed_weekly


def test_two_blocks_have_two_orders() -> None:
    """A log of two blocks can only stay or swap, and both doses are as worked out by hand."""
    minutes = np.r_[np.full(BLOCK_DAYS, 10.0), np.zeros(BLOCK_DAYS)]
    run_day = np.array([BLOCK_DAYS, 2 * BLOCK_DAYS - 1])
    doses = shuffled_doses(minutes, run_day, 21.0, seed=0)
    k = 2 ** (-1 / 21)
    full = 70 * (1 - k**BLOCK_DAYS)
    stay = (full, full * k ** (BLOCK_DAYS - 1))
    swap = (0.0, 70 * (1 - k ** (BLOCK_DAYS - 1)))
    for dose in doses.T:
        assert tuple(dose) == (pytest.approx(stay) if dose[0] > 0 else pytest.approx(swap))
    assert 0.4 < np.mean(doses[0] > 0) < 0.6


def test_a_short_last_block_moves_as_well() -> None:
    """All minutes of the log are in every shuffle, the broken block's included."""
    minutes = np.arange(1.0, 2 * BLOCK_DAYS + 6)
    doses = shuffled_doses(minutes, np.arange(len(minutes)), 1e9, seed=1)
    assert doses[-1] * 1e9 == pytest.approx((minutes.sum() - minutes[-1]) * 7 * np.log(2), rel=0.2)
    assert len(np.unique(np.round(doses[-1] * 1e9, 3))) > 1


def test_partial_correlation_equals_that_of_residuals() -> None:
    """It equals Pearson's r of what ordinary regression leaves of both."""
    rng = np.random.default_rng(1)
    nuisance = np.column_stack([np.ones(30), rng.standard_normal(30)])
    y, x = rng.standard_normal((2, 30))
    rest = [v - nuisance @ np.linalg.lstsq(nuisance, v)[0] for v in (y, x)]
    expected = abs(stats.pearsonr(*rest).statistic)
    assert abs(partial_correlation(y, x[:, None], nuisance)[0]) == pytest.approx(abs(expected))


def test_nothing_left_is_no_correlation() -> None:
    """An exposure that the nuisance explains correlates with nothing."""
    y = np.random.default_rng(1).standard_normal(10)
    assert partial_correlation(y, np.full((10, 1), 3.0), np.ones((10, 1)))[0] == 0


def test_p_counts_the_true_log() -> None:
    """With no shuffle as good as the truth p is 1 in 1000; with every one as good it is 1."""
    y = np.arange(10.0) ** 2
    ones = np.ones((10, 1))
    noise = np.tile((-1.0) ** np.arange(10), (PERMUTATIONS, 1)).T
    assert permutation_p(y, y, noise, ones) == pytest.approx(0.001)
    assert permutation_p(y, noise[:, 0], np.tile(y, (PERMUTATIONS, 1)).T, ones) == 1


def test_the_seed_decides() -> None:
    """The same seed gives the same shuffles, another one others."""
    minutes = np.random.default_rng(2).random(200) * 20
    one, again, other = (shuffled_doses(minutes, np.arange(100, 200), 21.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 60), min_size=2, max_size=BLOCK_DAYS))
def test_one_block_cannot_be_shuffled(minutes: list[float]) -> None:
    """A log of a single block has one order: every shuffle is the truth, and p is 1."""
    log = np.array(minutes)
    days = np.arange(len(log))
    doses = shuffled_doses(log, days, 21.0, seed=0)
    dose = decayed_weekly(log, 21.0)
    assert doses == pytest.approx(np.tile(dose, (PERMUTATIONS, 1)).T)
    assert permutation_p(np.sin(days), dose, doses, np.ones((len(log), 1))) == 1
