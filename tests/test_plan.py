"""Drawing a plan, keeping it, and writing its calendar."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SurefootError
from pipeline.plan import (
    add_plan,
    blocks_of,
    days_without_work,
    draw_plan,
    draw_staggered,
    smallest_p,
    write_csv,
    write_ics,
)
from pipeline.schedule import is_one_start
from pipeline.tables import DataFrame, Plans

DRAWN = datetime(2024, 5, 3, 17, 4, 5, tzinfo=UTC)


def a_plan(**changes: Any) -> DataFrame[Plans]:
    options = {
        "block_weeks": 4,
        "weeks": 32,
        "start": date(2024, 5, 6),
        "drawn_at": DRAWN,
        "seed": 7,
    }
    return draw_plan("ada", **(options | changes))


def test_days_without_work_are_those_of_the_blocks_without() -> None:
    """Of eight blocks of four weeks half the days are without, and each block's days go together."""
    plan = a_plan()
    days = days_without_work(plan)
    assert len(days) == 16 * 7
    for block in blocks_of(row(plan)):
        assert (block.start in days) is (block.end - timedelta(days=1) in days) is not block.has_work


def row(plan: DataFrame[Plans]) -> dict[str, Any]:
    return plan.row(0, named=True)


def test_a_plan_can_be_drawn_again_from_its_seed() -> None:
    """Seed and rule give the schedule back; other seeds give others."""
    assert a_plan().equals(a_plan())
    assert len({row(a_plan(seed=seed))["schedule"] for seed in range(30)}) > 10


