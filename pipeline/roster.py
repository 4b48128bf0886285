"""The answer of a roster: each athlete's own answer, pooled. Athletes are never compared with each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from pipeline.tables import DataFrame, Effects

Array = NDArray[np.float64]

MIN_ATHLETES = 10
ALPHA = 0.05
HEADLINE = "technical"
OF_SEVERAL = (
    "Of several groups one may show something by chance: name the group that is asked about before its "
    "figures are seen."
)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A mean of several estimates on the log scale, with what varies between them."""

    estimate: float
    se: float
    low: float
    high: float
    p: float
    tau2: float  # variance of the true effects between athletes
    i2: float  # share of the spread that is more than each one's own error
    shrunken: Array  # (k,), each estimate drawn towards the mean by its own imprecision


@dataclass(frozen=True, slots=True)
class RosterAnswer:
    """What a roster's athletes say together. `pooled` is None with fewer than two of them."""

    athlete_ids: tuple[str, ...]
    pooled: Pooled | None
    swap_p: float | None
    verdict: str
    sentence: str


def pool(estimates: Sequence[float], ses: Sequence[float], *, floor: bool = True) -> Pooled:
    """Random effects over two or more estimates with their standard errors.

    Variance between them after Paule & Mandel (1982, doi 10.6028/jres.087.022), interval after Hartung &
    Knapp (2001, doi 10.1002/sim.1009) and Sidik & Jonkman (2002, doi 10.1002/sim.1262) with t on k - 1
    degrees of freedom. With `floor` the interval is never narrower than the errors alone allow (Röver et
    al. 2015, doi 10.1186/s12874-015-0091-1).
    """
    y, v = np.asarray(estimates, dtype=float), np.asarray(ses, dtype=float) ** 2
    df = len(y) - 1

    def spread(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - w @ y / w.sum()) ** 2) - df

    tau2 = 0.0
    if spread(0.0) > 0:
        from scipy.optimize import brentq  # costs a quarter of a second, which most commands can save

        # Weighted squares fall with tau2, and are below df once it exceeds the plain sum of squares.
        tau2 = float(brentq(spread, 0.0, float(np.sum((y - y.mean()) ** 2)) + float(v.max())))
    w = 1 / (v + tau2)
    mean = float(w @ y / w.sum())
    q = (spread(tau2) + df) / df
    se = math.sqrt((max(q, 1.0) if floor else q) / w.sum())
    half = float(special.stdtrit(df, 0.975)) * se
    fixed = 1 / v
    typical = df * fixed.sum() / (fixed.sum() ** 2 - fixed @ fixed)
    p = float(2 * special.stdtr(df, -abs(mean) / se)) if se > 0 else 0.0
    shrunken = mean + tau2 / (tau2 + v) * (y - mean)
    return Pooled(mean, se, mean - half, mean + half, p, tau2, tau2 / (tau2 + typical), shrunken)


def relate_roster(effects: DataFrame[Effects], swap_p: float | None) -> RosterAnswer:
    """The pooled answer of the athletes whose headline has an estimate.

    `swap_p` is the second test: logs swapped between athletes (`effect.swap_logs`). A finding needs both,
    and MIN_ATHLETES athletes.
    """
    rows = effects.filter(
        (pl.col("outcome") == HEADLINE) & pl.col("estimate").is_not_null() & (pl.col("se") > 0)
    ).sort("athlete_id")
    athletes = tuple(rows["athlete_id"])
    if len(athletes) < 2:
        pooled = None
    else:
        pooled = pool(np.log1p(rows["estimate"].to_numpy()).tolist(), rows["se"].to_list())
    if pooled is None or len(athletes) < MIN_ATHLETES:
        verdict = "not enough athletes"
        sentence = (
            f"A roster's answer needs {MIN_ATHLETES} athletes with an estimate of their own; "
            f"there {'is' if len(athletes) == 1 else 'are'} {len(athletes)}."
        )
        return RosterAnswer(athletes, pooled, swap_p, verdict, sentence)
    seen = pooled.p < ALPHA and swap_p is not None and swap_p < ALPHA
    if seen:
        verdict = f"{'steadier' if pooled.estimate < 0 else 'less steady'} with more balance work"
        closing = "Both tests agree. This is an association, not proof."
    else:
        verdict = "cannot tell yet"
        closing = "The two tests do not both see it, so that is not enough to tell."
    change, low, high = (100 * math.expm1(x) for x in (pooled.estimate, pooled.low, pooled.high))
    sentence = (
        f"Over {len(athletes)} athletes cadence on technical ground was {_steadiness(change)} "
        f"(95 % interval {_steadiness(high)} to {_steadiness(low)}) per 45 more weekly minutes of balance "
        f"work; true effects vary between athletes by an SD of {100 * math.sqrt(pooled.tau2):.0f} %. "
        f"{closing}"
    )
    return RosterAnswer(athletes, pooled, swap_p, verdict, sentence)


def _steadiness(percent: float) -> str:
    if round(percent) == 0:
        return "no steadier and no less steady"
    return f"{abs(percent):.0f} % {'steadier' if percent < 0 else 'less steady'}"
