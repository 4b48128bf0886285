"""How often the answer is wrong, and how often it is found: `python -m tests.calibrate --runners 1000`.

Simulates seasons with a known truth on all cores and prints, per scenario: the naive correlation's and our
rate of findings, the share of each kind of verdict, coverage, bias, and among the significant the share with
the wrong sign (type S) and the exaggeration (type M: Gelman & Carlin 2014, doi 10.1177/1745691614551642).

`covers line` is how often the 95 % interval holds the straight line through the true effect at the doses done
(least squares on the dose of the declared half-life, beside the answer's other columns but smooth ground);
`wide` how often the wide interval holds the true effect of a steady 45 min/week against none. Bias and the
types are against that line. A season that cannot be fitted counts as refused, and in the shares of findings.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import fmean
from typing import TypeVar

import numpy as np
from scipy import stats

from pipeline.effect import HEADLINE
from pipeline.effect.analysis import analyse_season
from pipeline.effect.naive import NAIVE_DAYS
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Array, Season, per_third, scatter_of
from pipeline.effect.sensitivity import fit_any_response
from pipeline.effect.verdict import detectable_change
from pipeline.effect.words import write_cautions
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from tests.simulate import SCENARIOS, START, SimulatedRuns, simulate_runs

Made = TypeVar("Made")

HEADER = (
    "scenario      weeks  beta       naive   GLS  perm  steadier   less  no effect  cannot tell  refused"
    "  covers line   wide   bias  type S  type M   MDE  step caution"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the table: a scenario, its length and the latent effect per 45 weekly minutes."""

    scenario: str
    weeks: int
    beta: float = 0.0
    weeks_before: int = 8
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one season gave. `naive` is the p value of the correlation with the last 28 days' minutes; what
    follows the verdict is as it stands here where the season could not be fitted."""

    naive: float
    verdict: str
    fitted: bool = False
    gls: float = 1.0
    permutation: float = 1.0
    covered: bool = False  # the straight line through the true effect, by the interval
    covered_widely: bool = False  # the true effect of 45 min/week against none, by the wide one
    detectable: float = 1.0
    estimate: float = 0.0  # log change per 45 weekly minutes
    beta: float = 0.0  # the straight line through the truth, as measured
    warns_of_step: bool = False


WORSE_NAMES = ("coincidence", "missing runs", "injury", "trail choice", "good weeks")
NULLS = [Cell(name, 26) for name in SCENARIOS if name not in WORSE_NAMES] + [
    Cell(name, 52) for name in ("N1", "N3b", "N3c", "N4b", "blocks 8")
]
WORSE = [Cell(name, weeks) for name in WORSE_NAMES for weeks in (26, 52)]
POWER = [
    Cell(name, weeks, beta)
    for name, weeks in (("N3b", 26), ("blocks 6", 26), ("N3b", 52), ("blocks 6", 52), ("blocks 8", 52))
    for beta in (-0.15, -0.3, -0.5)
] + [Cell("N3b", 26, -0.3, exact=True), Cell("blocks 6", 52, -0.3, exact=True)]
TABLES = {"null": NULLS, "worse": WORSE, "power": POWER}


def judge(cell: Cell, seed: int) -> Outcome:
    """Simulate one season and answer it."""
    simulated = simulate(cell, seed, simulate_runs)
    season = season_of(simulated)
    findings = analyse_season(season, HALF_LIFE_DAYS, seed)
    finding = findings[HEADLINE]
    fit, wide = finding.fit, fit_any_response(season)
    if fit is None or wide is None or finding.permutation_p is None:
        return Outcome(naive=naive_p(simulated), verdict=finding.verdict)
    low, high = fit.interval()
    wide_low, wide_high = wide.interval()
    line = straight_line(season, simulated.effect)
    return Outcome(
        naive=naive_p(simulated),
        verdict=finding.verdict,
        fitted=True,
        gls=fit.p,
        permutation=finding.permutation_p,
        covered=low <= line <= high,
        covered_widely=wide_low <= simulated.beta <= wide_high,
        detectable=detectable_change(fit),
        estimate=fit.estimate,
        beta=line,
        warns_of_step="one step" in write_cautions(finding.verdict, season, findings["smooth"].fit),
    )


def simulate(cell: Cell, seed: int, how: Callable[..., Made]) -> Made:
    """The cell's season of this seed, as runs or as tables."""
    rng = np.random.default_rng([seed, zlib.crc32(repr(cell).encode())])
    return how(
        SCENARIOS[cell.scenario],
        rng,
        weeks=cell.weeks,
        beta=cell.beta,
        weeks_before=cell.weeks_before,
        exact=cell.exact,
    )