@given(st.integers(1, 6), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_every_plan_is_balanced_and_fills_its_weeks(block_weeks: int, pairs: int, seed: int) -> None:
    """As many blocks with as without, no more than three alike in a row, end to end without a gap."""
    weeks = 2 * block_weeks * pairs
    plan = row(a_plan(block_weeks=block_weeks, weeks=weeks, seed=seed))
    assert plan["schedule"].count("1") == pairs == plan["schedule"].count("0")
    assert "1111" not in plan["schedule"]
    assert "0000" not in plan["schedule"]
    blocks = blocks_of(plan)
    assert blocks[0].start == plan["start"]
    assert blocks[-1].end == plan["start"] + timedelta(weeks=weeks)
    assert all(one.end == next_.start for one, next_ in pairwise(blocks))


@pytest.mark.parametrize("weeks", [35, 8, 6, 112])
def test_weeks_that_do_not_fit_are_refused_with_those_that_do(weeks: int) -> None:
    """Blocks of four fit 16, 24, 32 weeks and so on."""
    with pytest.raises(SurefootError, match="choose 16, 24, 32") as problem:
        a_plan(weeks=weeks)
    assert str(weeks) in problem.value.reason


def test_a_plan_is_drawn_before_it_begins() -> None:
    """Yesterday is too late, today is not."""
    with pytest.raises(SurefootError, match="drawn before it begins"):
        a_plan(start=date(2024, 5, 2))
    assert row(a_plan(start=date(2024, 5, 3)))["start"] == date(2024, 5, 3)


def test_a_plan_that_has_begun_stays() -> None:
    """A second draw half way is refused; one that follows, or that replaces one not begun, is kept."""
    first = add_plan(Plans.create_empty(), a_plan())
    late = datetime(2024, 8, 1, tzinfo=UTC)
    with pytest.raises(SurefootError, match=r"2024-12-15.*keep to it"):
        add_plan(first, a_plan(drawn_at=late, start=date(2024, 8, 5)))
    after = a_plan(drawn_at=late, start=date(2024, 12, 16))
    assert add_plan(first, after)["start"].to_list() == [date(2024, 5, 6), date(2024, 12, 16)]
    assert add_plan(first, a_plan(seed=8)).equals(a_plan(seed=8))


def test_too_few_schedules_are_known() -> None:
    """Six blocks have 20 schedules: p cannot get under 0.10; eight can get under 0.05."""
    assert smallest_p(row(a_plan(block_weeks=6, weeks=36))) == pytest.approx(0.10)
    assert smallest_p(row(a_plan())) < 0.05


def unfolded(content: bytes) -> list[tuple[str, str]]:
    """An independent reading of RFC 5545 3.1: unfold, then part name and value at the first colon."""
    assert content.endswith(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    lines = content.decode().replace("\r\n ", "").split("\r\n")[:-1]
    return [(line.split(":", 1)[0], line.split(":", 1)[1]) for line in lines]


def test_the_calendar_is_an_icalendar_of_all_day_events() -> None:
    """Every block is an event of whole days, its end not included, with a name of its own."""
    plan = row(a_plan())
    lines = unfolded(write_ics(plan))
    assert lines[0] == ("BEGIN", "VCALENDAR")
    assert lines[-1] == ("END", "VCALENDAR")
    assert dict(lines)["VERSION"] == "2.0"
    uids = [value for name, value in lines if name == "UID"]
    assert len(uids) == len(set(uids)) == 8
    starts = [value for name, value in lines if name == "DTSTART;VALUE=DATE"]
    ends = [value for name, value in lines if name == "DTEND;VALUE=DATE"]
    assert starts[0] == "20240506"
    assert starts[1:] == ends[:-1]
    assert ends[-1] == "20241216"
    assert {value for name, value in lines if name == "DTSTAMP"} == {"20240503T170405Z"}
    work = ["1" if value.startswith("Balance") else "0" for name, value in lines if name == "SUMMARY"]
    assert "".join(work) == plan["schedule"]


def test_the_table_has_a_line_a_week() -> None:
    """Thirty-two weeks, each Monday to Sunday, half of them with balance work."""
    lines = write_csv(row(a_plan())).decode().splitlines()
    assert lines[0] == "week,first_day,last_day,balance_work"
    assert lines[1].startswith("1,2024-05-06,2024-05-12,")
    assert lines[-1].startswith("32,2024-12-09,2024-12-15,")
    assert sum(line.endswith("yes") for line in lines) == 16


def test_staggered_starts_are_dealt_out() -> None:
    """Five athletes over 20 weeks start in weeks 5 to 15, each in another; other seeds deal otherwise."""
    names = ["ada", "ben", "cy", "di", "ed"]
    plans = draw_staggered(names, weeks=20, start=date(2024, 5, 6), drawn_at=DRAWN, seed=7)
    starts = {row["athlete_id"]: row["schedule"].index("1") for row in plans.iter_rows(named=True)}
    assert sorted(starts.values()) == [5, 8, 10, 12, 15]
    others = {
        tuple(draw_staggered(names, weeks=20, start=date(2024, 5, 6), drawn_at=DRAWN, seed=seed)["schedule"])
        for seed in range(20)
    }
    assert len(others) > 10


def test_a_staggered_start_in_the_calendar() -> None:
    """Two events and 20 weeks; two athletes' events are not one another's."""
    one, other = draw_staggered(
        ["ada", "ben"], weeks=20, start=date(2024, 5, 6), drawn_at=DRAWN, seed=1
    ).to_dicts()
    assert write_ics(one).count(b"BEGIN:VEVENT") == 2
    assert write_csv(one).count(b"\n") == 21
    assert write_csv(one).count(b",yes") == 20 - one["schedule"].index("1")
    uids = [line for plan in (one, other) for line in write_ics(plan).splitlines() if line.startswith(b"UID")]
    assert len(set(uids)) == 4


@pytest.mark.parametrize(
    ("names", "changes", "said"),
    [
        (["ada"], {}, "need two athletes"),
        (["ada", "ben"], {"weeks": 15}, "choose 16 to 104"),
        (["ada", "ben"], {"start": date(2024, 5, 1)}, "choose a later start"),
    ],
)
def test_starts_that_cannot_be_staggered(names: list[str], changes: dict[str, Any], said: str) -> None:
    """Too few athletes, too few weeks and a start in the past are refused with what would do."""
    options = {"weeks": 26, "start": date(2024, 5, 6), "drawn_at": DRAWN, "seed": 1} | changes
    with pytest.raises(SurefootError) as problem:
        draw_staggered(names, **options)
    assert said in f"{problem.value.reason}: {problem.value.advice}"


@given(st.integers(1, 4), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_blocks_are_never_taken_for_a_staggered_start(block_weeks: int, pairs: int, seed: int) -> None:
    """No draw of blocks has the letters of a staggered start."""
    plan = row(a_plan(block_weeks=block_weeks, weeks=2 * block_weeks * pairs, seed=seed))
    assert not is_one_start(plan["schedule"])
    assert len(blocks_of(plan)) == 2 * pairs
