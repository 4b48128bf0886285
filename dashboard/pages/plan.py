"""Designs of the coming weeks side by side, and a plan drawn by lot that can name a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
from dash import Dash, Input, Output, dcc, html

from dashboard import queries, tables, words
from dashboard.charts import designs
from dashboard.components import (
    EMPTY_FIGURE,
    card,
    data_url,
    figure_box,
    in_browser,
    register_tables,
    table_data,
    table_rows,
)
from dashboard.first_steps import empty_workspace, unknown_athlete
from dashboard.memo import Memo
from dashboard.theme import by_scheme
from pipeline.effect import Preview
from pipeline.plan import blocks_of, smallest_p

TITLE = "Plan"
BLOCK_WEEKS = (4, 2, 6)
LENGTHS_WEEKS = (40, 16, 24, 32, 48)


def layout(athlete_id: str = "") -> html.Div:
    """The page without data; an empty id stands for the workspace's first athlete."""
    return html.Div(
        [
            dcc.Store(id="plan-athlete", data=athlete_id),
            dcc.Store(id="plan-changed", data=""),
            dcc.Store(id="plan-whose"),
            html.Div(id="plan-head"),
            html.Div(
                [
                    html.Div(id="plan-kept", className="stack"),
                    card(
                        "Smallest change that could be seen",
                        figure_box(
                            "plan-designs",
                            "Smallest change that each design could show",
                            designs.HEIGHT_PX,
                            {"CSV": data_url("designs", athlete=athlete_id)},
                        ),
                        html.P(
                            "Working it out from the runs …",
                            id="plan-basis",
                            className="small",
                            role="status",
                        ),
                        sub="With 80 % power, per 45 more weekly minutes. Lower is better: a design that "
                        "sees 10 % may well miss a change of 5 %.",
                    ),
                    card("Draw a plan", _form(), sub=_DRAW_SUB),
                ],
                id="plan-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


_DRAW_SUB = (
    "Weeks with balance work and weeks without, in blocks whose order is drawn by lot. The lot alone then "
    "decides which weeks have balance work, so if the plan is kept to, its own test may name a cause. Eight "
    "blocks or more are needed for that. A plan that has begun stays; one that has not gives way to another."
)


def _form() -> html.Div:
    return html.Div(
        [
            html.Label(["Blocks of", _select("plan-block", BLOCK_WEEKS)]),
            html.Label(["Length", _select("plan-weeks", LENGTHS_WEEKS)]),
            html.Label(
                ["First day (year-month-day)", dcc.Input(id="plan-start", type="text", className="text")]
            ),
            html.Button("Draw by lot and keep", id="plan-draw", className="button"),
            html.P(id="plan-said", className="said", role="status"),
        ],
        className="form",
    )


def _select(name: str, weeks: Sequence[int]) -> html.Select:
    """A choice whose first one is chosen."""
    return html.Select(
        [html.Option(f"{n} weeks", value=str(n)) for n in weeks], id=name, className="text choice"
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace; a plan is drawn by dashboard.plan_routes, from assets/plan.js."""
    register_tables(app, "plan-designs-table")
    memo = Memo(workspace.state)

    @app.callback(
        output={
            "head": Output("plan-head", "children"),
            "hidden": Output("plan-body", "hidden"),
            "kept": Output("plan-kept", "children"),
            "start": Output("plan-start", "value"),
            "whose": Output("plan-whose", "data"),
        },
        inputs={"athlete_id": Input("plan-athlete", "data"), "changed": Input("plan-changed", "data")},
    )
    def fill(athlete_id: str | None, changed: str | None) -> dict[str, Any]:
        athletes = workspace.athletes()
        whose = athlete_id or next(iter(athletes), "")
        if whose not in athletes:
            head = unknown_athlete(whose, athletes) if athletes else empty_workspace()
            return {"head": head, "hidden": True, "kept": None, "start": "", "whose": None}
        today = datetime.now().astimezone().date()
        plans = workspace.load_plans(whose).sort("start", descending=True)
        return {
            "head": _head(whose, plans, today),
            "hidden": False,
            "kept": [_kept(row, today) for row in plans.iter_rows(named=True)],
            "start": (today + timedelta(days=7 - today.weekday())).isoformat(),
            "whose": whose,
        }

    in_browser(app, "planFor", Input("plan-whose", "data"))

    @app.callback(
        output={
            "figure": Output("plan-designs", "figure"),
            "table": Output(table_rows("plan-designs-table"), "data"),
            "basis": Output("plan-basis", "children"),
        },
        inputs={"athlete_id": Input("plan-athlete", "data"), "scheme": Input("colours", "data")},
    )
    def compare(athlete_id: str | None, scheme: str | None) -> dict[str, Any]:
        athletes = workspace.athletes()
        whose = athlete_id or next(iter(athletes), "")
        if whose not in athletes:
            return {"figure": EMPTY_FIGURE, "table": None, "basis": ""}
        preview = memo(whose, lambda: queries.preview(workspace, whose))
        changes = queries.design_changes(preview)
        return {
            "figure": designs.designs(changes, by_scheme(scheme)),
            "table": table_data(tables.designs_table(changes)),
            "basis": _basis(preview),
        }


def _head(athlete_id: str, plans: pl.DataFrame, today: date) -> html.Div:
    title, said = "No plan is drawn.", "Compare designs below, then draw one by lot."
    for row in plans.iter_rows(named=True):
        for block in blocks_of(row):
            if block.start <= today < block.end:
                title = f"{'With' if block.has_work else 'Without'} balance work until {_last(block.end)}."
                said = "Log every session and run as usual: the plan's own test is made when it is over."
        if row["start"] > today:
            title = f"A plan begins on {words.day(row['start'])}."
            said = "Until then nothing changes. Its calendar is below."
    return html.Div(
        [html.P(athlete_id, className="eyebrow"), html.H1(title), html.P(said, className="lede")],
        className="head",
    )


def _kept(plan: Mapping[str, Any], today: date) -> html.Section:
    """A drawn plan block by block, with its calendar."""
    blocks = blocks_of(plan)
    rows = [
        html.Tr(
            [
                html.Td(str(n)),
                html.Td(words.day(block.start)),
                html.Td(_last(block.end)),
                html.Td("● balance work" if block.has_work else "○ none"),
                html.Td("◂ now" if block.start <= today < block.end else ""),
            ]
        )
        for n, block in enumerate(blocks, start=1)
    ]
    head = html.Tr([html.Th(text, scope="col") for text in ("Block", "From", "To", "Balance work", "")])
    weak = smallest_p(plan) > 0.05
    too_few = "So few blocks cannot get its own test under 5 %: no cause can be named." if weak else ""
    address = urlencode({"athlete": plan["athlete_id"], "start": plan["start"].isoformat()})
    files = [
        html.A(text, href=f"/_plan/calendar.{kind}?{address}", download="", className="button")
        for kind, text in (("ics", "Calendar (ICS)"), ("csv", "Weeks (CSV)"))
    ]
    return card(
        f"Plan from {words.day(plan['start'])} to {_last(blocks[-1].end)}",
        html.Div(html.Table([html.Thead(head), html.Tbody(rows)], className="table"), className="scroll"),
        html.Div(files, className="steps wrap under-table"),
        sub=f"Drawn by lot on {words.day(plan['drawn_at'].date())} with seed {plan['seed']}. {too_few}",
    )


def _last(end: date) -> str:
    return words.day(end - timedelta(days=1))


def _basis(preview: Preview) -> str:
    noise = preview.noise
    whose = "from these runs" if preview.noise_is_own else "assumed, since fewer than 20 runs can be used"
    minutes = "as logged" if preview.minutes_are_own else "assumed, since none stand beside runs that count"
    return (
        f"Rests on: noise {whose} (SD {noise.sd:.2f} log units, {100 * noise.drift_share:.0f} % of its "
        f"variance drifting over about {noise.tau_days:.0f} days), {preview.runs_per_week:.1f} runs a week, "
        f"{preview.minutes_per_week:.0f} minutes in weeks with balance work ({minutes})."
    )
