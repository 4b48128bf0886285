"""Zones in which runs are hidden: nothing of where or when in them is shown."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SurefootError
from pipeline.numeric import EARTH_RADIUS_M
from pipeline.privacy import (
    Hidden,
    draw_zone,
    find_hidden,
    show_marks,
    show_repeats,
    show_seconds,
    show_segments,
    within,
)
from pipeline.tables import DataFrame, Marks, Repeats, Segments, Stretches, Zones

METRES_PER_DEG = math.radians(1) * EARTH_RADIUS_M
SPEED_MPS = 3.0


def disc(lat_deg: float = 0.0, lon_deg: float = 0.0, hidden_m: float = 300.0) -> DataFrame[Zones]:
    """One zone that hides exactly this disc."""
    row = {
        **{"athlete_id": "ada", "zone_id": "z", "name": "home", "radius_m": hidden_m / 1.5},
        **{"lat_deg": lat_deg, "lon_deg": lon_deg, "hidden_m": hidden_m, "removed_at": None},
    }
    return Zones.validate(pl.DataFrame([row], schema=Zones.create_empty().schema))


def straight(start_m: float, seconds: int) -> pl.DataFrame:
    """A run along the equator at 3 m/s from so many metres east of 0, 0."""
    east = start_m + SPEED_MPS * np.arange(seconds)
    return pl.DataFrame(
        {
            "elapsed_s": np.arange(seconds),
            "lat_deg": np.zeros(seconds),
            "lon_deg": east / METRES_PER_DEG,
            "distance_m": SPEED_MPS * np.arange(seconds, dtype=float),
        }
    )


def seconds_of(hidden: Hidden) -> list[int]:
    return [int(second) for second in hidden.elapsed_s[hidden.is_hidden]]


def test_the_way_from_home_is_hidden_up_to_the_edge() -> None:
    """At 3 m/s from the middle of 300 m the seconds 0 to 100 are hidden, the edge itself among them."""
    assert seconds_of(find_hidden(straight(0.0, 300), disc())) == list(range(101))


def test_a_run_through_a_zone_is_hidden_in_its_middle() -> None:
    """From 600 m before the middle it is hidden from second 100 to 300, shown before and after."""
    assert seconds_of(find_hidden(straight(-600.0, 500), disc())) == list(range(100, 301))


def test_a_run_elsewhere_is_shown_whole() -> None:
    """400 m off there is nothing to hide, and a run without positions has none."""
    track = straight(0.0, 100)
    assert not find_hidden(track, disc(lat_deg=400 / METRES_PER_DEG))
    assert not find_hidden(track.with_columns(lat_deg=pl.lit(None, pl.Float64)), disc())


def test_a_second_without_a_position_is_hidden_beside_a_hidden_one() -> None:
    """Before the first fix at home, and in a gap that begins in the zone, the runner may well be in it."""
    track = straight(0.0, 300).with_columns(
        lat_deg=pl.when(pl.col("elapsed_s").is_between(20, 279)).then(pl.col("lat_deg"))
    )
    at_start = track.with_columns(
        lat_deg=pl.when(~pl.col("elapsed_s").is_between(90, 120)).then(pl.col("lat_deg"))
    )
    assert seconds_of(find_hidden(at_start, disc())) == list(range(121))


def test_a_moment_between_two_seconds_is_hidden_where_either_is() -> None:
    """Cells and segments begin within seconds: they are judged by the seconds about them."""
    hidden = Hidden(np.array([10.0, 11.0, 14.0]), np.array([True, False, True]))
    assert hidden.at(np.array([9.0, 10.5, 11.0, 12.0, 14.0, 20.0])).tolist() == [
        *(True, True, False, True, True, True)
    ]


@given(
    st.floats(-89.9, 89.9),
    st.floats(-180, 180),
    st.floats(100, 2000),
    st.floats(0, 1),
    st.floats(0, 2 * math.pi),
)
def test_all_that_was_asked_for_is_hidden(
    lat: float, lon: float, radius_m: float, share: float, bearing: float
) -> None:
    """Any point within the radius of the place is in the zone, at the poles and the date line as well."""
    zone = draw_zone("ada", "home", lat, lon, radius_m)
    zones = Zones.validate(pl.DataFrame([zone], schema=Zones.create_empty().schema))
    off = share * radius_m * 0.999
    north = lat + off * math.cos(bearing) / METRES_PER_DEG
    east = lon + off * math.sin(bearing) / (METRES_PER_DEG * math.cos(math.radians(lat)))
    if abs(lat) < 85:  # nearer to a pole a degree is no straight step
        assert within(np.array([north]), np.array([east]), zones).all()
    assert within(np.array([lat]), np.array([lon]), zones).all()


def test_the_middle_of_what_is_hidden_is_not_the_place() -> None:
    """Of 400 zones about one place the middles lie all over the disc of half the radius, none twice.

    Drawn evenly over a disc of radius r / 2, their mean distance is r / 3: here 200 m of 600 m.
    """
    middles = [draw_zone("ada", "home", 10.0, 20.0, 600.0) for _ in range(400)]
    east = [(z["lon_deg"] - 20.0) * METRES_PER_DEG * math.cos(math.radians(10)) for z in middles]
    north = [(z["lat_deg"] - 10.0) * METRES_PER_DEG for z in middles]
    off = np.hypot(east, north)
    assert off.max() <= 300.5
    assert abs(off.mean() - 200) < 15
    assert abs(np.mean(east)) < 30
    assert len(set(off)) == 400


def test_where_tracks_break_off_tells_the_disc_and_not_the_place() -> None:
    """The best circle through the ends of 60 shown tracks has its middle beside the place, as the lot fell.

    The reader of all tracks learns the disc to the metre, and no more: what was chosen is anywhere in it.
    """
    row = draw_zone("ada", "home", 0.0, 0.0, 600.0)
    zones = Zones.validate(pl.DataFrame([row], schema=Zones.create_empty().schema))
    ends = []
    for angle in np.linspace(0, 2 * np.pi, 60, endpoint=False):
        out = np.arange(0.0, 1500.0, 1.0)
        east, north = out * np.cos(angle), out * np.sin(angle)
        shown = ~within(north / METRES_PER_DEG, east / METRES_PER_DEG, zones)
        ends.append([east[shown][0], north[shown][0]])
    x, y = np.array(ends).T
    (a, b, _), *_ = np.linalg.lstsq(np.column_stack([2 * x, 2 * y, np.ones(60)]), x**2 + y**2, rcond=None)
    middle = (row["lon_deg"] * METRES_PER_DEG, row["lat_deg"] * METRES_PER_DEG)
    assert math.dist((a, b), middle) < 2
    assert math.dist((a, b), (0.0, 0.0)) == pytest.approx(math.hypot(*middle), abs=2)


@pytest.mark.parametrize(
    ("name", "lat", "lon", "radius_m", "says"),
    [
        ("", 0.0, 0.0, 500.0, "needs a short name"),
        ("a\nb", 0.0, 0.0, 500.0, "needs a short name"),
        ("home", 91.0, 0.0, 500.0, "latitude cannot be 91"),
        ("home", 0.0, float("nan"), 500.0, "longitude cannot be nan"),
        ("home", 0.0, 0.0, 99.0, "radius cannot be 99 m"),
        ("home", 0.0, 0.0, float("inf"), "radius cannot be inf m"),
    ],
)
def test_what_is_no_zone_is_refused(name: str, lat: float, lon: float, radius_m: float, says: str) -> None:
    """A zone needs a name, a place on earth, and a radius within its bounds; what would do is said."""
    with pytest.raises(SurefootError, match=says) as refusal:
        draw_zone("ada", name, lat, lon, radius_m)
    assert refusal.value.advice


def segments_between(*bounds: tuple[float, float]) -> DataFrame[Segments]:
    """Segments of the straight run between these seconds."""
    rows = [
        {
            **{"run_id": "r", "segment_id": k, "terrain": "smooth", "direction": "level"},
            **{"start_s": a, "end_s": b, "start_m": SPEED_MPS * a, "end_m": SPEED_MPS * b},
            **{"grade_mean": 0.0, "technicality_mean": 0.1, "passes": 1, "reasons": "", "edited": False},
        }
        for k, (a, b) in enumerate(bounds)
    ]
    return Segments.validate(pl.DataFrame(rows, schema=Segments.create_empty().schema))


def test_a_segment_is_cut_back_to_what_is_shown() -> None:
    """Hidden up to second 100: the first segment goes, the second begins with what is shown, at 303 m."""
    track = straight(0.0, 300)
    shown = show_segments(segments_between((0, 60), (60, 200), (200, 300)), track, find_hidden(track, disc()))
    assert shown.select("segment_id", "start_s", "end_s", "start_m", "end_m").rows() == [
        (1, 101.0, 200.0, 303.0, 600.0),
        (2, 200.0, 300.0, 600.0, 900.0),
    ]


@given(st.data())
def test_no_hidden_second_is_in_a_segment_s_ends(data: st.DataObject) -> None:
    """However zones, gaps and segments lie: no end of a shown segment is hidden, none is turned round."""
    n = data.draw(st.integers(2, 120))
    there = data.draw(st.sets(st.integers(0, n - 1), min_size=2))
    kept = [second in there for second in range(n)]
    inside = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    track = straight(0.0, n).filter(pl.Series(kept))
    hidden = Hidden(
        track["elapsed_s"].cast(pl.Float64).to_numpy(), np.array(inside)[np.array(kept)].astype(np.bool_)
    )
    cuts = sorted(data.draw(st.sets(st.floats(0, n), min_size=2, max_size=8)))
    segments = segments_between(*pairwise(cuts))
    shown = show_segments(segments, track, hidden)
    ends = np.concatenate([shown["start_s"].to_numpy(), shown["end_s"].to_numpy()])
    assert not hidden.at(ends).any()
    assert (shown["start_s"] <= shown["end_s"]).all()
    assert (shown["start_m"] <= shown["end_m"]).all()
    seconds = show_seconds(track, hidden)["elapsed_s"].to_list()
    assert set(seconds).isdisjoint(seconds_of(hidden))


def test_a_stretch_near_a_zone_is_not_told_of() -> None:
    """Passes of the stretch that comes within 200 m of the zone are left out, of the far one they stay."""
    points = [("near", 450.0), ("far", 550.0)]
    stretches = pl.DataFrame(
        [
            {"stretch_id": name, "point": k, "rank": n, "lat_deg": 0.0, "heading_deg": 90.0}
            | {"lon_deg": (start + 50.0 * k) / METRES_PER_DEG}
            for n, (name, start) in enumerate(points)
            for k in range(11)
        ],
        schema=Stretches.create_empty().schema,
    )
    repeats = Repeats.create_empty()
    rows = pl.DataFrame({"stretch_id": ["near", "far"], "run_id": ["r", "r"]})
    repeats = pl.concat([repeats, rows], how="diagonal")
    shown = show_repeats(repeats, Stretches.cast(stretches), disc())  # type: ignore[arg-type]
    assert shown["stretch_id"].to_list() == ["far"]


def test_a_mark_keeps_the_part_of_its_way_outside() -> None:
    """Of a mark up to 600 m, hidden up to 300 m, the rest is told; one inside is not, nor a wayless one."""
    way = "; ".join(f"0.0000000 {(5.0 * k) / METRES_PER_DEG:.7f} 90" for k in range(120))
    inside = "; ".join(way.split("; ")[:40])
    marks = Marks.cast(
        pl.DataFrame(
            [
                {"athlete_id": "ada", "mark_id": name, "marked_at": None, "run_id": "r", "terrain": "smooth"}
                | {"start_m": 0.0, "end_m": end, "way": points}
                for name, end, points in (("long", 600.0, way), ("home", 200.0, inside), ("none", 90.0, ""))
            ],
            schema=Marks.create_empty().schema,
        )
    )
    shown = show_marks(marks, disc())
    assert shown.select("mark_id", "end_m").rows() == [("long", 600.0)]
    assert shown["start_m"][0] == pytest.approx(305, abs=5.1)
    assert all(float(point.split()[1]) * METRES_PER_DEG > 300 for point in shown["way"][0].split("; "))
