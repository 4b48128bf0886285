"""Files of several recordings: each running session is a run, nothing else is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from fit_bytes import (
    ACTIVITY,
    ENUM,
    FILE_ID,
    FILE_ID_MESSAGES,
    RECORD,
    SESSION,
    STRING,
    T0,
    UINT8,
    UINT16,
    UINT32,
    data,
    definition,
    fit,
)
from hypothesis import given
from hypothesis import strategies as st
from xml_files import tcx, time_at, trackpoint

from pipeline.errors import NotARun
from pipeline.ingest import check_run, read_activity, running_sessions

RUN, RIDE, SWIM = 1, 2, 5
START = datetime(2021, 9, 8, 1, 46, 40, tzinfo=UTC)
RECORDS = definition(1, RECORD, [(253, 4, UINT32), (5, 4, UINT32), (3, 1, UINT8)])
SESSIONS = definition(2, SESSION, [(2, 4, UINT32), (7, 4, UINT32), (5, 1, ENUM)])


def records(begin, end):
    """A record a second: 3 m further each, heart rate 100."""
    return [data(1, "IIB", T0 + s, 300 * (s - begin), 100) for s in range(begin, end)]


def session(begin, seconds, sport):
    """What a session says of itself."""
    return data(2, "IIB", T0 + begin, 1000 * seconds, sport)


def seconds(activity):
    """First and last second of an activity's records."""
    times = activity.records["timestamp"]
    return tuple((time - START).total_seconds() for time in (times.min(), times.max()))


TRIATHLON = fit(
    FILE_ID_MESSAGES,
    RECORDS,
    *records(0, 400),
    SESSIONS,
    session(0, 99, SWIM),
    session(100, 99, RUN),
    session(200, 99, RIDE),
    session(300, 79, RUN),
)


def test_each_running_session_is_a_run():
    """Swim, run, ride, run and 20 s of nothing: seconds 100 to 199 and 300 to 379 are the two runs."""
    activity = read_activity("a", TRIATHLON)
    assert len(activity.records) == 400
    check_run(activity)
    runs = running_sessions(activity)
    assert [seconds(run) for run in runs] == [(100, 199), (300, 379)]
    assert [run.run.start_time for run in runs] == [START + timedelta(seconds=s) for s in (100, 300)]
    assert [run.run.sport for run in runs] == ["running", "running"]
    assert [run.records["distance_m"].max() for run in runs] == [297, 237]
    assert [run.sessions["total_elapsed_time_s"].to_list() for run in runs] == [[99], [79]]


def test_two_runs_of_a_chained_file_are_two_runs():
    """Two files end to end, a day apart, are two runs on two days."""
    first = fit(FILE_ID_MESSAGES, RECORDS, *records(0, 100), SESSIONS, session(0, 99, RUN))
    day = 86_400
    second = fit(FILE_ID_MESSAGES, RECORDS, *records(day, day + 100), SESSIONS, session(day, 99, RUN))
    runs = running_sessions(read_activity("a", first + second))
    assert [seconds(run) for run in runs] == [(0, 99), (day, day + 99)]
    assert [run.run.local_date for run in runs] == [date(2021, 9, 8), date(2021, 9, 9)]


def test_one_session_keeps_every_record():
    """With one session there is nothing to part: records after its end stay."""
    content = fit(FILE_ID_MESSAGES, RECORDS, *records(0, 100), SESSIONS, session(0, 50, RUN))
    [run] = running_sessions(read_activity("a", content))
    assert len(run.records) == 100


def test_a_session_told_twice_is_one_run():
    """The same session written twice, as after a crash, makes no second run."""
    twice = [SESSIONS, session(0, 99, RUN), session(0, 99, RUN)]
    content = fit(FILE_ID_MESSAGES, RECORDS, *records(0, 100), *twice)
    assert len(running_sessions(read_activity("a", content))) == 1


def test_a_session_of_seconds_beside_a_longer_one_is_left_out_and_told():
    """A button pressed twice is no run of its own, and the other run says so."""
    content = fit(
        FILE_ID_MESSAGES, RECORDS, *records(0, 110), SESSIONS, session(0, 99, RUN), session(105, 4, RUN)
    )
    [run] = running_sessions(read_activity("a", content))
    assert seconds(run) == (0, 99)
    assert "of its running sessions 1 of less than a minute were left out" in run.run.warnings


def test_short_sessions_alone_are_kept():
    """Where all are short they are what was run."""
    content = fit(
        FILE_ID_MESSAGES, RECORDS, *records(0, 40), SESSIONS, session(0, 19, RUN), session(20, 19, RUN)
    )
    assert len(running_sessions(read_activity("a", content))) == 2


def test_sessions_without_running_are_no_run():
    """A swim and a ride are named, and are no run."""
    content = fit(
        FILE_ID_MESSAGES, RECORDS, *records(0, 200), SESSIONS, session(0, 99, SWIM), session(100, 99, RIDE)
    )
    activity = read_activity("a", content)
    assert running_sessions(activity) == []
    with pytest.raises(NotARun, match="it holds swimming and cycling, but no run"):
        check_run(activity)


