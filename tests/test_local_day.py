"""An evening's balance work and an evening's run meet on the day that the runner lived."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline import analyse_run, read_activity
from pipeline.balance import derive_dose
from pipeline.effect import relate_effect
from pipeline.effect.season import build_season
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.tables import BalanceSessions, DataFrame
from tests.ingest.xml_files import garmin_cadence
from tests.simulate import make_tables

ZONES = {"New York": (42.0, -75.0, -4), "Auckland": (-38.0, 176.0, 12), "the Azores": (38.5, -28.0, 0)}
DAY = date(2024, 7, 1)


def gpx_at(lat_deg: float, lon_deg: float, start: datetime) -> bytes:
    """Two minutes of running at a place, as GPX in universal time."""
    points = "".join(
        f'<trkpt lat="{lat_deg + n * 2.7e-5:.7f}" lon="{lon_deg}"><ele>10</ele>'
        f"<time>{(start + timedelta(seconds=n)):%Y-%m-%dT%H:%M:%SZ}</time>"
        f"<extensions>{garmin_cadence(84)}</extensions></trkpt>"
        for n in range(120)
    )
    namespaces = (
        'xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"'
    )
    track = f"<trk><type>running</type><trkseg>{points}</trkseg></trk>"
    return f'<gpx version="1.1" {namespaces}>{track}</gpx>'.encode()


def log_of(*rows: str) -> DataFrame[BalanceSessions]:
    """A balance log of these lines: date, drill, minutes."""
    text = "\n".join(["date,drill,minutes", *rows]) + "\n"
    return parse_balance_log("log.csv", text.encode(), "ada").sessions


@pytest.mark.parametrize("place", ZONES)
@pytest.mark.parametrize("hour", [0, 6, 21, 23])
def test_a_run_lies_on_the_day_of_its_place(place: str, hour: int) -> None:
    """At midnight, at dawn and late in the evening a run is of the local day, whatever UTC says."""
    lat_deg, lon_deg, offset_h = ZONES[place]
    start = datetime(DAY.year, DAY.month, DAY.day, hour, 5, tzinfo=UTC) - timedelta(hours=offset_h)
    run = analyse_run(
        read_activity("run.gpx", gpx_at(lat_deg, lon_deg, start)), run_id="run", athlete_id="ada"
    )
    assert run.run["local_date"] == DAY


@pytest.mark.parametrize("place", ["New York", "Auckland"])
def test_the_evenings_session_is_not_in_the_same_evenings_dose(place: str) -> None:
    """At 21:00 a run is given what was done up to the day before: that evening's session counts tomorrow."""
    lat_deg, lon_deg, offset_h = ZONES[place]
    sessions = log_of("2024-06-20,single-leg stance,30", "2024-07-01,single-leg stance,30")
    dose = dict(derive_dose(sessions, until=date(2024, 7, 3)).select("date", "dose").iter_rows())

    def given(day: date) -> float:
        start = datetime(day.year, day.month, day.day, 21, 0, tzinfo=UTC) - timedelta(hours=offset_h)
        activity = read_activity("run.gpx", gpx_at(lat_deg, lon_deg, start))
        return dose[analyse_run(activity, run_id="run", athlete_id="ada").run["local_date"]]

    keep = 2 ** (-1 / 21)
    first = 30 * 7 * (1 - keep)
    assert given(DAY) == pytest.approx(first * keep**10)
    assert given(DAY + timedelta(days=1)) == pytest.approx(first * keep**11 + first)


def test_a_flight_across_the_date_line_turns_no_day_round() -> None:
    """A run of an earlier local day comes first, though its start is the later one."""
    minutes = np.zeros(120)
    minutes[::10] = 60.0
    runs, stability, sessions = make_tables(
        np.arange(30, 110, 2), np.full(40, 0.06), np.full(40, 0.045), minutes
    )
    flown = runs.with_columns(
        local_date=pl.when(pl.int_range(pl.len()) == 20)
        .then(pl.col("local_date") - timedelta(days=3))
        .otherwise("local_date")
    )
    season = build_season("a", flown, stability, sessions, 21.0)
    assert (np.diff(season.days) >= 0).all()
    assert season.run_ids[19:21] == (runs["run_id"][20], runs["run_id"][19])
    assert season.run_day[19] == 30 + 2 * 20 - 3


def test_the_answer_uses_the_dose_of_the_local_day_before() -> None:
    """Runs at 01:00 UTC that belong to the evening before get that evening's dose."""
    minutes = np.zeros(120)
    minutes[::10] = 60.0
    days = np.arange(30, 110, 2)
    runs, stability, sessions = make_tables(days, np.full(40, 0.06), np.full(40, 0.045), minutes)
    late = runs.with_columns(
        start_time=pl.col("local_date").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=25)
    )
    assert (late["start_time"].dt.date() != late["local_date"]).all()
    season = build_season("a", late, stability, sessions, 21.0)
    dose = dict(derive_dose(sessions, until=max(late["local_date"])).select("date", "dose").iter_rows())
    by_day = late.sort("start_time")["local_date"]
    assert season.dose * 45 == pytest.approx([dose[day] for day in by_day])
    assert relate_effect(late, stability, sessions).equals(relate_effect(runs, stability, sessions))
