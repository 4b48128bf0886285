"""Recordings from this machine into the workspace: files, folders and archives, of any size."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import Dash, Input, Output, dcc, html

from dashboard import queries
from dashboard.components import card, in_browser, named

TITLE = "Upload"
_SUB = (
    "FIT, GPX and TCX, alone, in folders or in archives (zip, gz), such as the export of a whole account. "
    "Your files stay as they are; the workspace keeps a compressed copy of each run."
)
_DROP: dict[str, Any] = {"data-drop": "upload"}


def layout(athlete_id: str = "") -> html.Div:
    """The page; assets/upload.js does the rest with dashboard.upload_routes."""
    choose = html.Div(
        [
            html.P("Drop files, folders or archives here", className="drop-words"),
            html.Div(
                [
                    html.Button("Choose files", id="upload-files", className="button"),
                    html.Button("Choose a folder", id="upload-folder", className="button"),
                ],
                className="steps wrap",
            ),
        ],
        id="upload-drop",
        className="drop",
        **_DROP,
    )
    return html.Div(
        [
            dcc.Store(id="upload-athlete", data=athlete_id),
            html.Div(id="upload-mounted", hidden=True),
            html.Div(
                [
                    html.P(athlete_id, className="eyebrow") if athlete_id else None,
                    html.H1("Upload recordings"),
                    html.P(
                        "They are read on this machine, by a process of its own: you may close this page "
                        "once all of them have arrived.",
                        className="lede",
                    ),
                ],
                className="head",
            ),
            card(
                "New recordings",
                html.Label(
                    ["Whose are they? A short name: ", html.Span(id="upload-name-slot")], className="asked"
                ),
                html.Datalist(id="upload-names"),
                choose,
                html.P(id="upload-said", className="said", role="status"),
                html.Div(
                    id="upload-progress", className="scroll", role="region", tabIndex="0", **named("Files")
                ),
                sub=_SUB,
            ),
            html.Div(id="upload-jobs", className="stack"),
            html.Div(id="upload-all"),
        ],
        className="stack",
    )


def _all_data(athlete_id: str) -> html.Section:
    """The athlete's archive to take away."""
    address = f"/_archive/athlete.zip?{urlencode({'athlete': athlete_id})}"
    return card(
        "All data in one file",
        html.A("Download the archive", href=address, download="", className="button"),
        sub="Recordings, log, marks, plans and every table, readable by other programs too. Uploaded into a "
        "workspace that knows nobody of that name, it is all back. For a year of runs it takes some seconds "
        "until the download begins.",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Hand the page over to assets/upload.js; known names are suggested, and have an archive to take away."""

    @app.callback(
        Output("upload-all", "children"),
        Output("upload-names", "children"),
        Input("upload-athlete", "data"),
    )
    def offer(athlete_id: str | None) -> tuple[html.Section | None, list[html.Option]]:
        athletes = workspace.athletes()
        known = _all_data(athlete_id) if athlete_id and athlete_id in athletes else None
        return known, [html.Option(value=name) for name in athletes]

    in_browser(app, "mountUpload", Output("upload-mounted", "children"), Input("upload-athlete", "data"))
