"""For coaches: one row an athlete, who needs a look first, and what all athletes say together."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs

import dash_ag_grid as dag
import polars as pl
from dash import Dash, Input, Output, State, dcc, html

from dashboard import queries, tables, words
from dashboard.charts import forest
from dashboard.components import (
    EMPTY_FIGURE,
    answer_url,
    card,
    data_url,
    figure_box,
    in_browser,
    named,
    register_tables,
    roster_url,
    table_data,
    table_rows,
)
from dashboard.first_steps import empty_workspace
from dashboard.hosting import oneself
from dashboard.memo import Memo
from dashboard.roster import CALM, choose, roster_answer, roster_table, with_groups
from dashboard.theme import by_scheme
from pipeline.roster import MIN_ATHLETES, OF_SEVERAL, RosterAnswer

TITLE = "Roster"
WHOLE = {"type": "rightAligned", "valueFormatter": {"function": "whole(params.value)"}}
SIGNED = {"type": "rightAligned", "valueFormatter": {"function": "signed(params.value)"}}
WORDS = {"filter": True}
WRAPPED = {"wrapText": True, "autoHeight": True}
COLUMNS: list[dict[str, Any]] = [
    {
        "field": "athlete",
        "headerName": "Athlete",
        "cellRenderer": "RunLink",
        "width": 112,
        **WRAPPED,
        **WORDS,
    },
    {
        "field": "why",
        "headerName": "Why to look",
        "flex": 3,
        "minWidth": 230,
        "wrapText": True,
        "autoHeight": True,
        "comparator": {"function": "byPlace"},
        **WORDS,
    },
    {
        "field": "groups",
        "headerName": "Groups",
        "width": 92,
        "editable": {"function": "params.data.may_group"},
        "singleClickEdit": True,
        "wrapText": True,
        "autoHeight": True,
    },
    {"field": "technical_min", "headerName": "Technical min, 4 weeks", "width": 90, **WHOLE},
    {"field": "change", "headerName": "Trend, % in 4 weeks", "width": 78, **SIGNED},
    {"field": "interval", "headerName": "95 % interval of it", "width": 104, "sortable": False},
    {"field": "in_plan", "headerName": "Weeks in plan", "width": 72},
    {"field": "cadence_used", "headerName": "Cadence used, %", "width": 86, **WHOLE},
    {"field": "counting", "headerName": "Runs that count, 8 weeks", "width": 80},
    {"field": "last_run", "headerName": "Last run", "comparator": {"function": "byLastRun"}, "width": 110},
    {
        "field": "verdict",
        "headerName": "Answer",
        "tooltipField": "verdict",
        "minWidth": 108,
        "flex": 1,
        "wrapText": True,
        "autoHeight": True,
        **WORDS,
    },
]


def layout() -> html.Div:
    """The page without data."""
    grid = dag.AgGrid(
        id="roster-grid",
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.id",
        className="ag-theme-quartz grid",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        dashGridOptions={"domLayout": "autoHeight", "tooltipShowDelay": 300},
        style={"height": None, "width": "100%"},
    )
    return html.Div(
        [
            dcc.Store(id="roster-open", data="yes"),
            dcc.Store(id="roster-changed", data=""),
            html.Div([html.Div(id="roster-head"), html.P(id="roster-told", className="said", role="status")]),
            html.Div(
                [
                    grid,
                    card(
                        "All of these together",
                        html.P(id="roster-said", className="lede"),
                        html.Div(
                            figure_box(
                                "roster-forest",
                                "Each athlete's own answer, and all together",
                                forest.height_px(2),
                                {"CSV": data_url("forest")},
                            ),
                            id="roster-drawn",
                        ),
                        sub="Each athlete is compared with themselves alone; the order is that of the names. "
                        "Lines are 95 % intervals, the wide diamond is the mean of all.",
                    ),
                ],
                id="roster-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace; the pooled answer comes on its own, since it may take longer."""
    register_tables(app, "roster-forest-table")
    memo = Memo(workspace.state)

    @app.callback(
        Output("roster-head", "children"),
        Output("roster-grid", "rowData"),
        Output("roster-body", "hidden"),
        Input("roster-open", "data"),
        Input("roster-changed", "data"),
        Input("url", "search"),
    )
    def fill(
        opened: str | None, changed: str | None, search: str | None
    ) -> tuple[Any, list[dict[str, Any]], bool]:
        group, groups = group_of(search), workspace.load_groups()
        everyone, athletes = workspace.athletes(), tuple(choose(workspace, group))
        if not everyone:
            return empty_workspace(), [], True
        links = _links(groups, group, everyone)
        if not athletes:
            return _no_group(group, links), [], True
        today = datetime.now().astimezone().date()
        table = memo(("table", today, athletes), lambda: roster_table(workspace, athletes, today))
        return _head(table, group, links), grid_rows(with_groups(table, groups), oneself()), False

    @app.callback(
        output={
            "said": Output("roster-said", "children"),
            "forest": Output("roster-forest", "figure"),
            "hidden": Output("roster-drawn", "hidden"),
            "style": Output("roster-forest", "style"),
            "table": Output(table_rows("roster-forest-table"), "data"),
            "csv": Output("roster-forest-csv", "href"),
        },
        inputs={
            "opened": Input("roster-open", "data"),
            "changed": Input("roster-changed", "data"),
            "search": Input("url", "search"),
            "scheme": Input("colours", "data"),
        },
    )
    def fill_together(
        opened: str | None, changed: str | None, search: str | None, scheme: str | None
    ) -> dict[str, Any]:
        group = group_of(search)
        athletes = tuple(choose(workspace, group))
        csv = _csv("forest", group)
        if not athletes:
            nothing = {"said": "", "forest": EMPTY_FIGURE, "style": {}, "table": None}
            return {**nothing, "hidden": True, "csv": csv}
        own, answer = memo(("answer", athletes), lambda: roster_answer(workspace, athletes))
        return {
            "csv": csv,
            "said": _said(answer, group),
            "forest": forest.forest(own, _pooled(answer), by_scheme(scheme)),
            "hidden": own.is_empty(),
            "style": {"height": forest.height_px(own.height)},
            "table": table_data(tables.forest_table(own, _pooled(answer))),
        }

    in_browser(app, "saveGroups", Input("roster-grid", "cellValueChanged"), prevent_initial_call=True)
    in_browser(
        app,
        "fitColumns",
        Output("roster-grid", "columnDefs"),
        Input("roster-grid", "id"),
        State("roster-grid", "columnDefs"),
    )


