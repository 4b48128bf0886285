"""The stated rule, at each of its bounds."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.effect.gls import Fit
from pipeline.effect.verdict import (
    EQUIVALENCE,
    Evidence,
    as_change,
    decide_verdict,
    detectable_change,
    sceptical_estimate,
)
from pipeline.tables import VERDICTS

STEADIER, LESS = "steadier with more balance work", "less steady with more balance work"
# A reduction of 0.3 with a standard error of 0.1, enough of everything, and both companions agreeing.
CLEAR = Evidence(
    has_log=True,
    n_runs=30,
    weeks=16.0,
    technical_per_third=(5, 5, 5),
    contrast=0.10,
    fit=Fit(-0.3, 0.1, 100),
    permutation_p=0.049,
    companions=(-0.15, -0.2),
)
MAX_SE = -math.log(1 - 0.45) / 2.8


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, STEADIER),
        ({"has_log": False}, "not enough data"),
        ({"n_runs": 29}, "not enough data"),
        ({"weeks": 15.9}, "not enough data"),
        ({"technical_per_third": (5, 4, 50)}, "not enough data"),
        ({"contrast": 0.0999}, "cannot be answered from this log"),
        ({"contrast": None}, "cannot be answered from this log"),
        ({"fit": None}, "not precise enough"),
        ({"fit": Fit(-0.9, MAX_SE * 1.001, 100)}, "not precise enough"),
        ({"fit": Fit(-0.9, MAX_SE * 0.999, 100)}, "cannot tell yet"),
        ({"fit": Fit(-0.9, MAX_SE * 0.999, 100), "companions": ()}, STEADIER),
        ({"permutation_p": 0.05}, "cannot tell yet"),
        ({"permutation_p": None}, "cannot tell yet"),
        ({"fit": Fit(-0.1983, 0.1, 100), "companions": ()}, "cannot tell yet"),
        ({"fit": Fit(-0.1985, 0.1, 100), "companions": ()}, STEADIER),
        ({"companions": (-0.1499, -0.2)}, "cannot tell yet"),
        ({"companions": (-0.15, -0.1499)}, "cannot tell yet"),
        ({"companions": (0.3, -0.3)}, "cannot tell yet"),
        ({"companions": (None,)}, "cannot tell yet"),
        ({"fit": Fit(0.3, 0.1, 100), "companions": (0.15, 0.2)}, LESS),
        ({"fit": Fit(0.3, 0.1, 100)}, "cannot tell yet"),
        ({"fit": Fit(0.0, EQUIVALENCE / 1.661, 100), "companions": ()}, "no effect of 10 % or more"),
        ({"fit": Fit(0.0, EQUIVALENCE / 1.659, 100), "companions": ()}, "cannot tell yet"),
        ({"fit": Fit(0.02, 0.05, 100), "companions": ()}, "no effect of 10 % or more"),
        ({"fit": Fit(0.03, 0.05, 100), "companions": ()}, "cannot tell yet"),
        ({"fit": Fit(-0.05, 0.02, 100), "companions": ()}, STEADIER),
        ({"fit": Fit(-0.05, 0.02, 100), "permutation_p": 0.2}, "no effect of 10 % or more"),
    ],
)
def test_each_bound_of_the_rule(change: dict[str, object], verdict: str) -> None:
    """One step to either side of each bound gives the verdict that the rule states."""
    assert decide_verdict(replace(CLEAR, **change)) == verdict  # type: ignore[arg-type]


def test_the_first_refusal_wins() -> None:
    """Too few runs is said before a log without contrast, and that before lack of precision."""
    poor = replace(CLEAR, contrast=0.0, fit=None)
    assert decide_verdict(replace(poor, n_runs=3)) == "not enough data"
    assert decide_verdict(poor) == "cannot be answered from this log"


def test_the_detectable_change_by_hand() -> None:
    """A standard error of 0.1 lets 1 - exp(-0.28) = 24.4 % be seen."""
    assert detectable_change(Fit(0.0, 0.1, 50)) == pytest.approx(0.24422, abs=1e-5)


def test_the_sceptical_reading_by_hand() -> None:
    """With a standard error equal to the prior's SD half of the estimate is left."""
    assert sceptical_estimate(Fit(-0.3, 0.1, 50)) == pytest.approx(-0.15)


def test_a_log_change_is_shown_as_a_fraction() -> None:
    """ln 0.91 is 9 % less; a huge one stays a finite number."""
    assert as_change(math.log(0.91)) == pytest.approx(-0.09)
    assert math.isfinite(as_change(1e6))


@settings(deadline=None)
@given(
    st.integers(0, 60),
    st.floats(0, 40),
    st.floats(0, 1),
    st.floats(-2, 2),
    st.floats(1e-6, 3),
    st.floats(0, 1),
)
def test_every_evidence_has_a_verdict(
    n_runs: int, weeks: float, contrast: float, estimate: float, se: float, p: float
) -> None:
    """Any figures give one of the seven verdicts, and 'steadier' only to an interval below zero."""
    fit = Fit(estimate, se, 40)
    verdict = decide_verdict(Evidence(True, n_runs, weeks, (9, 9, 9), contrast, fit, p))
    assert verdict in VERDICTS
    assert verdict != STEADIER or (fit.interval()[1] < 0 and n_runs >= 30)
