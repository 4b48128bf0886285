"""The balance log of one athlete: month by month, beside the plan, and open to change."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dash_ag_grid as dag
import polars as pl
from dash import Dash, Input, Output, State, dcc, html

from dashboard import queries, words
from dashboard.calendar import month_of, month_table, next_month, previous_month
from dashboard.charts import dose
from dashboard.components import (
    EMPTY_FIGURE,
    balance_url,
    card,
    data_url,
    figure_box,
    in_browser,
    register_tables,
    table_data,
    table_rows,
    table_slot,
)
from dashboard.first_steps import empty_workspace, unknown_athlete
from dashboard.tables import adherence_table, category_dose_table
from dashboard.theme import by_scheme
from pipeline.adherence import Thresholds
from pipeline.drills import drills
from pipeline.log_changes import unnamed_drills

TITLE = "Balance"
LIVE: dict[str, Any] = {"aria-live": "polite"}
NUMBER = {
    "type": "rightAligned",
    "width": 92,
    "valueFormatter": {"function": "plainNumber(params.value)"},
    "comparator": {"function": "byNumber"},
}


def _choice(*values: str) -> dict[str, Any]:
    return {"cellEditor": "agSelectCellEditor", "cellEditorParams": {"values": ["", *values]}, "width": 92}


COLUMNS: list[dict[str, Any]] = [
    {"field": "date", "headerName": "Date", "width": 128, "sort": "desc"},
    {
        "field": "drill",
        "headerName": "Drill",
        "flex": 2,
        "minWidth": 190,
        "cellEditor": {"function": "DrillEditor"},
    },
    {"field": "minutes", "headerName": "Minutes", **NUMBER},
    {
        "field": "problem",
        "headerName": "Not saved, since",
        "editable": False,
        "hide": True,
        "wrapText": True,
        "autoHeight": True,
        "width": 260,
        "cellClass": "problem",
    },
    {"field": "sets", "headerName": "Sets", **NUMBER},
    {"field": "reps", "headerName": "Reps a set", **NUMBER},
    {"field": "hold_s", "headerName": "Hold, s", **NUMBER},
    {"field": "side", "headerName": "Side", **_choice("both", "left", "right")},
    {"field": "surface", "headerName": "Surface", "width": 110},
    {"field": "eyes", "headerName": "Eyes", **_choice("open", "closed")},
    {"field": "clean_sets", "headerName": "Clean sets", **NUMBER},
    {"field": "wobbles", "headerName": "Wobbles", **NUMBER},
    {"field": "rpe", "headerName": "Exertion, 0 to 10", **NUMBER},
    {"field": "category", "headerName": "Category", "editable": False, "minWidth": 150, "flex": 1},
    {"field": "note", "headerName": "Note", "flex": 2, "minWidth": 140, "tooltipField": "note"},
    {
        "field": "remove",
        "headerName": "Delete",
        "editable": False,
        "sortable": False,
        "cellRenderer": "DeleteButton",
        "width": 78,
        "pinned": "right",
    },
]
FIELDS = [column["field"] for column in COLUMNS if column["field"] not in ("problem", "remove")]


def layout(athlete_id: str) -> html.Div:
    """The page without data."""
    calendar = card(
        "Month by month",
        html.Div(
            [
                dcc.Link("Earlier", id="balance-earlier", href="#", className="button"),
                html.Strong(id="balance-month", **LIVE),
                dcc.Link("Later", id="balance-later", href="#", className="button"),
            ],
            className="months",
        ),
        html.Div(id="balance-calendar"),
        sub="Minutes of each day. Press a day to add an exercise to it.",
    )
    weeks = card(
        "Beside the plan",
        table_slot("balance-weeks", "Weeks beside the plan"),
        sub="Each week against the plan of the athlete: sessions, rest, minutes, progress, clean sets.",
    )
    parts = card(
        "What still counts, by category",
        figure_box(
            "balance-dose",
            "Decayed dose of balance work by category",
            dose.HEIGHT_PX,
            {"CSV": data_url("category-dose", athlete=athlete_id)},
        ),
        sub="Minutes a week up to the day before, of which half still counts after the half-life of the "
        "settings. The answer takes the upper edge, all of them together. What was done before the log began "
        "is unknown and not in it.",
    )
    return html.Div(
        [
            dcc.Store(id="balance-athlete", data=athlete_id),
            dcc.Store(id="balance-changed", data=""),
            *(dcc.Store(id=f"balance-{name}") for name in ("rows", "proposals", "unnamed")),
            html.Div(id="balance-head"),
            html.Div(
                [
                    html.Section(id="balance-proposals-card", className="card", hidden=True),
                    html.Section(id="balance-unnamed-card", className="card", hidden=True),
                    html.Div([calendar, html.Div(weeks, id="balance-weeks-card")], className="pair even"),
                    html.Div(parts, id="balance-dose-card"),
                    card("The log", *_log(), sub=_LOG_SUB),
                ],
                id="balance-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


_LOG_SUB = (
    "Every change is saved at once, and the answer is worked out again. Minutes are the whole time of an "
    "exercise, both sides together."
)


def _log() -> list[Any]:
    toolbar = html.Div(
        [
            html.Button("Add an exercise", id="balance-add", className="button"),
            html.Button("Undo", id="balance-undo", className="button", disabled=True),
            html.Button("Import CSV or XLSX", id="balance-import", className="button"),
            html.A("Template", href="/_log/template.csv", download="balance-log.csv", className="button"),
        ],
        className="steps wrap",
    )
    grid = dag.AgGrid(
        id="balance-grid",
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.session_id",
        className="ag-theme-quartz grid",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "editable": True,
            "cellDataType": False,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
            "cellClassRules": {"wrong": "isWrong(params)"},
        },
        dashGridOptions={
            "pagination": True,
            "paginationPageSize": 20,
            "paginationPageSizeSelector": [20, 50, 200],
            "domLayout": "autoHeight",
            "singleClickEdit": False,
            "stopEditingWhenCellsLoseFocus": True,
            "enterNavigatesVerticallyAfterEdit": False,
            "postSortRows": {"function": "draftsFirst(params)"},
            "localeText": {"noRowsToShow": "Nothing is logged yet."},
        },
        style={"height": None, "width": "100%"},
    )
    return [
        toolbar,
        html.P(id="balance-said", className="said", role="status"),
        html.Div(id="balance-result", className="scroll"),
        html.Datalist([html.Option(value=drill.name) for drill in drills()], id="balance-drills"),
        grid,
    ]


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace; changes go to dashboard.log_routes, by assets/balance.js."""
    register_tables(app, "balance-weeks", "balance-dose-table")

    @app.callback(
        output={
            "head": Output("balance-head", "children"),
            "hidden": Output("balance-body", "hidden"),
            "weeks": Output(table_rows("balance-weeks"), "data"),
            "weeks_hidden": Output("balance-weeks-card", "hidden"),
            "dose": Output("balance-dose", "figure"),
            "dose_table": Output(table_rows("balance-dose-table"), "data"),
            "dose_hidden": Output("balance-dose-card", "hidden"),
            "rows": Output("balance-rows", "data"),
            "proposals": Output("balance-proposals", "data"),
            "unnamed": Output("balance-unnamed", "data"),
        },
        inputs={
            "athlete_id": Input("balance-athlete", "data"),
            "changed": Input("balance-changed", "data"),
            "scheme": Input("colours", "data"),
        },
    )
    def fill(athlete_id: str | None, changed: str | None, scheme: str | None) -> dict[str, Any]:
        return _contents(workspace, athlete_id or "", scheme)

    @app.callback(
        Output("balance-calendar", "children"),
        Output("balance-month", "children"),
        Output("balance-earlier", "href"),
        Output("balance-later", "href"),
        Input("balance-athlete", "data"),
        Input("balance-changed", "data"),
        Input("url", "search"),
    )
    def show_month(
        athlete_id: str | None, changed: str | None, search: str | None
    ) -> tuple[Any, str, str, str]:
        today = _today()
        first = month_of(search, today)
        sessions = workspace.load_balance_sessions(athlete_id or "")
        here = balance_url(athlete_id or "")
        return (
            month_table(sessions, first, today),
            f"{first:%B %Y}",
            f"{here}?month={previous_month(first):%Y-%m}",
            f"{here}?month={next_month(first):%Y-%m}",
        )

    in_browser(
        app,
        "fitLog",
        Output("balance-grid", "columnDefs"),
        Input("balance-grid", "id"),
        State("balance-grid", "columnDefs"),
    )
    in_browser(
        app,
        "showLog",
        Output("balance-grid", "rowData"),
        Input("balance-rows", "data"),
        State("balance-athlete", "data"),
    )
    in_browser(app, "saveCell", Input("balance-grid", "cellValueChanged"), prevent_initial_call=True)
    in_browser(app, "showProposals", Input("balance-proposals", "data"))
    in_browser(app, "showUnnamed", Input("balance-unnamed", "data"))


