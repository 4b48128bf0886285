"""Steadiness: windows and their SD by hand, the regression and the interval against referees."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from pipeline.metrics import METRICS
from pipeline.seconds import RUN
from pipeline.stability import measure_windows, stability_table
from pipeline.tables import DIRECTIONS, TERRAINS, Stability
from pipeline.windows import SD_FLOOR_SPM, fit_cadence, join_windows, sum_cadence
from tests.made_windows import SMOOTH, TECHNICAL, cut, measure, seconds_of, windows

OF_LEVEL = ("cadence_cv", "cadence_cv_raw", "cadence_cv_early", "cadence_cv_late")


def test_a_sine_has_its_known_sd() -> None:
    """A wobble of amplitude 3 and period 10 s has an SD of 3 / sqrt(2) in every window, on any level."""
    cadence = 170 + 3 * np.sin(2 * np.pi * np.arange(200) / 10)
    found = cut(seconds_of(cadence))
    assert len(found) == 10
    # The centred 31 s mean holds three periods and one second more: it leaves 1/31 of the wobble at most.
    np.testing.assert_allclose(found.residual_sd_spm[2:-2], 3 / np.sqrt(2), rtol=0.04)
    np.testing.assert_allclose(found.cadence_sd_spm, 3 / np.sqrt(2))
    np.testing.assert_allclose(found.cadence_mean_spm, 170)


def test_noise_of_known_sd_is_found() -> None:
    """White noise of SD 2 spm comes to 2 sqrt(1 - 1/20) within windows of 20 s, detrended or not."""
    noise = np.random.default_rng(1).normal(0, 2, 40_000)
    found = cut(seconds_of(170 + noise))
    expected = 2 * np.sqrt(1 - 1 / 20)
    assert np.sqrt((found.residual_sd_spm**2).mean()) == pytest.approx(expected, rel=0.03)
    assert np.sqrt((found.cadence_sd_spm**2).mean()) == pytest.approx(expected, rel=0.02)


def test_a_slow_change_is_no_wobble() -> None:
    """A run that quickens by 20 spm over five minutes is steady: only the raw metric sees it."""
    cadence = np.linspace(160, 180, 300)
    found = cut(seconds_of(cadence))
    assert found.residual_sd_spm[3:-3].tolist() == [SD_FLOOR_SPM] * (len(found) - 6)
    assert METRICS["cadence_cv_raw"].compute(found) == pytest.approx(cadence.std() / cadence.mean(), rel=1e-6)


def test_what_the_model_predicts_is_no_wobble() -> None:
    """Cadence that follows speed and grade exactly has no wobble left once they are allowed for."""
    rng = np.random.default_rng(2)
    speed = 2.5 + 0.3 * lfilter([1], [1, -0.8], rng.normal(size=600))
    grade = 0.05 * lfilter([1], [1, -0.8], rng.normal(size=600))
    cadence = 150 + 6 * speed + 0.5 * speed**2 + 20 * grade + 40 * grade**2
    of_run = seconds_of(cadence, speed_mps=speed, grade=grade)
    model = fit_cadence([sum_cadence(of_run)])
    assert set(cut(of_run, model=model).residual_sd_spm) == {SD_FLOOR_SPM}
    assert cut(of_run).residual_sd_spm.min() > SD_FLOOR_SPM


def test_equal_cadence_has_the_floor() -> None:
    """A watch that stores the same cadence throughout is taken to wobble by 0.2 spm, not by nothing."""
    found = cut(seconds_of(np.full(60, 170.0)))
    assert set(found.residual_sd_spm) == {0.2}


def test_the_leftover_is_split_over_both_ends() -> None:
    """Of 50 s of running two windows of 20 s are taken from the middle, 5 s are left at each end."""
    assert cut(seconds_of(np.full(50, 170.0))).start_s.tolist() == [5.0, 25.0]


@pytest.mark.parametrize(("seconds", "n"), [(19, 0), (20, 1), (39, 1), (40, 2)])
def test_only_whole_windows(seconds: int, n: int) -> None:
    """A stretch holds as many windows as whole 20 s fit into it."""
    assert len(cut(seconds_of(np.full(seconds, 170.0)))) == n


@pytest.mark.parametrize(("known", "n"), [(11, 0), (12, 1)])
def test_twelve_seconds_must_be_known(known: int, n: int) -> None:
    """A window counts with 12 of its 20 cadences, not with 11."""
    cadence = np.full(20, 170.0)
    cadence[known:] = np.nan
    assert len(cut(seconds_of(cadence))) == n


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=8)
def test_runs_measured_together_are_measured_as_each_alone(sizes: list[int], seed: int) -> None:
    """What is said of a run does not hang on which others are measured with it, to the last bit."""
    rng = np.random.default_rng(seed)
    runs = [
        windows(
            n,
            terrain=rng.integers(0, 2, n),
            direction=rng.integers(0, 3, n),
            third=np.sort(rng.integers(0, 3, n)),
            residual_sd_spm=rng.uniform(1, 5, n),
        )
        for n in sizes
    ]
    names = [f"run {k}" for k in range(len(runs))]
    run = np.repeat(np.arange(len(runs)), sizes)
    together = stability_table(names, measure_windows(join_windows(runs), run))
    for name, own in zip(names, runs, strict=True):
        assert together.filter(run_id=name).equals(measure(own).with_columns(run_id=pl.lit(name)))


def test_a_spike_is_not_measured() -> None:
    """A cadence flagged as a spike changes neither mean nor SD of its window."""
    cadence = np.full(20, 170.0)
    cadence[7] = 250
    flags = ["ok"] * 20
    flags[7] = "spike"
    found = cut(seconds_of(cadence, cadence_flag=flags))
    assert found.cadence_mean_spm.tolist() == [170.0]
    assert found.cadence_sd_spm.tolist() == [0.0]


def test_windows_do_not_straddle_terrain() -> None:
    """30 s technical, then 30 s smooth: one window in the middle of each."""
    found = cut(seconds_of(np.full(60, 170.0)), ["technical"] * 30 + ["smooth"] * 30)
    assert found.start_s.tolist() == [5.0, 35.0]
    assert found.terrain.tolist() == [TECHNICAL, SMOOTH]


def test_windows_do_not_straddle_a_gap() -> None:
    """Where the clock skips seconds a new stretch begins."""
    elapsed = np.arange(60) + np.where(np.arange(60) >= 30, 100, 0)
    assert cut(seconds_of(np.full(60, 170.0), elapsed_s=elapsed)).start_s.tolist() == [
        5.0,
        135.0,
    ]


def test_walking_is_no_running() -> None:
    """20 s of walking between two stretches of running are in no window."""
    gait = ["run"] * 30 + ["walk"] * 20 + ["run"] * 30
    assert cut(seconds_of(np.full(80, 170.0), gait=gait)).start_s.tolist() == [5.0, 55.0]


def test_ground_without_a_label_is_left_out() -> None:
    """Seconds of which the ground is not known are in no window."""
    terrain = ["smooth"] * 20 + [None] * 40
    assert cut(seconds_of(np.full(60, 170.0)), terrain).start_s.tolist() == [0.0]


def test_the_trend_stops_at_the_border_of_the_ground() -> None:
    """A step of cadence at a border of the ground is no wobble on either side."""
    cadence = np.concatenate([np.full(40, 160.0), np.full(40, 175.0)])
    found = cut(seconds_of(cadence), ["technical"] * 40 + ["smooth"] * 40)
    assert set(found.residual_sd_spm) == {SD_FLOOR_SPM}


@pytest.mark.parametrize(
    ("grade", "direction"),
    [(0.05, "up"), (0.029, "level"), (0.0, "level"), (-0.029, "level"), (-0.05, "down"), (None, "level")],
)
def test_direction_by_the_grade_of_the_window(grade: float | None, direction: str) -> None:
    """Up is above +3 %, down below -3 %; ground of unknown grade counts as level."""
    found = cut(seconds_of(np.full(20, 170.0), grade=grade))
    assert [DIRECTIONS[d] for d in found.direction] == [direction]


def test_no_track_no_windows() -> None:
    """An empty track, and one without cadence, have no windows and no rows of steadiness."""
    for nothing in (seconds_of([]), seconds_of(np.full(100, np.nan))):
        found = cut(nothing, model=fit_cadence([sum_cadence(nothing)]))
        assert len(found) == 0
        assert measure(found).is_empty()


def test_the_regression_is_ordinary_least_squares() -> None:
    """The summed regression of three runs gives the coefficients that statsmodels gives for them at once."""
    rng = np.random.default_rng(3)
    runs, xs, ys = [], [], []
    for _ in range(3):
        speed, grade = rng.uniform(1.5, 4, 500), rng.uniform(-0.2, 0.2, 500)
        cadence = 140 + 10 * speed - 0.7 * speed**2 + 15 * grade - 30 * grade**2 + rng.normal(0, 3, 500)
        cadence[::7] = np.nan
        runs.append(seconds_of(cadence, speed_mps=speed, grade=grade))
        known = np.isfinite(cadence)
        xs.append(np.column_stack([np.ones(500), speed, speed**2, grade, grade**2])[known])
        ys.append(cadence[known])
    x, y = np.concatenate(xs), np.concatenate(ys)
    found = fit_cadence(sum_cadence(run) for run in runs)
    np.testing.assert_allclose(found, sm.OLS(y, x).fit().params, rtol=0.01)
    np.testing.assert_allclose(x @ found, x @ np.linalg.lstsq(x, y, rcond=None)[0], atol=0.01)


def test_a_treadmill_can_be_fitted() -> None:
    """One speed and no hills leave four terms undetermined; the prediction is the mean all the same."""
    flat = seconds_of(np.array([168.0, 172.0] * 50))
    found = fit_cadence([sum_cadence(flat)])
    assert found @ np.array([1, 2.5, 6.25, 0, 0]) == pytest.approx(170, abs=0.01)


def test_nothing_usable_predicts_nothing() -> None:
    """Without a usable second all coefficients are 0."""
    assert fit_cadence([sum_cadence(seconds_of([np.nan] * 30))]).tolist() == [0.0] * 5


def test_cadence_cv_by_hand() -> None:
    """Windows of SD 1 and 4 at cadence 160 and 200: geometric mean 2 over 180."""
    two = windows(2, residual_sd_spm=np.array([1.0, 4.0]), cadence_mean_spm=np.array([160.0, 200.0]))
    assert METRICS["cadence_cv"].compute(two) == pytest.approx(2 / 180)


def test_raw_cv_is_the_pooled_sd() -> None:
    """Raw CV over whole windows is the plain SD over the mean of all their seconds together."""
    cadence = np.random.default_rng(4).normal(170, 5, 400)
    found = cut(seconds_of(cadence))
    assert METRICS["cadence_cv_raw"].compute(found) == pytest.approx(cadence.std() / cadence.mean())


def test_every_metric_says_what_it_is() -> None:
    """Each metric has a lower-case name, one whole sentence, and says whether lower or higher is steadier."""
    assert "cadence_cv" in METRICS
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert re.fullmatch(r"[A-Z].*[^.]\.", metric.sentence)
        assert metric.steadier_is in ("lower", "higher")


@pytest.mark.parametrize("name", OF_LEVEL)
@given(factor=st.floats(1.2, 5), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_more_wobble_is_less_steady(name: str, factor: float, seed: int) -> None:
    """Wobble scaled up moves every metric away from the direction that it calls steadier."""
    wobble = np.random.default_rng(seed).normal(0, 2, 400)
    steady, unsteady = (METRICS[name].compute(cut(seconds_of(170 + f * wobble))) for f in (1, factor))
    assert (unsteady > steady) == (METRICS[name].steadier_is == "lower")


def test_rows_by_terrain_and_direction() -> None:
    """Six level windows on smooth ground make a row for "all" and one for "level" per metric, no others."""
    rows = measure(windows(6, terrain=np.full(6, SMOOTH)))
    assert Stability.is_valid(rows)
    assert set(rows.select("terrain", "direction", "metric").rows()) == {
        ("smooth", direction, metric)
        for direction in ("all", "level")
        for metric in ("cadence_cv", "cadence_cv_raw")
    }
    assert set(rows.select("n_windows", "seconds").rows()) == {(6, 120.0)}


@pytest.mark.parametrize(("n", "has_interval"), [(1, False), (5, False), (6, True)])
def test_an_interval_needs_six_windows(n: int, has_interval: bool) -> None:
    """Below six windows a value stands without an interval; it is never made up."""
    sd = np.linspace(1, 3, n)
    row = measure(windows(n, residual_sd_spm=sd)).filter(metric="cadence_cv").row(0, named=True)
    assert (row["low"] is not None, row["high"] is not None) == (has_interval, has_interval)
    if has_interval:
        assert row["low"] < row["value"] < row["high"]


def test_the_same_run_gives_the_same_bytes() -> None:
    """Measuring a run twice gives equal tables, intervals included."""
    run = seconds_of(170 + np.random.default_rng(5).normal(0, 3, 900))
    one, other = (measure(cut(run)) for _ in range(2))
    assert one.equals(other)


@pytest.mark.parametrize("n", [12, 60])
def test_the_interval_covers_the_truth(n: int) -> None:
    """Of the intervals of 200 simulated runs with autocorrelated wobble 88 to 99 % hold the true level."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(200):
        log_sd = np.log(2) + lfilter([0.4], [1, -0.3], rng.normal(size=n + 20))[20:]
        found = measure(windows(n, residual_sd_spm=np.exp(log_sd)))
        row = found.filter(metric="cadence_cv", direction="all").row(0, named=True)
        covered += row["low"] <= 2 / 170 <= row["high"]
    assert 0.88 <= covered / 200 <= 0.99


