"""A month of the log as a table."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from dashboard.calendar import month_of, month_table, next_month, previous_month

TODAY = date(2026, 2, 10)


def _cells(first: date) -> list[dict[str, Any]]:
    sessions = pl.DataFrame(
        {
            "date": [date(2026, 2, 9), date(2026, 2, 9), date(2026, 3, 1)],
            "drill": ["plank", "<b>foam</b>", "plank"],
            "minutes": [9.0, 13.5, 5.0],
        }
    )
    table = json.loads(json.dumps(month_table(sessions, first, TODAY), default=lambda c: c.to_plotly_json()))
    rows = table["props"]["children"][1]["props"]["children"]
    return [cell["props"] for row in rows for cell in row["props"]["children"]]


def test_a_month_has_its_days_in_whole_weeks() -> None:
    """February 2026 begins on a Sunday: six empty cells, 28 days, one empty cell short of five weeks."""
    cells = _cells(date(2026, 2, 1))
    assert len(cells) == 35
    assert [i for i, cell in enumerate(cells) if cell.get("className") == "other"] == [*range(6), 34]


def test_a_day_says_what_was_done() -> None:
    """9 and 13.5 minutes are 22 to the eye, and each by its drill to who cannot see it."""
    day = _cells(date(2026, 2, 1))[14]["children"]["props"]
    assert day["data-day"] == "2026-02-09"
    label = day["aria-label"].replace("\u00a0", " ")
    assert label == "9 Feb 2026: plank 9 min, <b>foam</b> 14 min. Add an exercise"
    assert day["children"][1]["props"]["children"] == "22\u00a0min"
    assert day["children"][2]["props"]["style"] == {"width": "50%"}


def test_days_to_come_cannot_be_logged() -> None:
    """Up to today a day is a button, after it words alone."""
    kinds = [
        cell["children"]["type"] for cell in _cells(date(2026, 2, 1)) if cell.get("className") != "other"
    ]
    assert kinds == ["Button"] * 10 + ["Span"] * 18


@pytest.mark.parametrize(
    ("search", "month"),
    [
        ("?month=2025-12", date(2025, 12, 1)),
        ("?a=1&month=2025-01&b=2", date(2025, 1, 1)),
        *(
            (search, date(2026, 2, 1))
            for search in (None, "", "?month=2025-13", "?month=9999-01", "?month=x")
        ),
    ],
)
def test_the_address_says_the_month(search: str | None, month: date) -> None:
    """What is no month is this one."""
    assert month_of(search, TODAY) == month


def test_months_follow_each_other_over_the_year() -> None:
    """December is followed by January, whatever the day."""
    assert next_month(date(2025, 12, 31)) == date(2026, 1, 1)
    assert previous_month(date(2026, 1, 1)) == date(2025, 12, 1)