def season_of(simulated: SimulatedRuns) -> Season:
    """What `build_season` makes of the season's tables, without the tables: they take most of the time."""
    known = simulated.day >= HALF_LIFE_DAYS
    day = simulated.day[known]
    minutes = simulated.minutes[: day[-1] + 1]
    logged = np.union1d(0, np.flatnonzero(minutes))
    days = (day - day[0]).astype(float)
    return Season(
        athlete_id="sim",
        run_ids=tuple(f"sim{n:05d}" for n in np.flatnonzero(known)),
        days=days,
        technical=np.log(simulated.technical_cv[known]),
        smooth=np.log(simulated.smooth_cv[known]),
        scatter=scatter_of(simulated.windows[known]),
        dose=decayed_weekly(minutes, HALF_LIFE_DAYS)[day] / UNIT_MIN_PER_WEEK,
        weekend=(day % 7 >= 5).astype(float),
        devices=np.ones((len(day), 1)),
        run_day=day,
        minutes=minutes,
        n_technical=per_third(days),
        has_log=True,
        n_before_log=int((~known).sum()),
        n_rare_device=0,
        days_since_log=int(day[-1] - logged[-1]),
        longest_break_days=int(np.diff(logged).max(initial=0)),
        first_run=START + timedelta(days=int(day[0])),
        log_start=START,
    )


def naive_p(simulated: SimulatedRuns) -> float:
    """The p value of `correlate_naively`, without the tables."""
    total = np.cumsum(np.concatenate([np.zeros(1 + NAIVE_DAYS), simulated.minutes]))
    minutes = total[simulated.day + NAIVE_DAYS] - total[simulated.day]
    return float(stats.pearsonr(minutes, simulated.technical_cv).pvalue) if np.ptp(minutes) > 1e-9 else 1.0


def straight_line(season: Season, effect: Array) -> float:
    """Slope, per 45 min/week, of the least-squares line through the true effect at each run."""
    columns = np.column_stack([season.dose, season.nuisance()])
    return float(np.linalg.lstsq(columns, effect[-season.n_runs :], rcond=None)[0][0])


def summarise(cell: Cell, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""

    def share(*beginnings: str) -> float:
        return fmean(outcome.verdict.startswith(beginnings) for outcome in outcomes)

    columns = zip(*((o.naive, o.gls, o.permutation) for o in outcomes), strict=True)
    found = [fmean(p < 0.05 for p in ps) for ps in columns]
    fitted = [o for o in outcomes if o.fitted]
    significant = [o for o in outcomes if o.gls < 0.05]
    answered = [o for o in outcomes if not o.verdict.startswith(("not", "cannot be"))]
    wrong, size = "     -", "     -"
    if cell.beta and significant:
        wrong = f"{fmean(o.estimate * o.beta < 0 for o in significant):>6.2f}"
        size = f"{fmean(abs(o.estimate / o.beta) for o in significant):>6.2f}"
    caution = f"{fmean(o.warns_of_step for o in answered):>6.2f}" if answered else "     -"
    return (
        f"{cell.scenario:<14}{cell.weeks:>5}{cell.beta:>6.2f}{' exact' if cell.exact else '      '}"
        f"{found[0]:>5.2f}{found[1]:>6.3f}{found[2]:>6.3f}{share('steadier'):>10.3f}{share('less'):>6.3f}"
        f"{share('no effect'):>11.2f}{share('cannot tell'):>13.2f}{share('not', 'cannot be'):>9.2f}"
        f"{fmean(o.covered for o in fitted):>13.3f}{fmean(o.covered_widely for o in fitted):>7.3f}"
        f"{fmean(o.estimate - o.beta for o in fitted):>7.3f}"
        f"  {wrong}  {size}{fmean(o.detectable for o in fitted):>6.2f}{caution:>14}"
    )


def calibrate(cells: Sequence[Cell], runners: int) -> None:
    """Print the table, a line as soon as it is known."""
    # One thread a process: the processes are the parallel part.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = "1"
    began = time.monotonic()
    print(HEADER, flush=True)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver")) as pool:
        for cell in cells:
            print(
                summarise(cell, list(pool.map(partial(judge, cell), range(runners), chunksize=5))), flush=True
            )
    print(f"{runners} runners a row, seeds 0 to {runners - 1}, {time.monotonic() - began:.0f} s")


def main() -> None:
    """Read the two options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runners", type=int, default=1000, help="seasons a row (default 1000)")
    parser.add_argument("--table", choices=[*TABLES, "all"], default="all")
    options = parser.parse_args()
    cells = [cell for name, table in TABLES.items() if options.table in (name, "all") for cell in table]
    calibrate(cells, options.runners)


if __name__ == "__main__":
    main()
