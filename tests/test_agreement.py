"""Agreement by hand; of real recordings `python -m tests.agreement` and `python -m tests.ceilings` tell."""

import math

import numpy as np
import pytest

from tests.agreement import kappa
from tests.ceilings import Pairs, best_scores, kappa_at_best_cut, kappa_of_normals


def test_kappa_by_hand() -> None:
    """20 and 15 of 50 pairs are alike: 0.7 observed, 0.5 by chance, so kappa is 0.4."""
    pairs = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10
    assert kappa(pairs) == pytest.approx(0.4)


def test_kappa_without_contrast_is_none() -> None:
    """Where all is called smooth by both there is nothing to agree on beyond chance."""
    assert math.isnan(kappa([(False, False)] * 10))
    assert math.isnan(kappa([]))


def test_kappa_of_two_normals_by_hand() -> None:
    """Cut in the middle, a quarter and asin(r)/2π of the pairs lie above both: kappa is 2 asin(r)/π."""
    assert kappa_of_normals(0.5, 0.5) == pytest.approx(1 / 3, abs=1e-6)
    assert kappa_of_normals(0.9, 0.5) == pytest.approx(2 * math.asin(0.9) / math.pi, abs=1e-6)
    assert kappa_of_normals(0.0, 0.3) == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(kappa_of_normals(0.5, 0.0))


def test_kappa_of_two_normals_is_what_cutting_them_gives() -> None:
    """A million drawn pairs of r 0.8, each cut where a third lies above, have that kappa."""
    drawn = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 1_000_000)
    cut = drawn > np.quantile(drawn, 2 / 3)
    assert kappa(cut) == pytest.approx(kappa_of_normals(0.8, 1 / 3), abs=0.003)


def test_scores_are_cut_where_they_agree_best() -> None:
    """Two scores put the same two of ten places on top, the rest upside down: cut below those two, 1."""
    first = np.arange(10.0)
    second = np.concatenate([first[:8][::-1], first[8:]])
    assert kappa_at_best_cut(np.column_stack([first, second])) == 1
    assert kappa_at_best_cut(np.column_stack([first, first[::-1]])) < 0


def test_the_best_score_leaves_out_what_does_not_repeat() -> None:
    """One feature repeats with r 0.8, one is noise: the best score repeats with 0.8, their sum with 0.4."""
    rng = np.random.default_rng(2)
    ground = rng.normal(0, 1, 4000)
    repeats = math.sqrt(0.8) * ground[:, None] + math.sqrt(0.2) * rng.normal(0, 1, (4000, 2))
    noise = rng.normal(0, 1, (4000, 2))
    both = np.stack([repeats, noise], axis=2)
    pairs = Pairs(np.arange(4000) % 40, repeats > 0, both.sum(axis=2), both)
    assert np.corrcoef(pairs.score.T)[0, 1] == pytest.approx(0.4, abs=0.05)
    assert np.corrcoef(best_scores(pairs, rng).T)[0, 1] == pytest.approx(0.8, abs=0.02)
