"""Early against late, running dynamics and walking: by hand, at the edges, and against a referee."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.signal import lfilter

from pipeline.metrics import EARLY, LATE, METRICS, MIDDLE, Windows
from pipeline.seconds import Seconds
from pipeline.stability import count_walking, measure_walking, stability_table
from pipeline.tables import DataFrame, Stability
from pipeline.windows import SD_FLOOR_SPM
from tests.made_windows import DOWN, LEVEL, TECHNICAL, UP, cut, measure, seconds_of, windows


def test_thirds_are_of_the_running() -> None:
    """After 300 s of walking, 180 s of running have three windows each early, in the middle and late."""
    gait = ["walk"] * 300 + ["run"] * 180
    found = cut(seconds_of(np.full(480, 170.0), gait=gait))
    assert found.third.tolist() == [EARLY] * 3 + [MIDDLE] * 3 + [LATE] * 3


def halves(early: list[tuple[int, float]], late: list[tuple[int, float]]) -> Windows:
    """Windows of these directions and SDs in the first and in the last third of a run."""
    direction, sd = zip(*early, *late, strict=True)
    return windows(
        len(sd),
        direction=np.array(direction),
        residual_sd_spm=np.array(sd),
        third=np.array([EARLY] * len(early) + [LATE] * len(late)),
    )


def change(of: Windows) -> dict[str, Any]:
    """The row of the change from early to late."""
    return measure(of).filter(metric="cadence_cv_late_change").row(0, named=True)


def test_late_against_early_by_hand() -> None:
    """From SD 2 to SD 3 on the same slope is 50 % less steady, whatever the middle of the run is."""
    found = measure(halves([(LEVEL, 2.0)] * 6, [(LEVEL, 3.0)] * 6))
    values = dict(found.filter(direction="all").select("metric", "value").iter_rows())
    assert values["cadence_cv_early"] == pytest.approx(2 / 170)
    assert values["cadence_cv_late"] == pytest.approx(3 / 170)
    assert values["cadence_cv_late_change"] == pytest.approx(0.5)


def test_going_up_first_and_down_last_is_no_fatigue() -> None:
    """Descents wobble twice as much and come late: slope by slope nothing has changed."""
    climb, descent = (UP, 1.5), (DOWN, 3.0)
    row = change(halves([climb] * 8 + [descent] * 2, [climb] * 2 + [descent] * 8))
    assert row["value"] == pytest.approx(0.0, abs=1e-12)
    assert row["n_windows"] == 20


def test_slopes_that_do_not_come_back_say_nothing_of_fatigue() -> None:
    """All up early and all down late can be compared with nothing: there is no such row."""
    found = measure(halves([(UP, 1.5)] * 8, [(DOWN, 3.0)] * 8))
    assert found.filter(metric="cadence_cv_late_change").is_empty()
    assert not found.filter(metric="cadence_cv_late").is_empty()


@pytest.mark.parametrize(("n", "has_interval"), [(5, False), (6, True)])
def test_a_change_needs_six_windows_at_either_end(n: int, has_interval: bool) -> None:
    """With 20 windows early and five late the change has no interval, with six it has."""
    rng = np.random.default_rng(7)
    row = change(
        halves([(LEVEL, x) for x in rng.uniform(1, 3, 20)], [(LEVEL, x) for x in rng.uniform(1, 3, n)])
    )
    assert (row["low"] is not None) == has_interval


def test_the_change_is_least_squares_within_directions() -> None:
    """The change equals the coefficient of late in a regression of log SD on late and direction."""
    rng = np.random.default_rng(8)
    n = 60
    direction, late = rng.integers(0, 3, n), rng.integers(0, 2, n)
    log_sd = 0.4 * (direction == DOWN) + 0.3 * late + rng.normal(0, 0.4, n)
    of = windows(n, direction=direction, third=np.where(late, LATE, EARLY), residual_sd_spm=np.exp(log_sd))
    x = np.column_stack([late, *(direction == d for d in range(3))]).astype(float)
    assert change(of)["value"] == pytest.approx(np.expm1(sm.OLS(log_sd, x).fit().params[0]))


def test_no_fatigue_is_rarely_found() -> None:
    """Of 200 runs without fatigue, descents late, the interval of the change leaves out none in 2 to 11 %."""
    rng = np.random.default_rng(9)
    out = 0
    for _ in range(200):
        direction = np.where(rng.random(60) < np.linspace(0.2, 0.8, 60), DOWN, UP)
        log_sd = 0.5 * (direction == DOWN) + lfilter([0.4], [1, -0.3], rng.normal(size=60))
        third = np.repeat([EARLY, MIDDLE, LATE], 20)
        row = change(windows(60, direction=direction, third=third, residual_sd_spm=np.exp(log_sd)))
        out += not row["low"] <= 0 <= row["high"]
    assert 0.02 <= out / 200 <= 0.11


def test_stance_by_hand() -> None:
    """Stance of 250 ms that swings by 10 ms has a variability of 10 / sqrt(2) / 250 within windows."""
    swing = np.sin(2 * np.pi * np.arange(400) / 10)
    found = cut(seconds_of(np.full(400, 170.0)), stance_time_ms=250 + 10 * swing)
    assert METRICS["stance_time_cv"].compute(found) == pytest.approx(10 / np.sqrt(2) / 250, rel=0.04)
    assert METRICS["cadence_cv"].compute(found) == pytest.approx(SD_FLOOR_SPM / 170)


def test_stance_that_follows_speed_is_steady() -> None:
    """Stance that is shorter the faster the runner goes, and nothing else, does not wobble."""
    speed = 2.5 + 0.5 * np.sin(2 * np.pi * np.arange(400) / 12)
    of_run = seconds_of(np.full(400, 170.0), speed_mps=speed)
    found = cut(of_run, stance_time_ms=400 - 50 * speed)
    np.testing.assert_allclose(found.stance_sd_ms, 0.5)


def test_balance_by_hand() -> None:
    """A left share of 0.52 that swings by 0.01 is 0.02 from even and wobbles by 0.01 / sqrt(2)."""
    share = 0.52 + 0.01 * np.sin(2 * np.pi * np.arange(400) / 10)
    found = cut(seconds_of(np.full(400, 170.0)), stance_balance=share)
    assert METRICS["stance_asymmetry"].compute(found) == pytest.approx(0.02, rel=0.01)
    assert METRICS["stance_balance_sd"].compute(found) == pytest.approx(0.01 / np.sqrt(2), rel=0.04)


def test_dynamics_lost_for_half_the_run_count_half_the_windows() -> None:
    """Where stance time was recorded for 200 of 400 s, it has 10 windows, cadence 20."""
    stance = np.where(np.arange(400) < 200, 250.0, np.nan)
    found = cut(seconds_of(np.full(400, 170.0)), stance_time_ms=stance)
    rows = measure(found).filter(direction="all")
    n_windows = dict(rows.select("metric", "n_windows").iter_rows())
    assert (n_windows["stance_time_cv"], n_windows["cadence_cv"]) == (10, 20)


def test_without_dynamics_there_are_no_rows_of_them() -> None:
    """A watch without running dynamics has rows of cadence alone."""
    rows = measure(cut(seconds_of(np.full(400, 170.0))))
    assert all(name.startswith("cadence_") for name in rows["metric"])


def walking(*runs: Seconds) -> DataFrame[Stability]:
    """The rows of walking of runs on technical ground."""
    counted = [count_walking(run, np.full(len(run), TECHNICAL)) for run in runs]
    names = [f"run {n}" for n in range(len(runs))]
    return stability_table(names, measure_walking(np.array(counted)))


def test_walking_share_by_hand() -> None:
    """Of 100 s up technical ground 60 are walked; 50 s of standing count for nothing; level ground is run."""
    gait = ["walk"] * 60 + ["run"] * 40 + ["stand"] * 50 + ["run"] * 100
    grade = np.repeat([0.2, 0.0, 0.0], [100, 50, 100])
    rows = walking(seconds_of(np.full(250, 170.0), gait=gait, grade=grade))
    assert Stability.is_valid(rows)
    assert set(rows["metric"]) == {"walking_share"}
    shares = {
        direction: rest for direction, *rest in rows.select("direction", "value", "seconds").iter_rows()
    }
    assert shares["all"] == [0.3, 200.0]
    assert shares["up"][0] == pytest.approx(0.6, abs=0.06)
    assert shares["level"][0] == pytest.approx(0.0, abs=0.06)


def test_no_track_no_walking() -> None:
    """An empty track, and one that stands still, have no rows of walking."""
    nowhere, still = seconds_of([]), seconds_of(np.full(30, np.nan), gait="stand")
    moved = seconds_of(np.full(30, 170.0))
    assert set(walking(nowhere, moved, still)["run_id"]) == {"run 1"}
