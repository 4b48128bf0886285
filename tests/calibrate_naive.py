"""What plain methods make of the seasons of `tests.calibrate`: `python -m tests.calibrate_naive`.

Three analyses that suggest themselves, each with the p value and the 95 % interval that it would report: the
correlation that the answer shows beside itself (minutes of the last 28 days), the best of ten such windows,
and least squares of the answer's outcome on its dose with trend, weekend and smooth ground, as if runs were
independent.

`covers` and `bias` are against the straight line through the true effect in the method's own exposure, beside
its own columns, so that what is left is confounding; types S and M are as in `tests.calibrate`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import fmean

import numpy as np
from scipy import stats

from pipeline.effect.gls import independent_columns
from pipeline.effect.naive import NAIVE_DAYS
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Array
from tests.calibrate import TABLES, Cell, naive_p, season_of, simulate
from tests.simulate import SimulatedRuns, simulate_runs

WINDOWS_DAYS = tuple(range(7, 71, 7))
HEADER = "scenario      weeks  beta       method          p < 0.05  covers   bias  type S  type M"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a method would report: log change per 45 weekly minutes, its p value and 95 % interval, and the
    truth."""

    p: float
    estimate: float
    low: float
    high: float
    truth: float


def claim_all(cell: Cell, seed: int) -> dict[str, Claim | None]:
    """Simulate one season and analyse it each way; None where an exposure never changes."""
    simulated = simulate(cell, seed, simulate_runs)
    level = np.ones((len(simulated.day), 1))
    outcome = np.log(simulated.technical_cv)
    windows = {
        days: regress(outcome, minutes_before(simulated, days), level, simulated.effect)
        for days in {NAIVE_DAYS, *WINDOWS_DAYS}
    }
    plain = windows[NAIVE_DAYS]
    tried = [claim for days in WINDOWS_DAYS if (claim := windows[days])]
    season = season_of(simulated)
    beside = np.column_stack([np.ones(season.n_runs), season.time, season.weekend, season.smooth])
    return {
        # The p shown in the product is that of raw variability, not of its logarithm.
        "28 days": plain and Claim(naive_p(simulated), plain.estimate, plain.low, plain.high, plain.truth),
        "best window": min(tried, key=lambda claim: claim.p, default=None),
        "least squares": regress(season.technical, season.dose, beside, simulated.effect[-season.n_runs :]),
    }


def minutes_before(simulated: SimulatedRuns, days: int) -> Array:
    """Minutes of the `days` before each run, in units of 45 a week: shape (n_runs,)."""
    total = np.cumsum(np.concatenate([np.zeros(1 + days), simulated.minutes]))
    return (total[simulated.day + days] - total[simulated.day]) * 7 / days / UNIT_MIN_PER_WEEK


def regress(outcome: Array, exposure: Array, beside: Array, effect: Array) -> Claim | None:
    """Least squares of `outcome` on `exposure` (n_runs,) beside the columns `beside`, runs as independent."""
    q, _ = np.linalg.qr(independent_columns(beside))
    x, y, true = (values - q @ (q.T @ values) for values in (exposure, outcome, effect))
    df = len(outcome) - q.shape[1] - 1
    length = float(x @ x)
    if df < 1 or length < 1e-9:
        return None
    estimate, truth = float(x @ y) / length, float(x @ true) / length
    residual = y - estimate * x
    se = float(np.sqrt(residual @ residual / df / length))
    half = float(stats.t.ppf(0.975, df)) * se
    p = float(2 * stats.t.sf(abs(estimate) / se, df))
    return Claim(p, estimate, estimate - half, estimate + half, truth)


def summarise(cell: Cell, seasons: Sequence[dict[str, Claim | None]]) -> list[str]:
    """A line for each method; a season that it can say nothing of counts among those without a finding."""
    lines = []
    for method in seasons[0]:
        claims = [claim for season in seasons if (claim := season[method])]
        found = [claim for claim in claims if claim.p < 0.05]
        wrong, size = "     -", "     -"
        if cell.beta and found:
            wrong = f"{fmean(c.estimate * c.truth < 0 for c in found):>6.2f}"
            size = f"{fmean(abs(c.estimate / c.truth) for c in found):>6.2f}"
        lines.append(
            f"{cell.scenario:<14}{cell.weeks:>5}{cell.beta:>6.2f}{' exact' if cell.exact else '      '} "
            f"{method:<15}{len(found) / len(seasons):>9.3f}"
            f"{fmean(c.low <= c.truth <= c.high for c in claims):>8.3f}"
            f"{fmean(c.estimate - c.truth for c in claims):>7.3f}  {wrong}  {size}"
        )
    return lines


def main() -> None:
    """Read the option and print the table, a scenario as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibrate_naive", description=__doc__)
    parser.add_argument("--runners", type=int, default=1000, help="seasons a row (default 1000)")
    runners = parser.parse_args().runners
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = "1"
    began = time.monotonic()
    print(HEADER, flush=True)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver")) as pool:
        for cell in (cell for table in TABLES.values() for cell in table):
            seasons = list(pool.map(partial(claim_all, cell), range(runners), chunksize=20))
            print("\n".join(summarise(cell, seasons)), flush=True)
    print(f"{runners} runners a row, seeds 0 to {runners - 1}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
