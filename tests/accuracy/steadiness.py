"""Headline steadiness against the truth, and whether today's pace changes what is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipeline.metrics import METRICS
from pipeline.numeric import Array
from pipeline.segments import RunSegments
from pipeline.tables import TERRAINS, Segments
from pipeline.windows import adjust, cut_windows, fit_cadence
from sample_data.routes import make_route
from tests.accuracy.ground import UNSTEADINESS_SD
from tests.accuracy.world import (
    SENSORS,
    TRAILS,
    USUAL_DAY,
    Pass,
    label_together,
    make_pass,
    make_runner,
)

PAIRS = 12
TECHNICAL = TERRAINS.index("technical")


@dataclass(frozen=True, slots=True)
class Season:
    """A runner's runs in pairs of equal truth on two routes: arrays of one entry per run.

    `log_measured` is log `cadence_cv` on technical ground, `log_true_ground` the same with true labels,
    `kept` the share of the technical seconds that lie in its windows.
    """

    log_truth: Array
    log_measured: Array
    log_true_ground: Array
    kept: Array
    technical_s: Array


def measure_season(sensor: str, seed: int, *, pace_follows: float, pairs: int = PAIRS) -> Season:
    """Runs with `pairs` levels of unsteadiness, each once on either of two trails.

    `pace_follows`: log unsteadiness of pace on technical ground per log unsteadiness of cadence.
    """
    runner = make_runner(seed)
    levels = UNSTEADINESS_SD * np.random.default_rng([seed, 13]).standard_normal(pairs)
    passes = []
    for k in (seed % 3, (seed + 1) % 3):
        route = make_route(TRAILS[k], k, seed)
        for level in levels:
            day = replace(USUAL_DAY, pace_unsteadiness=pace_follows * float(level))
            passes.append(
                make_pass(runner, route, SENSORS[sensor], len(passes), log_unsteadiness=float(level), day=day)
            )
    together = label_together(passes)
    headline = together.stability.filter(metric="cadence_cv", direction="all", terrain="technical")
    of_run = {row["run_id"]: row for row in headline.iter_rows(named=True)}
    truth_s = np.array([_technical_s(one) for one in passes])
    found = [one.run_id in of_run for one in passes]
    seconds = np.array(
        [of_run[one.run_id]["seconds"] if ok else 0.0 for one, ok in zip(passes, found, strict=True)]
    )
    values = [of_run[one.run_id]["value"] if ok else np.nan for one, ok in zip(passes, found, strict=True)]
    return Season(
        log_truth=np.concatenate([levels, levels]),
        log_measured=np.log(np.array(values)),
        log_true_ground=np.log(_on_true_ground(passes)),
        kept=seconds / truth_s,
        technical_s=seconds,
    )


def _technical_s(one: Pass) -> float:
    return float(sum(end - start for what, start, end, *_ in one.recording.stretches if what == "technical"))


def _on_true_ground(passes: list[Pass]) -> Array:
    """`cadence_cv` on technical ground if every label were true: what no label can better."""
    model = fit_cadence(one.result.cadence_moments for one in passes)
    values = []
    for one in passes:
        assert one.result.track is not None
        rows = pl.DataFrame(
            one.recording.stretches,
            schema=["terrain", "start_s", "end_s", "start_m", "end_m"],
            orient="row",
        ).with_columns(
            run_id=pl.lit(one.run_id),
            segment_id=pl.int_range(pl.len()),
            direction=pl.lit("level"),
            grade_mean=None,
            technicality_mean=None,
            passes=1,
            reasons=pl.lit("true"),
            edited=False,
        )
        seconds = one.result.track.to_seconds()
        ground, _ = RunSegments.from_table(Segments.cast(rows)).find_ground(seconds.elapsed_s)
        windows = cut_windows(adjust(seconds, model), np.where(ground == TECHNICAL, 0, -1))
        values.append(METRICS["cadence_cv"].compute(windows))
    return np.array(values)


def within_r(seasons: list[Season], name: str) -> float:
    """Correlation of a measure with the truth, both about each runner's own mean."""
    x, y = _centred(seasons, name)
    return float(np.corrcoef(x, y)[0, 1])


def interval_of_r(seasons: list[Season], name: str, draws: int = 1000) -> tuple[float, float]:
    """95 % interval of `within_r`, runners drawn with replacement."""
    rng = np.random.default_rng(len(seasons))
    drawn = [
        within_r([seasons[i] for i in rng.integers(0, len(seasons), len(seasons))], name)
        for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def slope_on_truth(seasons: list[Season], name: str) -> float:
    """Log measured per log true unsteadiness, within runners."""
    x, y = _centred(seasons, name)
    return float(x @ y / (x @ x))


def _centred(seasons: list[Season], name: str) -> tuple[Array, Array]:
    pairs = []
    for season in seasons:
        ok = np.isfinite(getattr(season, name))
        x, y = season.log_truth[ok], getattr(season, name)[ok]
        pairs.append((x - x.mean(), y - y.mean()))
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def icc(seasons: list[Season], name: str) -> float:
    """ICC(1,1) (Shrout & Fleiss 1979, doi 10.1037/0033-2909.86.2.420) of two runs of equal truth, other ways.

    About each runner's own mean, so that runners who differ from each other do not flatter it.
    """
    between, within = [], []
    for season in seasons:
        first, second = np.split(getattr(season, name), 2)
        ok = np.isfinite(first) & np.isfinite(second)
        mean, gap = (first[ok] + second[ok]) / 2, first[ok] - second[ok]
        between.append(2 * float(mean.var(ddof=1)))
        within.append(float((gap**2).mean() / 2))
    b, w = float(np.mean(between)), float(np.mean(within))
    return (b - w) / (b + w)


def lost_windows(seasons: list[Season], *, better: bool) -> float:
    """Share of the technical seconds that no window holds, on days steadier, or less steady, than usual."""
    lost = []
    for season in seasons:
        middle = np.median(season.log_truth)
        days = season.log_truth < middle if better else season.log_truth > middle
        lost.append(1 - season.kept[days])
    return float(np.concatenate(lost).mean())