def test_the_runner_s_day_holds_for_each_session():
    """A file that says it is ten hours ahead of UTC puts each session on its own local day."""
    zone = definition(3, ACTIVITY, [(253, 4, UINT32), (5, 4, UINT32), (1, 2, UINT16)])
    day = 80_000
    content = fit(
        FILE_ID_MESSAGES,
        RECORDS,
        *records(0, 100),
        *records(day, day + 100),
        SESSIONS,
        session(0, 99, RUN),
        session(day, 99, RUN),
        zone,
        data(3, "IIH", T0, T0 + 36_000, 2),
    )
    runs = running_sessions(read_activity("a", content))
    assert [run.run.local_date for run in runs] == [date(2021, 9, 8), date(2021, 9, 9)]


def several(*activities):
    """A TCX file of activities: (sport, first second), 100 points a second apart, 3 m each."""
    texts = []
    for sport, start in activities:
        points = [
            trackpoint(s, f"<DistanceMeters>{3 * s}</DistanceMeters>") for s in range(start, start + 100)
        ]
        text = tcx(points, sport=sport).replace(
            f"<Id>{time_at(0)}".encode(), f"<Id>{time_at(start)}".encode()
        )
        texts.append(text[text.index(b"<Activity ") : text.index(b"</Activities>")])
    whole = tcx()
    return whole[: whole.index(b"<Activity ")] + b"".join(texts) + whole[whole.index(b"</Activities>") :]


def test_activities_of_a_tcx_file_are_sessions():
    """Run, ride, run in one TCX file: two runs of 297 m."""
    runs = running_sessions(read_activity("a", several(("Running", 0), ("Biking", 100), ("Running", 200))))
    assert [len(run.records) for run in runs] == [100, 100]
    assert [run.records["distance_m"].max() for run in runs] == [297, 297]


def test_an_activity_without_its_time_is_no_session():
    """Where damage took the time of the only activity, the points are one recording."""
    whole = several(("Running", 0))
    assert len(running_sessions(read_activity("a", whole.replace(b"<Id>", b"<Ix>")))) == 1


def test_values_that_damage_made_lists_or_texts_are_read_as_one():
    """A kind and a sport of two bytes count by their first; an elapsed time in letters says nothing."""
    kind = definition(0, FILE_ID, [(0, 2, ENUM)]) + bytes([0, 4, 4])
    told = definition(2, SESSION, [(2, 4, UINT32), (7, 4, STRING), (5, 2, ENUM)])
    sessions = [data(2, "I4sBB", T0 + start, b"abc", RUN, RIDE) for start in (0, 100)]
    runs = running_sessions(read_activity("a", fit(kind, RECORDS, *records(0, 200), told, *sessions)))
    assert [seconds(run) for run in runs] == [(0, 99), (100, 199)]


@given(st.permutations([("Running", 0), ("Running", 150), ("Biking", 300), ("Running", 450)]))
def test_the_order_in_the_file_does_not_matter(activities):
    """In whatever order activities stand, the same runs come out, in order of time."""
    runs = running_sessions(read_activity("a", several(*activities)))
    first = datetime(2024, 5, 4, 9, 0, tzinfo=UTC)
    starts = [(run.run.start_time - first).total_seconds() for run in runs]
    assert (starts, [len(run.records) for run in runs]) == ([0, 150, 450], [100, 100, 100])


told_sessions = st.tuples(st.integers(0, 300), st.integers(0, 200), st.sampled_from([RUN, RIDE]))


@given(st.lists(told_sessions, min_size=2, max_size=6, unique_by=lambda told: told[0]))
def test_no_record_belongs_to_two_runs(told):
    """Whatever sessions claim, their runs share no record and lie in order of time."""
    content = fit(FILE_ID_MESSAGES, RECORDS, *records(0, 300), SESSIONS, *[session(*one) for one in told])
    runs = running_sessions(read_activity("a", content))
    times = [time for run in runs for time in run.records["timestamp"]]
    assert times == sorted(set(times))


def test_real_multisport_files_give_their_runs(corpus):
    """Triathlons give one run each, a swimrun nine; sessions of a second and copies make none."""
    expected = {
        "ActivityLog2__920xt-triathlon.fit": 1,
        "TestFilesForFitnessApps__20140622_swim_garmin_fr910xt.fit": 1,
        "TestFilesForFitnessApps__20191117_tri_garmin_fenix_3_hr.fit": 1,
        "choochoo__77F73023.FIT": 9,
        "choochoo__920xt-2019-05-21_22-04-30.fit": 1,
        "choochoo__activity-activity-filecrc.fit": 1,
        "choochoo__multi-actIds.fit": 1,
        "choochoo__multi-sport-with-heartrate.fit": 1,
        "fit__activity_multisport.fit": 1,
        "fit__chained_Activity_activity_poolswim.fit": 0,
        "fit__triathlon_summary_first.fit": 1,
        "fit__triathlon_summary_last.fit": 1,
        "python-fitparse__sample_mulitple_header.fit": 1,
        "sports-lib__6788312639-1.fit": 1,
        "sweatpy__6471559601_ACTIVITY.fit": 1,
    }
    found = {
        name: len(running_sessions(read_activity(name, (corpus / "odd" / name).read_bytes())))
        for name in expected
    }
    assert found == expected
