"""What is shown where there is nothing to draw, or too little for an answer: what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from dash import dcc, html

from dashboard import words
from dashboard.components import (
    answer_url,
    balance_url,
    command,
    named,
    notice,
    plan_url,
    roster_url,
    runs_url,
    upload_url,
)
from pipeline.effect.verdict import MIN_RUNS, MIN_WEEKS

LISTED = 20


def empty_workspace() -> html.Div:
    """Shown where no athlete has any run."""
    return notice(
        "This workspace is empty.",
        html.P(
            "Surefoot tells from the files of your watch and a balance log whether your cadence was steadier "
            "on rough ground when you had done more balance work."
        ),
        html.P([html.Strong("First your runs"), ": FIT, GPX, TCX, archives, whole folders."]),
        html.P(dcc.Link("Upload watch files", href=upload_url(None), className="button main")),
        command("surefoot analyse PATH --athlete ID"),
        html.P([html.Strong("Then the balance log"), ": kept on the page Balance, or read from a table."]),
        command("surefoot log FILE --athlete ID"),
        html.P(
            f"The answer will stand on the page Answer. It needs {MIN_RUNS} runs that count, {MIN_WEEKS:.0f} "
            "weeks or more, and weeks with more and with less balance work:"
        ),
        command("surefoot effect --athlete ID"),
        html.P("No files at hand? The sample season shows every page:"),
        command("make run"),
        picture="upload",
    )


def no_runs(athlete_id: str) -> html.Div:
    """Shown where an athlete has a log but no run."""
    return notice(
        "No run has been read yet.",
        html.P(
            f"{athlete_id} is known, but has no run. Upload watch files, or read a file or a folder on the "
            "machine that Surefoot runs on:"
        ),
        html.P(dcc.Link("Upload watch files", href=upload_url(athlete_id), className="button main")),
        command(f"surefoot analyse PATH --athlete {shlex.quote(athlete_id)}"),
        picture="upload",
    )


def unknown_athlete(athlete_id: str, athletes: list[str]) -> html.Div:
    """Shown for an address with an id that the workspace does not have."""
    there = f"but {words.count(len(athletes), 'athlete')}. Whose answer do you want to see?"
    return notice(
        "No such athlete.",
        html.P(f"No “{athlete_id[:80]}” is in this workspace, {there}"),
        *_athletes(athletes, answer_url),
        picture="roster",
    )


def unknown_run(athletes: list[str]) -> html.Div:
    """Shown for the address of a run that the workspace does not have."""
    return notice(
        "No such run.",
        html.P(
            "A run keeps its address. This one was removed with its athlete, gave way to a better recording "
            "of the same run, or is in another workspace."
        ),
        *([html.P("Whose runs do you want to see?"), *_athletes(athletes, runs_url)] if athletes else _START),
        picture="list",
    )


def unknown_page() -> html.Div:
    """Shown for an address that no page has."""
    return notice(
        "There is no such page.",
        html.P("The address is not one of Surefoot's: a letter of it may be missing."),
        *_START,
        picture="route",
    )


_START = [html.P(dcc.Link("To the start", href="/", className="button main"))]


def _athletes(athletes: list[str], url: Callable[[str], str]) -> list[Any]:
    """A link for each, and to the roster for those who find no place here."""
    others = len(athletes) - LISTED
    links: list[Any] = [dcc.Link(name, href=url(name)) for name in athletes[:LISTED]]
    more = html.P([f"and {others} more: ", dcc.Link("the roster", href=roster_url())]) if others > 0 else None
    return [html.Nav(links, className="pills", **named("Athletes")), more]


def way_on(row: dict[str, Any], athlete_id: str) -> list[Any]:
    """What an answer lacks, how far it has come, and the pages where that is put right."""
    missing = html.P([html.Strong("What is missing: "), words.with_days(row["missing"])], className="lede")
    needs = (("Runs that can be used", row["n_runs"], MIN_RUNS), ("Weeks", row["weeks"], MIN_WEEKS))
    come = [
        html.Div(
            [
                html.Dt(name),
                html.Dd(
                    [
                        html.Progress(value=str(min(have, need)), max=str(need), **named(name)),
                        f"{have:.0f} of {need:.0f}",
                    ]
                ),
            ]
        )
        for name, have, need in needs
        if have < need
    ]
    pages = (
        ("Upload runs", upload_url(athlete_id)),
        ("Keep the balance log", balance_url(athlete_id)),
        ("Compare plans", plan_url(athlete_id)),
    )
    links = [dcc.Link(text, href=href, className="button") for text, href in pages]
    return [
        missing,
        html.Dl(come, className="facts") if come else None,
        html.Nav(links, className="steps wrap", **named("What would help")),
    ]