def group_of(search: str | None) -> str:
    """The group that an address asks for, empty for all athletes."""
    return parse_qs((search or "").removeprefix("?")).get("group", [""])[0]


def _csv(name: str, group: str) -> str:
    return data_url(name, group=group) if group else data_url(name)


def _links(groups: pl.DataFrame, chosen: str, everyone: list[str]) -> html.Nav | html.P | None:
    """Every group with its number of athletes, the chosen one marked; how several athletes get one."""
    if groups.is_empty() and not chosen:
        hint = "No groups yet: write their names into the column Groups."
        return html.P(hint, className="small") if len(everyone) > 1 else None
    counted = groups.filter(pl.col("athlete_id").is_in(everyone)).group_by("name").len().sort("name")
    choices = [("", len(everyone)), *counted.rows()]
    return html.Nav([_link(name, n, chosen) for name, n in choices], className="pills", **named("Groups"))


def _link(name: str, n: int, chosen: str) -> html.Span | dcc.Link:
    words_of: list[Any] = [name or "All", html.Span(str(n), className="n")]
    if name == chosen:
        current: dict[str, Any] = {"aria-current": "page"}
        return html.Span(words_of, className="here", **current)
    return dcc.Link(words_of, href=roster_url(name))


def _no_group(group: str, links: Any) -> html.Div:
    return html.Div([html.H1(f"There is no group “{group}”."), links], className="head")


def grid_rows(table: pl.DataFrame, oneself: str | None = None) -> list[dict[str, Any]]:
    """One row an athlete as the grid shows it; nobody puts `oneself` into a group."""

    def whole(value: float | None, factor: float = 1) -> int | None:
        return None if value is None else round(factor * value)

    return [
        {
            "id": f"row-{n}",
            "athlete": row["athlete_id"],
            "href": answer_url(row["athlete_id"]),
            "place": n,
            "why": words.with_days(row["why"]) or "nothing: all as usual",
            "groups": row["groups"],
            "may_group": row["athlete_id"] != oneself,
            "technical_min": whole(row["technical_min"]),
            "change": whole(row["change"], 100),
            "interval": words.NONE
            if row["low"] is None
            else f"{_signed(row['low'])} to {_signed(row['high'])}",
            "in_plan": f"{row['weeks_in_plan']} of {row['weeks_planned']}"
            if row["weeks_planned"]
            else words.NONE,
            "cadence_used": whole(row["cadence_used"], 100),
            "counting": f"{row['n_counting']} of {row['n_runs']}" if row["n_runs"] else words.NONE,
            "last_run": words.day(row["last_run"]) if row["last_run"] else words.NONE,
            "last_run_iso": _iso(row["last_run"]),
            "verdict": row["verdict"] or "no answer yet",
        }
        for n, row in enumerate(table.iter_rows(named=True))
    ]


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _signed(fraction: float) -> str:
    return f"{100 * fraction:+z.0f}".replace("-", words.MINUS)


def _head(table: pl.DataFrame, group: str, links: Any) -> html.Div:
    waiting = table.filter(pl.col("urgency") < CALM).height
    title = (
        f"{words.count(waiting, 'athlete')} of {table.height} {'needs' if waiting == 1 else 'need'} a look."
        if waiting
        else "No athlete needs a look."
    )
    return html.Div(
        [
            html.P(
                (f"{group}: " if group else "") + words.count(table.height, "athlete"), className="eyebrow"
            ),
            html.H1(title),
            html.P(
                "The most urgent first: data missing, a silent log, a run unsteadier than the own usual "
                "range, a new watch, an answer reached. Nobody is ranked by their figures. The trend is of "
                "the last 12 weeks on one watch; minus is steadier, and it says nothing of why.",
                className="lede",
            ),
            html.P(
                ["Save: ", html.A("CSV", href=_csv("roster", group), download="", className="save")],
                className="saves",
            ),
            links,
        ],
        className="head",
    )


def _pooled(answer: RosterAnswer) -> tuple[float, float, float] | None:
    """The mean of all with its interval; none of so few athletes that it says nothing."""
    pooled = answer.pooled
    if pooled is None or len(answer.athlete_ids) < MIN_ATHLETES:
        return None
    return math.expm1(pooled.estimate), math.expm1(pooled.low), math.expm1(pooled.high)


def _said(answer: RosterAnswer, group: str) -> str:
    swapped = "" if answer.swap_p is None else f" p by swapping logs: {words.p_value(answer.swap_p)}."
    several = f" {OF_SEVERAL}" if group and _pooled(answer) else ""
    return f"{words.sentence_case(answer.verdict)}. {answer.sentence}{swapped}{several}"