@given(
    gait=st.lists(st.sampled_from(["run", "run", "run", "walk"]), min_size=2, max_size=12),
    terrain=st.lists(st.sampled_from(["technical", "smooth", None]), min_size=2, max_size=12),
    skips=st.lists(st.integers(0, 40), min_size=2, max_size=12),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_every_window_is_of_one_piece(
    gait: list[str], terrain: list[str | None], skips: list[int], seed: int
) -> None:
    """Whatever the track, each window is 20 seconds in a row of running on one ground, none shared."""
    rng = np.random.default_rng(seed)
    pieces = min(len(gait), len(terrain), len(skips))
    length = rng.integers(1, 60, pieces)
    n = int(length.sum())
    piece = np.repeat(np.arange(pieces), length)
    elapsed = np.arange(n) + np.repeat(np.cumsum(skips[:pieces]), length)
    run = seconds_of(
        np.where(rng.random(n) < 0.2, np.nan, rng.normal(170, 5, n)),
        elapsed_s=elapsed,
        gait=[gait[i] for i in piece],
    )
    lies_on = np.array([terrain[i] for i in piece])
    found = cut(run, lies_on)
    assert (np.diff(found.start_s) >= 20).all()
    for start, ground in zip(found.start_s, found.terrain, strict=True):
        part = (run.elapsed_s >= start) & (run.elapsed_s <= start + 19)
        assert part.sum() == 20
        assert (run.gait[part] == RUN).all()
        assert set(lies_on[part]) == {TERRAINS[ground]}
        assert np.isfinite(run.cadence_spm[part]).sum() >= 12
