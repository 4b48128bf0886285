"""`python -m tests.accuracy`: how accurate grade, labels and steadiness are, on ground of known truth.

Prints the tables of docs/methods.md. `--seeds tuning` measures on the seeds that the constants were tuned on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import numpy as np

from tests.accuracy.bounds import grade_bound
from tests.accuracy.ground import Ground, Labels, join, measure_ground
from tests.accuracy.steadiness import (
    Season,
    icc,
    interval_of_r,
    lost_windows,
    measure_season,
    slope_on_truth,
    within_r,
)
from tests.accuracy.world import SENSORS, TEST_SEEDS, TUNING_SEEDS

STEADINESS_SENSORS = ("clean", "typical", "typical, smart", "GPS")
PACE_FOLLOWS = (0.0, 1.0)
BINS = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0])


def main() -> None:
    """Measure every sensor class and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--seeds", choices=["test", "tuning"], default="test")
    parser.add_argument("--sensors", nargs="*", choices=[*SENSORS], default=[*SENSORS], metavar="SENSOR")
    args = parser.parse_args()
    seeds = TEST_SEEDS if args.seeds == "test" else TUNING_SEEDS
    print(f"{args.seeds} seeds {seeds[0]} to {seeds[-1]}, {datetime.now(UTC):%Y-%m-%d}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        ground = {s: join(pool.map(partial(measure_ground, s), seeds)) for s in args.sensors}
        _print_grade(ground)
        _print_labels(ground)
        _print_passes(pool, seeds)
        _print_reliability(ground)
        print("\n" + STEADINESS_HEADER)
        for sensor in [s for s in args.sensors if s in STEADINESS_SENSORS]:
            by_pace = [
                list(pool.map(partial(measure_season, sensor, pace_follows=follows), seeds))
                for follows in PACE_FOLLOWS
            ]
            _print_steadiness(sensor, *by_pace)


def _print_grade(ground: dict[str, Ground]) -> None:
    print("\nRMSE of grade (percentage points)  hill   bound   with rocks   bound")
    for sensor, g in ground.items():
        hill, rocks = grade_bound(SENSORS[sensor])
        print(
            f"{sensor:32}{_points(g.hill_error):7.2f} {hill:7.2f} {_points(g.rock_error):12.2f} {rocks:7.2f}"
        )


def _points(squares: list[float]) -> float:
    return 100 * float(np.sqrt(np.mean(squares)))


def _print_labels(ground: dict[str, Ground]) -> None:
    print(
        "\nlabels                    one pass: F1   border   false    5 passes: F1   border   false    road"
    )
    for sensor, g in ground.items():
        print(
            f"{sensor:22}{g.single.f1:16.3f} {g.single.border_error_m:6.0f} m {g.single.false_share:7.3f}"
            f"{g.memory.f1:16.3f} {g.memory.border_error_m:6.0f} m {g.memory.false_share:7.3f}"
            f" {g.road.false_share:7.3f}"
        )


def _print_passes(pool: ProcessPoolExecutor, seeds: range) -> None:
    print("\npasses (typical)      F1   border   false")
    for passes in (4, 10):
        g = join(pool.map(partial(measure_ground, "typical", passes=passes), seeds))
        print(f"{passes:6} {g.memory.f1:17.3f} {g.memory.border_error_m:6.0f} m {g.memory.false_share:7.3f}")


def _print_reliability(ground: dict[str, Ground]) -> None:
    """Of the places scored so, how many are technical: one pass / five passes."""
    print("\nshare of ground that is technical, by technicality_mean: one pass, 5 passes (road and trail)")
    print(" " * 22 + "".join(f"{f'{a:g}-{b:g}':>14}" for a, b in pairwise(BINS)))
    for sensor, g in ground.items():
        one, five = _shares(g.single), _shares(g.memory)
        print(f"{sensor:22}" + "".join(f"{f'{a:.2f} {b:.2f}':>14}" for a, b in zip(one, five, strict=True)))


def _shares(labels: Labels) -> list[float]:
    said, truth = np.concatenate(labels.technicality), np.concatenate(labels.truth)
    which = np.clip(np.digitize(said, BINS) - 1, 0, len(BINS) - 2)
    return [
        float(truth[which == k].mean()) if (which == k).any() else float("nan") for k in range(len(BINS) - 1)
    ]


STEADINESS_HEADER = (
    "steadiness            r (95 % interval)  (true labels)  ICC  (true)  minutes"
    "  slope (true), pace free; follows   labels' part   lost: better, worse days"
)


def _print_steadiness(sensor: str, free: list[Season], follows: list[Season]) -> None:
    measured, true = "log_measured", "log_true_ground"
    slopes = [slope_on_truth(s, name) for s in (free, follows) for name in (measured, true)]
    part = slopes[2] / slopes[3] / (slopes[0] / slopes[1]) - 1
    low, high = interval_of_r(free, measured)
    minutes = np.median(np.concatenate([s.technical_s for s in free])) / 60
    print(
        f"{sensor:18}{within_r(free, measured):7.3f} ({low:.2f} to {high:.2f}) {within_r(free, true):10.3f}"
        f"{icc(free, measured):10.2f} {icc(free, true):6.2f} {minutes:8.0f}"
        f"     {slopes[0]:.2f} ({slopes[1]:.2f}); {slopes[2]:.2f} ({slopes[3]:.2f})"
        f" {100 * part:+14.0f} % {lost_windows(follows, better=True):14.2f}"
        f" {lost_windows(follows, better=False):6.2f}"
    )


if __name__ == "__main__":
    main()