def _today() -> date:
    return datetime.now().astimezone().date()


def _contents(workspace: queries.Workspace, athlete_id: str, scheme: str | None) -> dict[str, Any]:
    athletes = workspace.athletes()
    if athlete_id not in athletes:
        head = unknown_athlete(athlete_id, athletes) if athletes else empty_workspace()
        nothing = dict.fromkeys(("weeks", "dose_table", "rows", "proposals", "unnamed"))
        hidden = dict.fromkeys(("hidden", "weeks_hidden", "dose_hidden"), True)
        return {"head": head, "dose": EMPTY_FIGURE, **hidden, **nothing}
    sessions = workspace.load_balance_sessions(athlete_id)
    weeks = workspace.load_adherence(athlete_id)
    parts = queries.dose_by_category(workspace, athlete_id)
    return {
        "head": _head(athlete_id, sessions, weeks, workspace.load_settings_of(athlete_id)),
        "hidden": False,
        "weeks": table_data(adherence_table(weeks)),
        "weeks_hidden": weeks.is_empty(),
        "dose": dose.dose_by_category(parts, by_scheme(scheme)),
        "dose_table": table_data(category_dose_table(parts)),
        "dose_hidden": parts.is_empty(),
        "rows": grid_rows(sessions),
        "proposals": _proposals(workspace, athlete_id),
        "unnamed": [
            {
                "drill": row["drill"],
                "said": f"{words.count(row['entries'], 'entry', 'entries')}, "
                f"{words.number(row['minutes'], 'min')}, last on {words.day(row['last'])}",
            }
            for row in unnamed_drills(sessions).iter_rows(named=True)
        ],
    }


