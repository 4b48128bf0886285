"""The profile along a run, the whole of it or the part that the address asks for."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from dash import Dash, Input, Output, dcc, html

from dashboard import queries
from dashboard.charts import profile
from dashboard.components import EMPTY_FIGURE, card, data_url, figure_box, in_browser, terrain_key
from dashboard.theme import by_scheme

PART = r"(\d{1,5}(?:\.\d{1,4})?)-(\d{1,5}(?:\.\d{1,4})?)"
SHOWN = (
    "Shaded: technical ground. Seconds without usable running cadence are left out. Variability is drawn in "
    "20 s windows, here not adjusted for speed and grade. Point at the profile or at the track, and both "
    "show the place. Drag over a part of it to see it closer, second by second."
)
LIVE: dict[str, Any] = {"aria-live": "polite"}
NOT_RECORDED = {"altitude": "altitude", "cadence": "usable running cadence"}
TOO_LITTLE = "Nowhere 20 s of running on one ground, one after the other: no variability is drawn."


def profile_card(run_id: str) -> html.Section:
    """The card without data."""
    return card(
        "Along the run",
        html.P(id="run-not-drawn", className="small"),
        html.Div(
            [
                html.P(SHOWN, className="sub"),
                html.Div([terrain_key(), _part()], className="spread"),
                figure_box(
                    "run-profile",
                    "Altitude, cadence and cadence variability over distance",
                    profile.height_px(len(profile.AXES)),
                    {
                        "CSV by second": data_url("profile", run=run_id),
                        "CSV of variability": data_url("variability", run=run_id),
                    },
                ),
            ],
            id="run-drawn",
        ),
    )


def _part() -> html.Div:
    """Buttons that show another part of the profile; what dragging does is in assets/run.js as well."""
    texts = {
        "closer": "Closer",
        "wider": "Wider",
        "earlier": "Earlier",
        "later": "Later",
        "whole": "Whole run",
    }
    buttons = []
    for name, text in texts.items():
        of_part: dict[str, Any] = {"data-part": name}
        buttons.append(html.Button(text, className="save", **of_part))
    return html.Div(
        [dcc.Store(id="run-part-shown"), html.Span(id="run-part-said", **LIVE), *buttons],
        id="run-part",
        className="saves",
    )


def register_profile(app: Dash, workspace: queries.Workspace) -> None:
    """Draw the part that is asked for; which that is, assets/run.js writes into the address."""

    @app.callback(
        output={
            "figure": Output("run-profile", "figure"),
            "style": Output("run-profile", "style"),
            "hidden": Output("run-drawn", "hidden"),
            "not_drawn": Output("run-not-drawn", "children"),
            "part": Output("run-part-shown", "data"),
        },
        inputs={
            "run_id": Input("run-id", "data"),
            "scheme": Input("colours", "data"),
            "_changed": Input("run-changed", "data"),
            "search": Input("url", "search"),
        },
    )
    def draw_profile(
        run_id: str | None, scheme: str | None, _changed: str | None, search: str | None
    ) -> dict[str, Any]:
        return _profile(workspace, run_id or "", scheme, search)

    in_browser(app, "showPart", Output("run-part-said", "children"), Input("run-part-shown", "data"))


def _profile(
    workspace: queries.Workspace, run_id: str, scheme: str | None, search: str | None
) -> dict[str, Any]:
    """The profile of the part that the address asks for, and that part: from, to, end (km), unit."""
    run = queries.find_run(workspace, run_id)
    if run is None:
        return {"figure": EMPTY_FIGURE, "style": {}, "hidden": True, "not_drawn": "", "part": None}
    track = workspace.load_track(run_id)
    end = float(track["distance_m"].max() or 0.0) / 1000  # type: ignore[arg-type]
    part = part_of(search, end)
    windows = queries.windowed_variability(track)
    units = queries.units_of(workspace, run["athlete_id"])
    rows = profile.rows_of(track, windows)
    figure = profile.profile(track, windows, by_scheme(scheme), part_km=part, units=units)
    return {
        "figure": figure if rows else EMPTY_FIGURE,
        "style": {"height": profile.height_px(len(rows))},
        "hidden": not rows,
        # Of a run that a privacy zone hides the head of the page says so.
        "not_drawn": not_drawn(rows, has_distance=track["distance_m"].count() > 0) if len(track) else "",
        "part": [*(part or (0.0, end)), end, units.unit_m / 1000, units.distance_unit],
    }


def not_drawn(rows: list[str], *, has_distance: bool) -> str:
    """What a run lacks of its profile, in one sentence; empty where it has all of it."""
    if not has_distance:
        return "This recording has no distance to draw anything along."
    lacking = [NOT_RECORDED[name] for name in NOT_RECORDED if name not in rows]
    if lacking:
        return f"Not in this recording, and so not drawn: {' and '.join(lacking)}."
    return "" if "variability" in rows else TOO_LITTLE


def part_of(search: str | None, end_km: float) -> tuple[float, float] | None:
    """From where to where of a run of so many km an address asks for; None for all of it and for nonsense."""
    asked = re.fullmatch(PART, parse_qs((search or "").lstrip("?")).get("km", [""])[0])
    if asked is None:
        return None
    start, end = (float(km) for km in asked.groups())
    return (start, min(end, end_km)) if start < min(end, end_km) else None
