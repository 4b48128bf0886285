"""Features, score, labels and segments of the ground."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.cells import read_cells
from pipeline.numeric import stretches
from pipeline.segments import segments_table
from pipeline.tables import Grid, Segments
from pipeline.terrain import (
    CELL_M,
    SMOOTH,
    TECHNICAL,
    derive_features,
    derive_score,
    derive_segments,
    heading_deg,
    label_direction,
    label_ground,
    label_terrain,
    move_borders,
    technicality,
    weigh_features,
)

METRES_PER_DEG = 111_195.0


def course(n: int = 600, seed: int = 3) -> dict[str, np.ndarray]:
    """3 km due north: the middle third winds, is rough and is run slowly and unevenly."""
    rng = np.random.default_rng(seed)
    rough = (np.arange(n) >= n // 3) & (np.arange(n) < 2 * n // 3)
    wobble = np.convolve(rng.normal(0, 1, n), np.ones(6) / 6, "same")
    speed = np.where(rough, 2.2 * np.exp(0.5 * wobble), 3.0 * np.exp(0.02 * wobble))
    winding = np.cumsum(np.where(rough, np.sin(np.arange(n) / 2.0), 0.0)) * 3.0
    return {
        "altitude_m": 300 + np.where(rough, rng.normal(0, 0.8, n), rng.normal(0, 0.05, n)),
        "speed_mps": speed,
        "grade": np.zeros(n),
        "lat_deg": np.arange(n) * CELL_M / METRES_PER_DEG,
        "lon_deg": winding / METRES_PER_DEG,
        "broken": np.zeros(n, dtype=bool),
    }


def features_of(*, lat_deg: np.ndarray, lon_deg: np.ndarray, **ground: np.ndarray) -> dict[str, np.ndarray]:
    """Features of such a course."""
    return derive_features(**ground, heading_deg=heading_deg(lat_deg, lon_deg))


def label(score: np.ndarray) -> np.ndarray:
    """Labels of a run that passed alone."""
    return label_ground(score, np.ones(len(score), dtype=np.int64))


def test_every_scored_feature_is_higher_on_technical_ground() -> None:
    """Rough, uneven, slow and winding each show in their own feature."""
    features = features_of(**course())
    for name in ("altitude_roughness", "pace_variability", "pace_deficit", "sinuosity"):
        inside, outside = features[name][240:360], features[name][40:160]
        assert np.median(inside) > np.median(outside) + 0.1, name


def test_the_technical_third_is_found_within_fifty_metres() -> None:
    """Labels from the score have one technical stretch, at the planted place."""
    found = label(derive_score(features_of(**course()), "clean", "1 Hz"))
    borders = stretches(found)
    assert found[borders[:-1]].tolist() == [SMOOTH, TECHNICAL, SMOOTH]
    np.testing.assert_allclose(borders[1:3] * CELL_M, [1000, 2000], atol=50)


def test_an_even_run_has_no_technical_ground() -> None:
    """Nothing is normalised within the run: where all is even, nothing is technical."""
    flat = {"speed_mps": np.full(600, 3.0), "altitude_m": np.full(600, 300.0), "lon_deg": np.zeros(600)}
    even = course() | flat
    assert (label(derive_score(features_of(**even), "clean", "1 Hz")) == SMOOTH).all()


def test_missing_channels_leave_the_others_to_decide() -> None:
    """Without altitude and positions the score rests on pace, and the technical third is still found."""
    bare = course() | {name: np.full(600, np.nan) for name in ("altitude_m", "lat_deg", "lon_deg")}
    found = label(derive_score(features_of(**bare), "none", "1 Hz"))
    assert (found[240:360] == TECHNICAL).mean() > 0.75
    assert (found[:150] == SMOOTH).all()


def test_broken_cells_have_no_features() -> None:
    """Cells beside a gap say nothing, and the labels about them hold."""
    cut = course()
    cut["broken"] = (np.arange(600) > 295) & (np.arange(600) < 305)
    features = features_of(**cut)
    assert np.isnan(features["pace_variability"][300])
    assert label(derive_score(features, "clean", "1 Hz"))[300] == TECHNICAL


def test_potts_by_hand() -> None:
    """One cell of +2 between smooth cells costs two switches of 3 each: it stays smooth; five do not."""
    lone, three = np.full(40, -1.0), np.full(40, -1.0)
    lone[20] = 2.0
    three[18:23] = 2.0
    assert (label_terrain(lone, min_length_m=5) == SMOOTH).all()
    assert np.flatnonzero(label_terrain(three, min_length_m=5) == TECHNICAL).tolist() == [18, 19, 20, 21, 22]


def brute_force(score: np.ndarray, penalty: float) -> float:
    """The best value of the Potts model over all labellings."""
    best = -np.inf
    for code in range(2 ** len(score)):
        x = np.array([1 if code >> i & 1 else -1 for i in range(len(score))])
        best = max(best, float((x * score).sum() - penalty * (x[1:] != x[:-1]).sum()))
    return best


@given(arrays(np.float64, st.integers(1, 9), elements=st.floats(-3, 3)), st.floats(0.5, 4))
@settings(max_examples=60, deadline=None)
def test_labels_maximise_the_potts_model(score: np.ndarray, penalty: float) -> None:
    """Dynamic programming reaches the best of all labellings."""
    x = np.where(label_terrain(score, switch_penalty=penalty, min_length_m=0) == TECHNICAL, 1, -1)
    value = float((x * score).sum() - penalty * (x[1:] != x[:-1]).sum())
    assert value == pytest.approx(brute_force(score, penalty), abs=1e-9)


def test_a_border_moves_to_the_best_split_by_hand() -> None:
    """The score rises 30 m behind the border that was found: there the squares are least."""
    score = np.repeat([-3.0, 4.0, -3.0], [46, 34, 40])
    found = np.repeat([SMOOTH, TECHNICAL, SMOOTH], [40, 40, 40])
    assert stretches(move_borders(found, score)).tolist() == [0, 46, 80, 120]


def test_a_border_out_of_reach_stays_within_fifty_metres() -> None:
    """The score rises 100 m behind the border: it does not go there, nor where only an edge is left of it."""
    score, found = np.repeat([-3.0, 4.0], [60, 60]), np.repeat([SMOOTH, TECHNICAL], [40, 80])
    assert stretches(move_borders(found, score))[1] <= 50


def test_a_border_stays_where_nothing_says_otherwise() -> None:
    """Without a score, or with the same one throughout, borders stay."""
    found = np.repeat([SMOOTH, TECHNICAL], [60, 60])
    for nothing in (np.nan, 2.0):
        assert (move_borders(found, np.full(120, nothing)) == found).all()
    assert len(move_borders(found[:0], np.zeros(0))) == 0


@given(
    st.lists(st.integers(12, 60), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.5, 3.0, 30.0]),
)
@settings(max_examples=100, deadline=None)
def test_moving_borders_keeps_the_stretches(lengths: list[int], seed: int, size: float) -> None:
    """Whatever the score, the stretches stay in their number and order, each 60 m long or more."""
    found = np.repeat(np.arange(len(lengths)) % 2, lengths)
    moved = move_borders(found, np.random.default_rng(seed).normal(0, size, len(found)))
    borders, before = stretches(moved), stretches(found)
    assert len(moved) == len(found)
    assert moved[borders[:-1]].tolist() == found[before[:-1]].tolist()
    assert np.diff(borders).min() >= 12
    assert np.abs(borders - before).max() <= 10


def test_a_standing_start_says_nothing_of_the_ground() -> None:
    """60 m walked off and sped up in jerks: no feature there, nor a trace of it behind."""
    even = course() | {"speed_mps": np.full(600, 3.0), "lon_deg": np.zeros(600)}
    speed = np.full(600, 3.0)
    speed[:12] = np.tile([0.6, 1.8], 6)
    starting, steady = (features_of(**even | {"speed_mps": v}) for v in (speed, even["speed_mps"]))
    for name in ("pace_variability", "sinuosity", "altitude_roughness"):
        assert np.isnan(starting[name][:12]).all()
        np.testing.assert_array_equal(starting[name][12:], steady[name][12:])
    assert starting["pace_deficit"][16:] == pytest.approx(steady["pace_deficit"][16:], abs=1e-9)


def test_direction_needs_three_percent() -> None:
    """5 % is up, -5 % is down, 2 % is level."""
    grade = np.repeat([0.05, 0.02, -0.05], 60)
    assert label_direction(grade, np.zeros(180))[[10, 90, 170]].tolist() == [0, 1, 2]


def test_no_sliver_is_left_where_ground_and_slope_change_together() -> None:
    """The slope turns 20 m before the ground does: the 20 m join what lies before them."""
    grade, terrain = np.repeat([0.06, -0.06], 60), np.repeat([SMOOTH, TECHNICAL], [64, 56])
    direction = label_direction(grade, terrain)
    assert (direction[:64] == 0).all()
    assert (direction[64:] == 2).all()


def test_heading_east_is_ninety_degrees() -> None:
    """Direction is clockwise from north."""
    lon = np.arange(50) * 5 / METRES_PER_DEG
    np.testing.assert_allclose(heading_deg(np.zeros(50), lon), 90.0, atol=0.1)


def test_technicality_is_a_probability_that_sharpens_with_passes() -> None:
    """It rises with the score from 0 to 1, is a half at 0 after many passes, and more passes say more."""
    score = np.array([-100.0, -1.0, 0.0, 1.0, 100.0])
    one, ten = (technicality(score, np.full(5, n)) for n in (1, 10))
    assert (np.diff(one) > 0).all()
    assert (one.min(), one.max()) == (pytest.approx(0, abs=1e-9), pytest.approx(1, abs=1e-9))
    assert ten[2] == 0.5
    assert ten[3] > one[3]


def test_a_feature_says_nothing_at_its_middle() -> None:
    """By hand: half a unit of sinuosity above its middle is 0.5 log odds; unknown is 0."""
    features = dict.fromkeys(("altitude_roughness", "pace_variability", "pace_deficit"), np.array([np.nan]))
    said = weigh_features({**features, "sinuosity": np.array([-3.3])}, "clean")
    assert said["sinuosity"][0] == pytest.approx(0.5)
    assert said["pace_deficit"][0] == 0


def test_segments_cover_the_run_without_gap_or_overlap() -> None:
    """Each segment ends where the next begins, from 0 s to the end, and says why."""
    ground = course()
    features = features_of(**ground)
    n = len(ground["grade"])
    score = derive_score(features, "clean", "1 Hz")
    grid = Grid.cast(
        pl.DataFrame(
            {
                "run_id": ["r"] * n,
                "cell": np.arange(n),
                "distance_m": np.arange(n) * CELL_M,
                "elapsed_s": np.cumsum(CELL_M / ground["speed_mps"]),
                **{name: ground[name] for name in ("lat_deg", "lon_deg", "altitude_m", "grade")},
                "heading_deg": heading_deg(ground["lat_deg"], ground["lon_deg"]),
                **features,
                "score": score,
            }
        )
    )
    segments = derive_segments(
        read_cells(grid), score, np.ones(n, dtype=np.int64), altitude_class="clean", end_s=2000.0
    )
    assert segments.start_s[0] == 0.0
    assert segments.end_s[-1] == 2000.0
    assert (segments.start_s[1:] == segments.end_s[:-1]).all()
    assert (segments.start_m[1:] == segments.end_m[:-1]).all()
    technical = np.flatnonzero(segments.terrain == TECHNICAL)
    reasons = segments.reasons[technical[0]]
    assert reasons.count(";") == 1
    assert any(mark in reasons for mark in (" m/s", " %", "°", " m"))
    assert segments.technicality_mean[technical].min() > 0.5
    assert Segments.is_valid(segments_table({"r": segments}))


def test_pace_that_jumps_by_hand() -> None:
    """By hand: 10 % up and down every 5 m is a change of 20 % (log) each time; over 1 km it is none."""
    cells = np.arange(600)
    jumping = course() | {"speed_mps": 3.0 * np.exp(0.1 * (-1.0) ** cells)}
    drifting = course() | {"speed_mps": 3.0 * np.exp(0.1 * np.sin(2 * np.pi * cells / 200))}
    jumps, drift = (features_of(**run)["pace_variability"][300] for run in (jumping, drifting))
    assert jumps == pytest.approx(np.log(0.2), abs=0.05)
    assert drift < np.log(0.005)


def test_a_long_slow_part_is_slow_by_the_pace_of_the_run() -> None:
    """By hand: 1.5 km at 2.4 m/s after 1.5 km at 3: within the km nothing is faster, within the run 3/2.4."""
    slow = course() | {"speed_mps": np.repeat([3.0, 2.4], 300)}
    deficit = features_of(**slow)["pace_deficit"]
    assert deficit[500] == pytest.approx(np.log(3 / 2.4) / 2, abs=1e-6)
    assert deficit[100] == pytest.approx(0.0, abs=1e-6)
