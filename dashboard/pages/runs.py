"""All runs of one athlete as a table: what each gave, and why some do not count."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, State, dcc, html

from dashboard import queries, words
from dashboard.components import data_url, in_browser, run_url
from dashboard.first_steps import empty_workspace, no_runs, unknown_athlete

TITLE = "Runs"
ONE_DECIMAL = {"type": "rightAligned", "valueFormatter": {"function": "oneDecimal(params.value)"}}
WHOLE = {"type": "rightAligned", "valueFormatter": {"function": "whole(params.value)"}}
WORDS = {"flex": 4, "minWidth": 150, "wrapText": True, "autoHeight": True}


def _in_units(function: str) -> dict[str, Any]:
    """A number whose unit is the row's."""
    written = {"function": f"{function}(params.value, params.data.unit)"}
    return {"type": "rightAligned", "valueFormatter": written}


COLUMNS: list[dict[str, Any]] = [
    {
        "field": "day",
        "headerName": "Day",
        "cellRenderer": "RunLink",
        "comparator": {"function": "byDay"},
        "width": 108,
    },
    {"field": "technical", "headerName": "Technical ground, %", **ONE_DECIMAL, "width": 104},
    {"field": "smooth", "headerName": "Smooth ground, %", **ONE_DECIMAL},
    {"field": "technical_min", "headerName": "Technical minutes", **WHOLE, "width": 104},
    {"field": "distance", "headerName": "Distance", **_in_units("distance"), "width": 104},
    {"field": "pace", "headerName": "Pace", **_in_units("pace")},
    {"field": "quality", "headerName": "Cadence used, %", **WHOLE, "width": 104},
    {"field": "device", "headerName": "Device", **WORDS, "flex": 2, "minWidth": 116},
    {"field": "counts", "headerName": "Counts", **WORDS},
    {"field": "warnings", "headerName": "To know", "tooltipField": "warnings", **WORDS},
]


def layout(athlete_id: str) -> html.Div:
    """The page without data."""
    return html.Div(
        [
            dcc.Store(id="runs-athlete", data=athlete_id),
            html.Div(id="runs-head"),
            html.Div(
                dag.AgGrid(
                    id="runs-grid",
                    columnDefs=COLUMNS,
                    rowData=[],
                    getRowId="params.data.run_id",
                    className="ag-theme-quartz grid",
                    defaultColDef={
                        "sortable": True,
                        "filter": True,
                        "resizable": True,
                        "width": 92,
                        "wrapHeaderText": True,
                        "autoHeaderHeight": True,
                    },
                    dashGridOptions={
                        "pagination": True,
                        "paginationPageSize": 50,
                        "paginationPageSizeSelector": [50, 200],
                        "domLayout": "autoHeight",
                        "tooltipShowDelay": 300,
                        "suppressCellFocus": False,
                    },
                    style={"height": None, "width": "100%"},
                ),
                id="runs-body",
                hidden=True,
            ),
        ],
        className="stack",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace."""
    in_browser(
        app,
        "fitColumns",
        Output("runs-grid", "columnDefs"),
        Input("runs-grid", "id"),
        State("runs-grid", "columnDefs"),
    )

    @app.callback(
        Output("runs-head", "children"),
        Output("runs-grid", "rowData"),
        Output("runs-body", "hidden"),
        Input("runs-athlete", "data"),
    )
    def fill(athlete_id: str | None) -> tuple[Any, list[dict[str, Any]], bool]:
        athletes = workspace.athletes()
        if not athletes:
            return empty_workspace(), [], True
        if athlete_id is None or athlete_id not in athletes:
            return unknown_athlete(athlete_id or "", athletes), [], True
        rows = grid_rows(workspace, athlete_id)
        if not rows:
            return no_runs(athlete_id), [], True
        return _head(workspace, athlete_id), rows, False


def grid_rows(workspace: queries.Workspace, athlete_id: str) -> list[dict[str, Any]]:
    """One row per run, newest first, as the grid shows it."""

    units = queries.units_of(workspace, athlete_id)

    def rounded(value: float | None, factor: float, digits: int) -> float | None:
        return None if value is None else round(factor * value, digits)

    return [
        {
            "run_id": row["run_id"],
            "href": run_url(row["run_id"]),
            "day": words.day(row["local_date"]),
            "start": row["start_time"].isoformat(),
            "device": row["device"] or "unknown",
            "distance": rounded(units.along(row["distance_m"]), 1, 1),
            "pace": rounded(units.pace_s(row["distance_m"], row["moving_s"]), 1, 0),
            "unit": units.distance_unit,
            "technical_min": rounded(row["technical_min"], 1, 0),
            "technical": rounded(row["technical"], 100, 1),
            "smooth": rounded(row["smooth"], 100, 1),
            "quality": rounded(row["quality"], 100, 0),
            "counts": "yes" if row["counts"] else f"no: {row['counts_reason']}",
            "warnings": row["warnings"],
        }
        for row in queries.run_table(workspace, athlete_id).iter_rows(named=True)
    ]


def _head(workspace: queries.Workspace, athlete_id: str) -> html.Div:
    runs = workspace.load_runs(athlete_id)
    seen = workspace.counts(athlete_id)
    files = (
        f"Files seen: {seen['files']}, of which {seen['runs']} with runs, "
        f"{seen['duplicates']} recorded twice, {seen['skipped']} not a run and "
        f"{seen['rejected']} that could not be used."
    )
    rejected = workspace.load_rejected(athlete_id)
    listed = [
        html.Li([html.Strong(row["source_name"]), f": {row['reason']}. {words.sentence_case(row['advice'])}"])
        for row in rejected.head(50).iter_rows(named=True)
    ]
    details = (
        html.Details([html.Summary("Files that could not be used"), html.Ul(listed)]) if listed else None
    )
    return html.Div(
        [
            html.P(athlete_id, className="eyebrow"),
            html.H1(f"{words.count(runs.height, 'run')}, {int(runs['counts'].sum())} of them count"),
            html.P("Variability of cadence on each ground: lower is steadier. " + files, className="lede"),
            html.P(
                [
                    "Save: ",
                    html.A("CSV", href=data_url("runs", athlete=athlete_id), download="", className="save"),
                ],
                className="saves",
            ),
            details,
        ],
        className="head",
    )
