"""A month of the balance log as a table of days."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Any

import polars as pl
from dash import html

from dashboard import words
from dashboard.components import DECORATION, named

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_BAR_MIN = 45.0
_MONTH = re.compile(r"[?&]month=(\d{4})-(\d{2})(?:&|$)")


def month_of(search: str | None, today: date) -> date:
    """First day of the month that an address asks for with `?month=YYYY-MM`; this month where it does not."""
    found = _MONTH.search(search or "")
    if found and 1 <= int(found[2]) <= 12 and 1900 <= int(found[1]) <= 2200:
        return date(int(found[1]), int(found[2]), 1)
    return today.replace(day=1)


def next_month(first: date) -> date:
    """First day of the month after that of `first`."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def previous_month(first: date) -> date:
    """First day of the month before that of `first`."""
    return (first.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_table(sessions: pl.DataFrame, first: date, today: date) -> html.Table:
    """One cell a day: its minutes in words and as a bar. A day up to today is a button that adds to it.

    Parameters
    ----------
    sessions : date, drill, minutes.
    first : first day of the month.
    """
    last = next_month(first) - timedelta(days=1)
    logged = {
        day: rows.select("drill", "minutes").rows()
        for (day,), rows in sessions.filter(pl.col("date").is_between(first, last)).group_by(
            "date", maintain_order=True
        )
    }
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in DAYS]))
    body = html.Tbody(
        [html.Tr([_day(day, logged.get(day, []), first, today) for day in week]) for week in weeks]
    )
    label = f"Balance work in {first:%B %Y}, day by day"
    return html.Table([head, body], className="month", **named(label))


def _day(day: date, entries: list[tuple[str, float]], first: date, today: date) -> html.Td:
    if day.month != first.month:
        return html.Td(className="other")
    minutes = sum(entry[1] for entry in entries)
    done = ", ".join(f"{drill} {_minutes(each)}" for drill, each in entries) or "nothing logged"
    inside: list[Any] = [html.Span(str(day.day), className="number")]
    if entries:
        share = min(minutes / FULL_BAR_MIN, 1.0)
        inside += [
            html.Span(_minutes(minutes), className="minutes"),
            html.Span(className="bar-of-day", style={"width": f"{100 * share:.0f}%"}, **DECORATION),
        ]
    mark = " today" if day == today else ""
    if day > today:
        return html.Td(html.Span(inside, className="day later"))
    attributes: dict[str, Any] = {"data-day": day.isoformat()}
    label = named(f"{words.day(day)}: {done}. Add an exercise")
    return html.Td(html.Button(inside, className=f"day{mark}", title=done, **attributes, **label))


def _minutes(minutes: float) -> str:
    return words.number(minutes, "min")
