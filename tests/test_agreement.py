"""Agreement by hand; the figures of real recordings come from `python -m tests.agreement`."""

import math

import pytest

from tests.agreement import kappa


def test_kappa_by_hand() -> None:
    """20 and 15 of 50 pairs are alike: 0.7 observed, 0.5 by chance, so kappa is 0.4."""
    pairs = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10
    assert kappa(pairs) == pytest.approx(0.4)


def test_kappa_without_contrast_is_none() -> None:
    """Where all is called smooth by both there is nothing to agree on beyond chance."""
    assert math.isnan(kappa([(False, False)] * 10))
    assert math.isnan(kappa([]))
