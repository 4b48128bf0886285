"""Technical or smooth ground: features of the course, their score, and the labels.

1. Five features on the 5 m grid (`derive_features`).
2. Each is compared with fixed constants of its sensor class, never with the run or the athlete
   itself: that would force a share of technical ground on every run (`derive_score`).
3. The score is averaged over all passes of a place where there are three or more: the label must not
   depend on how steadily the runner moved today (`pipeline.places`).
4. A two-level Potts model turns the score into stretches of at least 60 m (`label_terrain`), and
   those into segments with their reasons (`derive_segments`).

Cadence and heart rate never enter: cadence is the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

import numpy as np
import polars as pl
from scipy.ndimage import median_filter, percentile_filter

from pipeline.columns import dtypes, numbers_of
from pipeline.numeric import (
    Array,
    Integers,
    Mask,
    fill_between,
    fit_quadratics,
    local_metres,
    merge_short,
    rolling_mean,
    rolling_sd,
    stretches,
)
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Grid, Segments

CELL_M = 5.0
FEATURES = ("altitude_roughness", "pace_variability", "pace_deficit", "sinuosity", "abs_grade")
TECHNICAL, SMOOTH = (TERRAINS.index(t) for t in ("technical", "smooth"))
UP, LEVEL, DOWN = (DIRECTIONS.index(d) for d in ("up", "level", "down"))

# Middle and spread of each feature between smooth and technical ground, set on real recordings: road
# runs lie one to two spreads below, trail runs about them (docs/methods.md). Pace and way depend on how
# often the watch records, roughness on its altitude; altitude worse than "windy" says nothing of it.
PACE_AND_WAY = {
    "1 Hz": {"pace_variability": (-2.60, 0.60), "pace_deficit": (0.14, 0.16), "sinuosity": (-3.75, 0.45)},
    "smart": {"pace_variability": (-2.40, 0.60), "pace_deficit": (0.14, 0.16), "sinuosity": (-3.75, 0.45)},
}
ROUGHNESS = {"clean": (-1.40, 0.45), "typical": (-0.90, 0.35), "windy": (-0.55, 0.30)}


def scored_features(altitude_class: str, sampling: str) -> dict[str, tuple[float, float]]:
    """Middle and spread of the features that are scored for this class of recording."""
    constants = dict(PACE_AND_WAY[sampling])
    if altitude_class in ROUGHNESS:
        constants["altitude_roughness"] = ROUGHNESS[altitude_class]
    return constants


def _width(length_m: float) -> int:
    return 2 * round(length_m / CELL_M / 2) + 1


def _median(value: Array, length_m: float) -> Array:
    return np.asarray(median_filter(value, _width(length_m), mode="nearest"))


def derive_features(
    *, altitude_m: Array, speed_mps: Array, grade: Array, lat_deg: Array, lon_deg: Array, broken: Mask
) -> dict[str, Array]:
    """The five terrain features on the 5 m grid; NaN where the channel is missing or the course broken."""
    if len(speed_mps) == 0:
        return dict.fromkeys(FEATURES, np.zeros(0))
    speed = np.maximum(fill_between(speed_mps), 0.3)
    pace = np.log(speed * heart_rate_factor(np.nan_to_num(grade)))
    usual = percentile_filter(pace, 80, _width(1000), mode="nearest")
    features = {
        "altitude_roughness": _roughness(altitude_m),
        "pace_variability": np.log(rolling_sd(pace - _median(pace, 200), _width(80)) + 0.01),
        "pace_deficit": _median(usual - pace, 60),
        "sinuosity": _sinuosity(lat_deg, lon_deg),
        "abs_grade": rolling_mean(np.abs(grade), _width(50)),
    }
    return {name: np.where(broken, np.nan, value) for name, value in features.items()}


def heart_rate_factor(grade: Array) -> Array:
    """Grade adjustment of speed at equal heart rate: speed times this is the speed on the level.

    A quadratic through the points that Strava published (Robb 2017, "An improved GAP model"): least
    effort near -9 %, none saved at -18 %. It gives descents less credit than the energy cost of
    treadmill running does (`kinematics.minetti_factor`), which on trail serves the classifier.
    """
    down = np.maximum(1 + 2.667 * grade + 14.8 * grade**2, 0.8)
    return np.asarray(np.where(grade < 0, down, 1 + 3.03 * grade + 18.8 * grade**2))


def _roughness(altitude_m: Array) -> Array:
    width = _width(80)
    if np.isfinite(altitude_m).sum() < width or len(altitude_m) < width:
        return np.full(len(altitude_m), np.nan)
    whole = fill_between(altitude_m)
    residual = np.where(np.isfinite(altitude_m), whole - fit_quadratics(whole, width)[0], np.nan)
    return np.asarray(np.log(rolling_sd(residual, width) + 0.05))


def _sinuosity(lat_deg: Array, lon_deg: Array) -> Array:
    if np.isfinite(lat_deg).sum() < _width(60):
        return np.full(len(lat_deg), np.nan)
    heading = np.radians(heading_deg(lat_deg, lon_deg))
    turn = (np.diff(heading, prepend=heading[0]) + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(np.log(np.sqrt(rolling_mean((turn / CELL_M) ** 2, _width(60))) + 0.005))


def heading_deg(lat_deg: Array, lon_deg: Array) -> Array:
    """Direction of travel of the track smoothed over 15 m, degrees clockwise from north."""
    east, north = local_metres(lat_deg, lon_deg)
    east, north = rolling_mean(east, _width(15)), rolling_mean(north, _width(15))
    if len(east) < 2:
        return np.full(len(east), np.nan)
    return np.asarray(np.degrees(np.arctan2(np.gradient(east), np.gradient(north))) % 360.0)


def derive_score(features: Mapping[str, Array], altitude_class: str, sampling: str) -> Array:
    """Mean z of the scored features: above 0 is technical.

    |grade| is measured but not scored: on simulated ground its AUC was 0.59 to 0.65, and adding it to
    the other four lowered F1 (docs/methods.md). NaN where no feature is known.
    """
    constants = scored_features(altitude_class, sampling)
    z = np.array([(features[name] - middle) / spread for name, (middle, spread) in constants.items()])
    known = np.isfinite(z)
    total, n = np.where(known, z, 0.0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.nan))


def technicality(score: Array) -> Array:
    """Score to the 0 to 1 scale: logistic with the slope fitted on simulated ground (docs/methods.md)."""
    return np.asarray(1 / (1 + np.exp(-3.4 * np.clip(score, -10, 10))))


def label_terrain(score: Array, *, switch_penalty: float = 3.0, min_length_m: float = 60.0) -> Integers:
    """Label of each cell as an index into `tables.TERRAINS`.

    Two-level Potts model: maximise the sum of x S - penalty x switches, x = +1 technical, -1 smooth,
    exactly, by dynamic programming (Viterbi); then stretches under `min_length_m` join their longer
    neighbour. Unknown cells take the label of their neighbours.
    """
    if len(score) == 0:
        return np.zeros(0, dtype=np.int64)
    ahead, leads = 0.0, []  # how far technical leads smooth up to each cell
    for gain in np.nan_to_num(2.0 * score).tolist():
        if ahead > switch_penalty:
            ahead = switch_penalty
        elif ahead < -switch_penalty:
            ahead = -switch_penalty
        ahead += gain
        leads.append(ahead)
    lead = np.array(leads)
    # A lead within the penalty is not worth a switch: such a cell is what the next decided one is.
    decided = (lead > switch_penalty) | (lead <= -switch_penalty)
    decided[-1] = True
    cells = np.arange(len(lead))
    following = np.minimum.accumulate(np.where(decided, cells, len(lead))[::-1])[::-1]
    label = np.where(lead[following] > 0, TECHNICAL, SMOOTH)
    return np.asarray(merge_short(label, round(min_length_m / CELL_M)))


def label_direction(
    grade: Array, terrain: Integers, *, limit: float = 0.03, min_length_m: float = 60.0
) -> Integers:
    """Up above +3 %, down below -3 %, of the grade averaged over 50 m: an index into `tables.DIRECTIONS`.

    Within a stretch of one terrain, a direction that holds for less than `min_length_m` joins its
    longer neighbour, so that no sliver is left where ground and slope change near each other.
    """
    slope = np.nan_to_num(rolling_mean(grade, _width(50)))
    direction = np.where(slope > limit, UP, np.where(slope < -limit, DOWN, LEVEL))
    for a, b in pairwise(stretches(terrain)):
        direction[a:b] = merge_short(direction[a:b], round(min_length_m / CELL_M))
    return direction


def derive_segments(
    grid: DataFrame[Grid], score: Array, passes: Integers, *, altitude_class: str, sampling: str, end_s: float
) -> DataFrame[Segments]:
    """Stretches of one terrain and direction of one run, with their two main reasons.

    `score` and `passes` are per cell: what the labels rest on, and on how many runs. The first
    segment starts at 0 s, the last ends at `end_s`, and each ends where the next begins.
    """
    terrain = label_terrain(score)
    direction = label_direction(grid["grade"].to_numpy(), terrain)
    borders = stretches(terrain * len(DIRECTIONS) + direction)
    first, last = borders[:-1], borders[1:]
    if len(grid) == 0:
        return Segments.create_empty()
    elapsed, distance = grid["elapsed_s"].to_numpy(), grid["distance_m"].to_numpy()
    start_s = np.concatenate([[0.0], elapsed[first[1:]]])
    probability = technicality(score)
    numbers = numbers_of(
        {
            "start_s": start_s,
            "end_s": np.append(start_s[1:], end_s),
            "start_m": distance[first],
            "end_m": np.append(distance[first[1:]], distance[-1] + CELL_M),
            "grade_mean": _means(grid["grade"].to_numpy(), first, last),
            "technicality_mean": _means(probability, first, last),
        }
    )
    rows: dict[str, Any] = {
        "run_id": [grid["run_id"][0]] * len(first),
        "segment_id": np.arange(len(first)),
        "terrain": [TERRAINS[terrain[i]] for i in first],
        "direction": [DIRECTIONS[direction[i]] for i in first],
        "passes": [int(np.median(passes[a:b])) for a, b in zip(first, last, strict=True)],
        "reasons": _reasons(grid, terrain, first, last, scored_features(altitude_class, sampling)),
        "edited": [False] * len(first),
    }
    types = dtypes(Segments)
    columns = [numbers[n] if n in numbers else pl.Series(n, rows[n], dtype) for n, dtype in types.items()]
    return cast(DataFrame[Segments], pl.DataFrame(columns))


def _means(value: Array, first: Integers, last: Integers) -> Array:
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(value))])
    count = np.concatenate([[0], np.cumsum(np.isfinite(value))])
    n = count[last] - count[first]
    return np.where(n > 0, (total[last] - total[first]) / np.maximum(n, 1), np.nan)


WORDS = {
    "altitude_roughness": ("the ground is uneven", "the profile is even"),
    "pace_variability": ("pace jumps about", "pace is even"),
    "pace_deficit": ("slower than usual for this grade", "near the usual pace for this grade"),
    "sinuosity": ("the trail winds", "the way is straight"),
}


def _reasons(
    grid: DataFrame[Grid],
    terrain: Integers,
    first: Integers,
    last: Integers,
    constants: dict[str, tuple[float, float]],
) -> list[str]:
    """The two features that speak most for each stretch's label, in words."""
    names = list(constants)
    means = {name: _means(grid[name].to_numpy(), first, last) for name in names}
    z = np.array([(means[name] - middle) / spread for name, (middle, spread) in constants.items()])
    for_label = np.nan_to_num(np.where(terrain[first] == TECHNICAL, z, -z), nan=-np.inf)
    order = np.argsort(-for_label, axis=0)[:2]
    reasons = []
    for k in range(len(first)):
        side = 0 if terrain[first[k]] == TECHNICAL else 1
        said = [WORDS[names[i]][side] for i in order[:, k] if for_label[i, k] > 0]
        reasons.append("; ".join(said) or "its neighbours are so")
    return reasons
