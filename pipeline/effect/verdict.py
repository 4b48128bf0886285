"""The stated rule: from the figures to one of seven verdicts, in this order and no other.

The bounds were chosen on simulated seasons (docs/methods.md, table of the rule): in seasons without an
effect "steadier" came out in 0 to 2.4 % of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.effect.gls import Fit

MIN_RUNS = 30
MIN_WEEKS = 16.0
MIN_TECHNICAL_PER_THIRD = 5
MIN_CONTRAST = 0.10
MAX_DETECTABLE = 0.45
ALPHA = 0.05
EQUIVALENCE = math.log(1 / 0.9)
PRIOR_SD = 0.10
# Share of the size that a version which must agree has to show.
LEAST_AGREEMENT = 1 / 2
# Two-sided 5 % and 80 % power: 1.96 + 0.84 standard errors.
DETECTABLE_SE = 2.8

REFUSALS = ("not enough data", "cannot be answered from this log", "not precise enough")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rule looks at. `companions` are the estimates of the versions that must agree."""

    has_log: bool
    n_runs: int
    weeks: float
    technical_per_third: Sequence[int]
    contrast: float | None
    fit: Fit | None
    permutation_p: float | None
    companions: Sequence[float | None] = ()


def as_change(log_change: float) -> float:
    """From the log scale to a change as a fraction; held below exp(50), where it says nothing anyway."""
    return math.expm1(min(log_change, 50.0))


def detectable_change(fit: Fit) -> float:
    """Smallest reduction of unsteadiness seen with 80 % power, as a fraction: 1 - exp(-2.8 se)."""
    return 1 - math.exp(-DETECTABLE_SE * fit.se)


def sceptical_estimate(fit: Fit) -> float:
    """Mean on the log scale after a prior centred on no effect, SD 0.10: large noisy effects shrink most."""
    return fit.estimate * PRIOR_SD**2 / (PRIOR_SD**2 + fit.se**2)


def decide_verdict(evidence: Evidence) -> str:
    """One of `tables.VERDICTS`."""
    if (
        not evidence.has_log
        or evidence.n_runs < MIN_RUNS
        or evidence.weeks < MIN_WEEKS
        or min(evidence.technical_per_third) < MIN_TECHNICAL_PER_THIRD
    ):
        return "not enough data"
    if evidence.contrast is None or evidence.contrast < MIN_CONTRAST:
        return "cannot be answered from this log"
    if evidence.fit is None or detectable_change(evidence.fit) > MAX_DETECTABLE:
        return "not precise enough"
    low, high = evidence.fit.interval()
    seen = (high < 0 or low > 0) and evidence.permutation_p is not None and evidence.permutation_p < ALPHA
    if seen and _companions_agree(evidence.fit.estimate, evidence.companions):
        return "steadier with more balance work" if high < 0 else "less steady with more balance work"
    low_90, high_90 = evidence.fit.interval(0.90)
    if low_90 > -EQUIVALENCE and high_90 < EQUIVALENCE:
        return "no effect of 10 % or more"
    return "cannot tell yet"


def _companions_agree(estimate: float, companions: Sequence[float | None]) -> bool:
    """Whether every companion has the estimate's sign and at least half its size."""
    return all(
        other is not None and other * estimate > 0 and abs(other) >= LEAST_AGREEMENT * abs(estimate)
        for other in companions
    )
