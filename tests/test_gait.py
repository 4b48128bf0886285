"""Running, walking, standing, and which seconds of cadence can be used."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gait import DOUBLE, FROZEN, HALF, MISSING, OK, RUN, SPIKE, STAND, WALK, flag_cadence, label_gait
from pipeline.numeric import stretches
from sample_data import STEADIED
from sample_data.plan import plan_season
from sample_data.recording import record_run
from sample_data.routes import make_routes


def test_cadence_and_speed_decide_gait() -> None:
    """170 spm is running, 115 spm at 1.3 m/s walking, no motion standing."""
    speed = np.repeat([3.0, 1.3, 0.0], 60)
    cadence = np.repeat([170.0, 115.0, np.nan], 60)
    gait = label_gait(speed, cadence)
    assert gait[[30, 90, 150]].tolist() == [RUN, WALK, STAND]


def test_a_stumble_stays_in_the_run() -> None:
    """Three seconds at 120 spm within running are still running: leaving them out would look steady."""
    cadence = np.full(60, 168.0)
    cadence[30:33] = 120.0
    assert (label_gait(np.full(60, 2.0), cadence) == RUN).all()


def test_a_change_of_gait_is_no_unsteadiness() -> None:
    """A watch that takes 112 to 168 spm in eight steps runs from the last but one on: 93 % is 157."""
    cadence = np.concatenate([np.full(60, 112.0), np.arange(119.0, 169.0, 7.0), np.full(60, 168.0)])
    there = np.concatenate([cadence, cadence[::-1]])
    gait = label_gait(np.full(len(there), 2.0), there)
    running = np.flatnonzero(gait == RUN)
    assert there[running[[0, -1]]].tolist() == [161.0, 161.0]
    assert (np.diff(running) == 1).all()


def test_a_stumble_beside_a_change_of_gait_stays_in() -> None:
    """One settled second after the change ends the search: the dip to 136 that follows it is measured."""
    cadence = np.repeat([112.0, 168.0, 136.0, 168.0], [60, 1, 2, 60])
    assert (label_gait(np.full(123, 2.0), cadence)[60:] == RUN).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 8.0))
def test_what_is_cut_off_adjoins_a_change_and_is_short(seed: int, sd_spm: float) -> None:
    """Running of one piece stays of one piece, and loses at most 15 seconds at either end."""
    rng = np.random.default_rng(seed)
    cadence = np.repeat([110.0, 165.0, 110.0], [60, 90, 60]) + rng.normal(0, sd_spm, 210)
    running = label_gait(np.full(210, 1.9), cadence) == RUN
    assert len(stretches(running)) <= 4
    assert running[60 + 16 : 150 - 16].all()


def test_a_slow_runner_runs() -> None:
    """At 132 spm who ran before still runs and who walked before still walks; 120 is walking, 138 running."""
    cadence = np.repeat([138.0, 132.0, 120.0, 132.0, 138.0], 60)
    gait = label_gait(np.full(300, 1.8), cadence)
    assert gait[[30, 90, 150, 210, 270]].tolist() == [RUN, RUN, WALK, WALK, RUN]


@given(st.integers(0, 2**32 - 1), st.floats(110, 165))
def test_a_single_second_never_changes_gait(seed: int, level: float) -> None:
    """Seven seconds of any cadence within an even minute leave the gait as it is."""
    rng = np.random.default_rng(seed)
    cadence = np.full(120, level)
    at = int(rng.integers(20, 90))
    cadence[at : at + 7] = rng.uniform(60, 220, 7)
    assert len(set(label_gait(np.full(120, 1.8), cadence))) == 1


def test_better_and_worse_days_lose_the_same_share_of_windows() -> None:
    """A slow runner keeps as many windows on days twice as unsteady; a bar per second takes a fifth away."""
    kept: dict[str, list[float]] = {"by the slow scale": [], "second by second": []}
    runner = replace(STEADIED, cadence_spm=150.0)
    for log_unsteadiness in (-0.35, 0.35):
        seconds, windows = 0, dict.fromkeys(kept, 0)
        for planned in plan_season(runner, 3, make_routes()).runs[:6]:
            day = replace(
                planned,
                sampling="1 Hz",
                log_unsteadiness_technical=log_unsteadiness,
                log_unsteadiness_smooth=log_unsteadiness,
            )
            route = next(route for route in make_routes() if route.name == day.route)
            made = record_run(runner, route, day)
            technical = np.zeros(len(made.cadence_spm), dtype=bool)
            for terrain, start_s, end_s, _, _ in made.stretches:
                technical |= (terrain == "technical") & (made.elapsed_s >= start_s) & (made.elapsed_s < end_s)
            seconds += technical.sum()
            gait = label_gait(made.speed_mps, made.cadence_spm)
            for name, running in (
                ("by the slow scale", gait == RUN),
                ("second by second", made.cadence_spm >= 140),
            ):
                of_one_piece = np.diff(stretches(running & technical))
                inside = (running & technical)[stretches(running & technical)[:-1]]
                windows[name] += (of_one_piece[inside] // 20).sum()
        for name, n in windows.items():
            kept[name].append(20 * n / seconds)
    better, worse = kept["by the slow scale"]
    assert abs(worse / better - 1) < 0.03
    better, worse = kept["second by second"]
    assert worse / better - 1 < -0.2


def test_fast_feet_without_cadence_still_run() -> None:
    """Where no cadence was recorded, 3 m/s is running and 1.2 m/s is walking."""
    nothing = np.full(120, np.nan)
    gait = label_gait(np.repeat([3.0, 1.2], 60), nothing)
    assert gait[[20, 100]].tolist() == [RUN, WALK]


def test_flags_by_hand() -> None:
    """A spike, a dropout, half and double values are each told apart from good cadence."""
    cadence = np.full(200, 170.0)
    cadence[20] = 240.0
    cadence[40:45] = np.nan
    cadence[60:80] = 85.0
    cadence[120] = 340.0
    flag = flag_cadence(cadence, np.full(200, 3.0), np.full(200, RUN))
    assert [flag[i] for i in (10, 20, 42, 70, 120)] == [OK, SPIKE, MISSING, HALF, DOUBLE]


def test_a_watch_that_counts_too_many_steps_for_a_minute_is_told() -> None:
    """A minute at 230 in a run at 165 is a spike throughout; a minute at 205 is a sprint."""
    cadence = np.repeat([165.0, 230.0, 165.0, 205.0, 165.0], [120, 60, 60, 60, 120])
    flag = flag_cadence(cadence, np.full(420, 3.0), np.full(420, RUN))
    assert (flag[120:180] == SPIKE).all()
    assert (flag[240:300] == OK).all()


def test_a_dip_of_a_quarter_is_no_spike() -> None:
    """A brake from 170 to 130 spm is what is measured, not an error of the watch."""
    cadence = np.full(100, 170.0)
    cadence[50:52] = 130.0
    assert (flag_cadence(cadence, np.full(100, 3.0), np.full(100, RUN)) == OK).all()


def test_frozen_needs_a_speed_that_changes_slowly() -> None:
    """The same value for a minute from 2.2 to 4.0 m/s is frozen; at an even speed it is a steady runner."""
    cadence = np.concatenate([np.tile([168.0, 170.0], 30), np.full(60, 170.0), np.tile([168.0, 170.0], 30)])
    changing = np.concatenate([np.full(60, 3.0), np.linspace(2.2, 4.0, 60), np.full(60, 3.0)])
    running = np.full(180, RUN)
    assert (flag_cadence(cadence, changing, running)[60:120] == FROZEN).mean() > 0.9
    assert (flag_cadence(cadence, np.full(180, 3.0), running) == OK).all()


def test_a_steady_runner_with_a_jittering_gps_is_not_frozen() -> None:
    """172 for ten minutes while the speed jitters by 2 m/s from second to second is good cadence."""
    speed = np.random.default_rng(1).normal(3.0, 0.8, 600).clip(0, 6)
    assert (flag_cadence(np.full(600, 172.0), speed, np.full(600, RUN)) == OK).all()


def test_a_short_run_between_walks_is_no_spike() -> None:
    """Twelve seconds of running at 168 amid walking at 112 are judged by running, not by the walk."""
    cadence = np.repeat([112.0, 168.0, 112.0, 168.0], [60, 12, 60, 200])
    gait = np.repeat([WALK, RUN, WALK, RUN], [60, 12, 60, 200])
    assert (flag_cadence(cadence, np.where(gait == RUN, 2.8, 1.3), gait) == OK).all()


def test_a_run_mostly_at_half_is_half() -> None:
    """Four fifths of a run at 84 beside some at 168 are half; the run is not measured by itself."""
    cadence = np.repeat([168.0, 84.0], [60, 240])
    flag = flag_cadence(cadence, np.full(300, 2.9), np.full(300, RUN))
    assert flag.tolist() == [OK] * 60 + [HALF] * 240
    assert (flag_cadence(np.full(90, 84.0), np.full(90, 2.9), np.full(90, RUN)) == HALF).all()


def test_cadence_far_away_does_not_make_a_walk_a_run() -> None:
    """Ten minutes of walking while the sensor is silent stay walking between two stretches of running."""
    cadence = np.repeat([170.0, np.nan, 170.0], [60, 600, 60])
    gait = label_gait(np.repeat([3.0, 1.3, 3.0], [60, 600, 60]), cadence)
    assert (gait[100:620] == WALK).all()
    assert gait[30] == gait[700] == RUN


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.6))
def test_walking_is_never_flagged_as_half(seed: int, missing: float) -> None:
    """Flags judge running; a walker's cadence is good or missing."""
    rng = np.random.default_rng(seed)
    cadence = np.where(rng.random(90) < missing, np.nan, rng.normal(112, 4, 90))
    flag = flag_cadence(cadence, rng.normal(1.4, 0.1, 90), np.full(90, WALK))
    assert set(np.unique(flag)) <= {OK, MISSING}
    assert ((flag == MISSING) == np.isnan(cadence)).all()
