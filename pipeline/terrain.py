"""Technical or smooth ground: features of the course, their score, and the labels.

1. Five features on the 5 m grid (`derive_features`).
2. Each is compared with fixed constants of its sensor class, never with the run or the athlete
   itself: that would force a share of technical ground on every run. Together they give the log odds of
   technical ground (`derive_score`).
3. The score is averaged over all passes of a place where there are three or more: the label must not
   depend on how steadily the runner moved today (`pipeline.places`).
4. A two-level Potts model turns the score into stretches of at least 60 m (`label_terrain`), their borders
   are moved to where the score splits best (`move_borders`), and the stretches become segments with their
   reasons (`derive_segments`).

Cadence and heart rate never enter: cadence is the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from scipy.ndimage import median_filter, percentile_filter

from pipeline.cells import FEATURES, Cells
from pipeline.numeric import (
    Array,
    Integers,
    Mask,
    fill_between,
    fit_values,
    local_metres,
    merge_short,
    quantile,
    rolling_mean,
    rolling_sd,
    stretches,
)
from pipeline.segments import RunSegments
from pipeline.tables import DIRECTIONS, TERRAINS

CELL_M = 5.0
TECHNICAL, SMOOTH = (TERRAINS.index(t) for t in ("technical", "smooth"))
UP, LEVEL, DOWN = (DIRECTIONS.index(d) for d in ("up", "level", "down"))

# Log odds of technical ground per unit of each feature, and the feature's middle between smooth and technical
# ground. Set on simulated ground and on real recordings together (docs/methods.md). Roughness says the less
# the noisier the altitude.
_PACE_AND_WAY = {"pace_variability": 1.5, "pace_deficit": 9.0, "sinuosity": 1.0}
WEIGHTS = {
    "clean": {"altitude_roughness": 2.5, **_PACE_AND_WAY},
    "typical": {"altitude_roughness": 2.5, **_PACE_AND_WAY},
    "windy": {"altitude_roughness": 1.0, **_PACE_AND_WAY},
    "gps": _PACE_AND_WAY,
    "none": _PACE_AND_WAY,
}
MIDDLES = {"pace_variability": -3.1, "pace_deficit": 0.19, "sinuosity": -3.8}
ROUGHNESS_MIDDLE = {"clean": -1.2, "typical": -1.0, "windy": -0.6}
BIAS = {"clean": -0.2, "typical": 0.2, "windy": 0.5, "gps": 0.25, "none": 0.25}
SAMPLING_BIAS = {"1 Hz": 0.0, "smart": 0.4}
# Log odds after so many passes: their mean times the slope.
N_PASSES, SLOPE = (1, 3, 5, 10), (1.0, 1.5, 1.6, 1.8)
LEAST_EFFORT = 0.95  # of the level's, on any descent
SETTING_OUT_M = 60.0  # a standing start is slow and uneven on any ground
# Probability from which ground is called technical; what a switch between the two must be worth (log odds).
TECHNICAL_FROM = 1 / 3
SWITCH_PENALTY = 12.0
MIN_LENGTH_M = 60.0
REACH_M = 50.0  # of what a border is moved by
CERTAIN = 5.0  # log odds beyond which a cell says no more of where a border lies


def weigh_features(features: Mapping[str, Array], altitude_class: str) -> dict[str, Array]:
    """What each feature says of each cell: log odds of technical ground, 0 where the feature is not known."""
    said = _weigh(features, altitude_class)
    return dict(zip(WEIGHTS[altitude_class], np.where(np.isfinite(said), said, 0.0), strict=True))


def _weigh(features: Mapping[str, Array], altitude_class: str) -> Array:
    """Log odds (features, cells), not finite where the feature is not known."""
    weights = WEIGHTS[altitude_class]
    middles = MIDDLES | {"altitude_roughness": ROUGHNESS_MIDDLE.get(altitude_class, 0.0)}
    said = np.array([features[name] for name in weights])
    said -= np.array([[middles[name]] for name in weights])
    said *= np.array([[weight] for weight in weights.values()])
    return said


def _width(length_m: float) -> int:
    return 2 * round(length_m / CELL_M / 2) + 1


def _median(value: Array, length_m: float) -> Array:
    return np.asarray(median_filter(value, _width(length_m), mode="nearest"))


def derive_features(
    *, altitude_m: Array, speed_mps: Array, grade: Array, heading_deg: Array, broken: Mask
) -> dict[str, Array]:
    """The five terrain features on the 5 m grid.

    NaN where the channel is missing, the course broken or the runner still setting out.
    """
    if len(speed_mps) == 0:
        return dict.fromkeys(FEATURES, np.zeros(0))
    without = broken.copy()
    without[: round(SETTING_OUT_M / CELL_M)] = True
    speed = np.log(np.maximum(fill_between(speed_mps), 0.3))
    change = np.full(len(speed), np.nan)
    after = round(SETTING_OUT_M / CELL_M) + 1
    change[after:] = np.diff(speed[after - 1 :])
    jumps = np.log(rolling_sd(change, _width(40)) + 0.003)
    pace = speed + np.log(heart_rate_factor(np.nan_to_num(grade)))
    usual = percentile_filter(pace, 80, _width(1000), mode="nearest")
    usual_of_run = quantile(_median(pace, 60), 0.8)
    features = {
        "altitude_roughness": _roughness(altitude_m),
        "pace_variability": rolling_mean(jumps, _width(80)),
        "pace_deficit": _median((usual + usual_of_run) / 2 - pace, 40),
        "sinuosity": _sinuosity(heading_deg),
        "abs_grade": rolling_mean(np.abs(grade), _width(50)),
    }
    for value in features.values():
        value[without] = np.nan
    return features


def heart_rate_factor(grade: Array) -> Array:
    """Grade adjustment of speed at equal heart rate: speed times this is the speed on the level.

    A quadratic through the points that Strava published (Robb 2017, "An improved GAP model"), of which
    no more than 5 % are credited to any descent: of 0.88 at -9 % half the descents of real trail runs
    were slow enough to be called technical. The energy cost of treadmill running
    (`kinematics.minetti_factor`) gives descents more credit still.
    """
    down = np.maximum(1 + 2.667 * grade + 14.8 * grade**2, LEAST_EFFORT)
    return np.asarray(np.where(grade < 0, down, 1 + 3.03 * grade + 18.8 * grade**2))


def _roughness(altitude_m: Array) -> Array:
    width, known = _width(120), np.isfinite(altitude_m)
    if np.count_nonzero(known) < width:
        return np.full(len(altitude_m), np.nan)
    whole = fill_between(altitude_m)
    residual = np.where(known, whole - fit_values(whole, width), np.nan)
    return np.asarray(np.log(rolling_sd(residual, _width(60)) + 0.05))


def _sinuosity(heading_deg: Array) -> Array:
    if np.count_nonzero(np.isfinite(heading_deg)) < _width(60):
        return np.full(len(heading_deg), np.nan)
    heading = np.radians(heading_deg)
    turn = (np.diff(heading, prepend=heading[0]) + np.pi) % (2 * np.pi) - np.pi
    winding = np.log(np.sqrt(rolling_mean((turn / CELL_M) ** 2, _width(60))) + 0.005)
    return rolling_mean(winding, _width(100))


def heading_deg(lat_deg: Array, lon_deg: Array) -> Array:
    """Direction of travel of the track smoothed over 15 m, degrees clockwise from north."""
    east, north = local_metres(lat_deg, lon_deg)
    east, north = rolling_mean(east, _width(15)), rolling_mean(north, _width(15))
    if len(east) < 2:
        return np.full(len(east), np.nan)
    return np.asarray(np.degrees(np.arctan2(np.gradient(east), np.gradient(north))) % 360.0)


def derive_score(features: Mapping[str, Array], altitude_class: str, sampling: str) -> Array:
    """Log odds that the ground is technical, as one pass says: above 0 more likely than not.

    |grade| is measured but not scored: on simulated ground its AUC was 0.59 to 0.65, and adding it to
    the other four lowered F1 (docs/methods.md). NaN where no feature is known.
    """
    said = _weigh(features, altitude_class)
    known = np.isfinite(said)
    total = np.where(known, said, 0.0).sum(axis=0) + BIAS[altitude_class] + SAMPLING_BIAS[sampling]
    return np.where(known.any(axis=0), total, np.nan)


def technicality(score: Array, passes: Integers) -> Array:
    """Probability that the ground is technical, from the mean score of so many passes."""
    return np.asarray(1 / (1 + np.exp(-np.clip(_log_odds(score, passes), -30, 30))))


def _log_odds(score: Array, passes: Integers) -> Array:
    """Log odds after so many passes: their mean says the more, the more they are."""
    return np.asarray(score * np.interp(passes, N_PASSES, SLOPE))


def label_ground(score: Array, passes: Integers) -> Integers:
    """Label of each cell from its score and the passes that rests on: technical from a third on."""
    margin = np.log(TECHNICAL_FROM / (1 - TECHNICAL_FROM))
    log_odds = _log_odds(score, passes)
    return move_borders(label_terrain(log_odds - margin, switch_penalty=SWITCH_PENALTY), log_odds)


def label_terrain(
    score: Array, *, switch_penalty: float = 3.0, min_length_m: float = MIN_LENGTH_M
) -> Integers:
    """Label of each cell as an index into `tables.TERRAINS`.

    Two-level Potts model: maximise the sum of x S - penalty x switches, x = +1 technical, -1 smooth,
    exactly, by dynamic programming (Viterbi); then stretches under `min_length_m` join their longer
    neighbour. Unknown cells take the label of their neighbours.
    """
    if len(score) == 0:
        return np.zeros(0, dtype=np.int64)
    lead = _leads(np.nan_to_num(2.0 * score), switch_penalty)
    # A lead within the penalty is not worth a switch: such a cell is what the next decided one is.
    decided = (lead > switch_penalty) | (lead <= -switch_penalty)
    decided[-1] = True
    cells = np.arange(len(lead))
    following = np.minimum.accumulate(np.where(decided, cells, len(lead))[::-1])[::-1]
    label = np.where(lead[following] > 0, TECHNICAL, SMOOTH)
    return np.asarray(merge_short(label, round(min_length_m / CELL_M)))


def _leads(gain: Array, penalty: float) -> Array:
    """How far technical leads smooth up to each cell, where no lead counts for more than the penalty later.

    Once gains of one sign have led that far, each further one of that sign adds to the penalty itself.
    """
    lead = np.where(gain > 0, penalty, -penalty) + gain
    ahead, gains = 0.0, gain.tolist()
    cells, leads = [], []
    for start, end in pairwise(stretches(gain > 0).tolist()):
        farthest = penalty if gains[start] > 0 else -penalty
        for cell in range(start, end):
            if ahead == farthest:
                break
            ahead += gains[cell]
            cells.append(cell)
            leads.append(ahead)
            if ahead > penalty or ahead < -penalty:
                ahead = farthest
    lead[cells] = leads
    return lead


def move_borders(label: Integers, score: Array) -> Integers:
    """Each border moved by up to 50 m to where the score splits best into a lower and a higher part.

    Features are averages over a length, so beside very rough ground the score crosses the threshold early.
    The best split leaves the least squares about its two means (Fisher 1958,
    doi 10.1080/01621459.1958.10501479). No stretch gets shorter than `MIN_LENGTH_M` by it.
    """
    borders, reach = stretches(label), round(REACH_M / CELL_M)
    inner, middle = borders[1:-1, None], (borders[1:, None] + borders[:-1, None]) // 2
    spare = np.maximum(np.diff(borders)[:, None] - round(MIN_LENGTH_M / CELL_M), 0) // 2
    cells = inner + np.arange(-reach, reach)
    within = (cells >= middle[:-1]) & (cells < middle[1:])
    known = np.clip(fill_between(score), -CERTAIN, CERTAIN)
    total = np.cumsum(np.where(within, known[np.clip(cells, 0, len(label) - 1)], 0.0), axis=1)
    count = np.cumsum(within, axis=1, dtype=np.float64)
    before, n_before = total[:, :-1], count[:, :-1]
    after, n_after = total[:, -1:] - before, count[:, -1:] - n_before
    rise = after / np.maximum(n_after, 1) - before / np.maximum(n_before, 1)
    rise *= np.where(label[inner] == TECHNICAL, 1.0, -1.0)
    moved = cells[:, 1:] - inner
    allowed = (rise > 0) & (n_before > 1) & (n_after > 1) & (moved >= -spare[:-1]) & (moved <= spare[1:])
    gain = np.where(allowed, rise**2 * n_before * n_after, 0.0)
    best = np.take_along_axis(cells[:, 1:], gain.argmax(axis=1)[:, None], axis=1)
    placed = np.where(gain.any(axis=1, keepdims=True), best, inner)[:, 0]
    length = np.diff(np.concatenate([borders[:1], placed, borders[-1:]]))
    return np.repeat(label[borders[:-1]], length)


def label_direction(
    grade: Array, terrain: Integers, *, limit: float = 0.03, min_length_m: float = 60.0
) -> Integers:
    """Up above +3 %, down below -3 %, of the grade averaged over 50 m: an index into `tables.DIRECTIONS`.

    Within a stretch of one terrain, a direction that holds for less than `min_length_m` joins its
    longer neighbour, so that no sliver is left where ground and slope change near each other.
    """
    slope = np.nan_to_num(rolling_mean(grade, _width(50)))
    direction = np.where(slope > limit, UP, np.where(slope < -limit, DOWN, LEVEL))
    return merge_short(direction, round(min_length_m / CELL_M), terrain)


def derive_segments(
    cells: Cells, score: Array, passes: Integers, *, altitude_class: str, end_s: float
) -> RunSegments:
    """Stretches of one terrain and direction of one run, with their two main reasons.

    `score` and `passes` are per cell: what the labels rest on, and on how many runs. The first
    segment starts at 0 s, the last ends at `end_s`, and each ends where the next begins.
    """
    grade, elapsed, distance = (cells[name] for name in ("grade", "elapsed_s", "distance_m"))
    terrain = label_ground(score, passes)
    direction = label_direction(grade, terrain)
    borders = stretches(terrain * len(DIRECTIONS) + direction)
    first, last = borders[:-1], borders[1:]
    start_s, start_m = np.where(first > 0, elapsed[first], 0.0), distance[first]
    usual_passes = _medians(passes, first, last)
    names = tuple(WEIGHTS[altitude_class])
    averaged = np.array([grade, technicality(score, passes), *(cells[name] for name in names)])
    (grade_mean, technicality_mean, *means), known = _means(averaged, first)
    return RunSegments(
        terrain=terrain[first],
        direction=direction[first],
        start_s=start_s,
        end_s=np.append(start_s, end_s)[1:],
        start_m=start_m,
        end_m=np.append(start_m, distance[-1:] + CELL_M)[1:],
        grade_mean=grade_mean,
        technicality_mean=technicality_mean,
        passes=usual_passes.astype(np.int64),
        reasons=_reasons(
            dict(zip(names, means, strict=True)),
            known[2:] / (last - first),
            altitude_class,
            technical=terrain[first] == TECHNICAL,
            shared=usual_passes > 1,
            speed_mps=(last - 1 - first) * CELL_M / np.maximum(elapsed[last - 1] - elapsed[first], 1.0),
        ),
        edited=np.zeros(len(first), dtype=bool),
    )


def _means(value: Array, first: Integers) -> tuple[Array, Integers]:
    """Mean over each stretch of each row of `value`, NaN where nothing is known, and over how many cells."""
    known = np.isfinite(value)
    total = np.add.reduceat(np.where(known, value, 0.0), first, axis=1)
    n = np.add.reduceat(known, first, axis=1, dtype=np.int64)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan), n


def _medians(value: Integers, first: Integers, last: Integers) -> Array:
    """Median of each stretch of at least one cell."""
    part = np.repeat(np.arange(len(first)), last - first)
    ordered = value[np.lexsort((value, part))]
    return np.asarray((ordered[(first + last - 1) // 2] + ordered[(first + last) // 2]) / 2)


def _reasons(
    means: Mapping[str, Array],
    known: Array,
    altitude_class: str,
    *,
    technical: Mask,
    shared: Mask,
    speed_mps: Array,
) -> list[str]:
    """The two features of this pass that speak most for each stretch's label, in words with a figure.

    All are per stretch: the mean of each feature, where it is known the share of cells in `known` (features,
    stretches), whether other runs were there in `shared`. Where none does, the label rests on the other
    passes or on the stretch's neighbours, and that is said.
    """
    names = list(means)
    for_label = np.where(technical, known, -known) * _weigh(means, altitude_class)
    for_label = np.where(for_label > 0, for_label, 0.0)  # NaN too says nothing
    main = np.argsort(-for_label, axis=0, kind="stable")[:2]
    speaks = np.take_along_axis(for_label, main, axis=0) > 0
    value = np.take_along_axis(np.array(list(means.values())), main, axis=0)
    of_stretches = zip(
        *(column.T.tolist() for column in (main, speaks, value, technical, shared, speed_mps)), strict=True
    )
    return [
        "; ".join(
            _in_words(names[i], is_technical, mean, speed)
            for i, says, mean in zip(first_two, say, mean_of, strict=True)
            if says
        )
        or ("the other runs here say so" if others else "its neighbours are so")
        for first_two, say, mean_of, is_technical, others, speed in of_stretches
    ]


def _in_words(name: str, technical: bool, value: float, speed_mps: float) -> str:
    """What the mean of a feature over a stretch means for a runner."""
    if name == "pace_deficit":
        under = speed_mps * math.expm1(value)
        if technical:
            return f"{under:.1f} m/s under your usual for this grade"
        return (
            "at your usual pace for this grade" if under < 0.15 else f"only {under:.1f} m/s under your usual"
        )
    if name == "pace_variability":
        share = f"{math.exp(value):.0%}".replace("%", " %")
        return f"pace jumps about by {share} every 5 m" if technical else f"pace is even, {share} every 5 m"
    if name == "sinuosity":
        turn = f"{math.degrees(math.exp(value) * 10):.0f}° every 10 m"
        return f"the trail winds by {turn}" if technical else f"the way is straight, {turn}"
    uneven = f"{math.exp(value):.1f} m"
    return f"the ground is uneven by {uneven}" if technical else f"the profile is even within {uneven}"