def grid_rows(sessions: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per logged exercise as the grid shows it."""
    return sessions.select("session_id", pl.col("date").dt.to_string("iso"), *FIELDS[1:]).to_dicts()


def _proposals(workspace: queries.Workspace, athlete_id: str) -> list[dict[str, str]]:
    return [
        {
            "session_id": row["session_id"],
            "drill": row["drill"],
            "said": f"{words.day(row['date'])}, {row['category']}, {words.number(row['minutes'], 'min', 1)}, "
            f"{words.count(row['sets'], 'set')}, from {row['source_name']}",
        }
        for row in workspace.load_proposed_sessions(athlete_id).iter_rows(named=True)
    ]


def _head(athlete_id: str, sessions: pl.DataFrame, weeks: pl.DataFrame, plan: Thresholds) -> html.Div:
    if weeks.is_empty():
        title = "Nothing that counts is logged yet."
        facts: list[Any] = [
            "Press a day, add an exercise, or import a log. The plan of the training advice: "
            f"{plan.sessions_min:g} to {plan.sessions_max:g} sessions a week, at first of "
            f"{plan.first_minutes_min:g} to {plan.first_minutes_max:g} minutes."
        ]
    else:
        row = weeks.row(-1, named=True)
        title = row["next_step"]
        first, last = sessions["date"][0], sessions["date"][-1]
        facts = [
            f"This week: {words.count(row['n_sessions'], 'session')}, {words.number(row['minutes'], 'min')}. "
            f"The log holds {words.count(sessions.height, 'exercise')} on "
            f"{words.count(sessions['date'].n_unique(), 'day')} from {words.day(first)} to ",
            dcc.Link(words.day(last), href=f"{balance_url(athlete_id)}?month={last:%Y-%m}"),
            ".",
        ]
    return html.Div(
        [
            html.P(athlete_id, className="eyebrow"),
            html.H1(title),
            html.P(facts, className="lede"),
        ],
        className="head",
    )
