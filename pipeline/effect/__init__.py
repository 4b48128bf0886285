"""From steadiness and balance work to an answer with its uncertainty, for one runner."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.columns import dtypes
from pipeline.effect.analysis import Finding, analyse_season
from pipeline.effect.claims import relate_claims
from pipeline.effect.design import WEEKS as PREVIEW_WEEKS
from pipeline.effect.design import Preview, preview_designs, preview_staggered
from pipeline.effect.naive import NAIVE_REASON, correlate_naively
from pipeline.effect.randomisation import PlanTest, examine_plan
from pipeline.effect.recent import measure_recent_trends
from pipeline.effect.residuals import derive_residuals
from pipeline.effect.season import Season, build_season
from pipeline.effect.sensitivity import fit_any_response, vary_half_life
from pipeline.effect.staggered import StaggerTest, examine_staggered
from pipeline.effect.swap import swap_logs
from pipeline.effect.verdict import REFUSALS, as_change, detectable_change, sceptical_estimate
from pipeline.effect.words import write_cautions, write_missing, write_plan, write_sentence
from pipeline.effect.words import write_p as write_p
from pipeline.exposure import HALF_LIFE_DAYS
from pipeline.tables import BalanceSessions, DataFrame, Effects, Plans, Runs, Stability

METHOD = "GLS (OU + nugget, REML), v3; see docs/methods.md"
HEADLINE = "technical"


def relate_effect(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans] | None = None,
    *,
    half_life_days: float = HALF_LIFE_DAYS,
    seed: int = 0,
) -> DataFrame[Effects]:
    """Whether cadence was steadier on technical ground when more balance work had been done.

    Per athlete: log unsteadiness on technical ground of each run that counts, on the decayed dose up to
    the day before (per 45 min/week), unsteadiness on smooth ground of the same run, linear time, weekend,
    from 40 weeks on a wave of a year, and an intercept per device epoch; generalised least squares with
    drifting errors (see `gls`), beside a block permutation of the log (`seed`). Five rows an athlete: the
    headline "technical", three versions that should agree ("difference", "cubic time", "technical alone")
    and "smooth", the negative control that should show nothing (Lipsitch et al. 2010,
    doi 10.1097/EDE.0b013e3181d61eeb). `estimate`, `low` and `high` are changes of unsteadiness as fractions:
    -0.09 is 9 % steadier. They are empty where the verdict is that the data or the log cannot answer. Runs
    earlier than one half-life [days] after the log's first entry are left out; an entry of 0 minutes says
    that the log was kept from there on.

    The interval is that of the straight line through the doses done, with the half-life declared. The
    headline's row has `wide_low` and `wide_high` too, which leave half-life and shape open (see
    `fit_any_response`), and `naive_r` and `naive_p`, the obvious correlation, with `naive_reason`, why it
    must not be trusted. Where one of `plans` is over its own test is in `plan_p`: only where it was
    followed, agrees with the verdict and has p < 0.05 does the sentence name a cause.

    Never raises for want of data: an athlete with runs or a log has rows with a verdict, whatever is missing.
    """
    athletes = sorted({*runs["athlete_id"].unique(), *sessions["athlete_id"].unique()})
    rows: list[dict[str, Any]] = []
    for athlete_id in athletes:
        own_runs, own_log = (table.filter(pl.col("athlete_id") == athlete_id) for table in (runs, sessions))
        season = build_season(athlete_id, own_runs, stability, own_log, half_life_days)
        findings = analyse_season(season, half_life_days, seed)
        own_rows = [_row(outcome, season, findings, half_life_days) for outcome in findings]
        headline = own_rows[0]
        wide = fit_any_response(season) if headline["estimate"] is not None else None
        if wide is not None:
            headline["wide_low"], headline["wide_high"] = (as_change(end) for end in wide.interval())
        smooth = findings["smooth"].fit
        headline["cautions"] = write_cautions(headline["verdict"], season, smooth, wide, half_life_days)
        naive = correlate_naively(own_runs, stability, own_log)
        headline["naive_r"], headline["naive_p"] = naive or (None, None)
        headline["naive_reason"] = NAIVE_REASON if naive else ""
        if plans is not None:
            own_plans = plans.filter(pl.col("athlete_id") == athlete_id)
            _add_plan(headline, examine_plan(season, own_plans, half_life_days))
        rows += own_rows
    return Effects.cast(pl.DataFrame(rows, schema=dtypes(Effects)))


def _add_plan(headline: dict[str, Any], test: PlanTest | None) -> None:
    """What the plan's own test says, in the headline's row."""
    if test is not None:
        headline["plan_p"] = test.p
        headline["sentence"] = write_plan(headline["sentence"], headline["verdict"], test)


def _row(
    outcome: str, season: Season, findings: Mapping[str, Finding], half_life_days: float
) -> dict[str, Any]:
    """One row of the table."""
    finding = findings[outcome]
    fit, verdict = finding.fit, finding.verdict
    # Figures of too few runs or of a log without contrast would be read as an answer: none are given.
    shown = fit if verdict not in REFUSALS[:2] else None
    low, high = shown.interval() if shown else (math.nan, math.nan)
    return {
        "athlete_id": season.athlete_id,
        "outcome": outcome,
        "estimate": as_change(shown.estimate) if shown else None,
        "low": as_change(low) if shown else None,
        "high": as_change(high) if shown else None,
        "p": shown.p if shown else None,
        "permutation_p": finding.permutation_p if shown else None,
        "n_runs": season.n_runs,
        "weeks": season.weeks,
        "half_life_days": half_life_days,
        "dose_contrast": season.contrast,
        "detectable": detectable_change(fit) if fit else None,
        "se": shown.se if shown else None,
        "df": shown.df if shown else None,
        "sceptical": as_change(sceptical_estimate(shown)) if shown else None,
        "naive_reason": "",
        "verdict": verdict,
        "sentence": write_sentence(outcome, verdict, season, fit),
        "missing": write_missing(verdict, season, fit),
        "cautions": write_cautions(verdict, season, findings["smooth"].fit, half_life_days=half_life_days),
        "method": METHOD,
    }


__all__ = [
    "HEADLINE",
    "METHOD",
    "PREVIEW_WEEKS",
    "Preview",
    "StaggerTest",
    "derive_residuals",
    "examine_staggered",
    "measure_recent_trends",
    "preview_designs",
    "preview_staggered",
    "relate_claims",
    "relate_effect",
    "swap_logs",
    "vary_half_life",
]
