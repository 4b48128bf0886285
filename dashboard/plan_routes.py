"""What the page Plan asks the server: draw a plan by lot and keep it, and its calendar."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from flask import Blueprint, Response, abort, request

from dashboard import queries, words
from dashboard.writing import Answer, body_of, text_of, write
from pipeline.plan import MAX_WEEKS, add_plan, draw_plan, write_csv, write_ics
from pipeline.workspace import Workspace

MAX_BLOCK_WEEKS = 26
CALENDARS = {"ics": (write_ics, "text/calendar"), "csv": (write_csv, "text/csv")}


def plan_routes(workspace: queries.Workspace) -> Blueprint:
    """The routes over a workspace, which is opened to write where one writes to it."""
    routes = Blueprint("plan", __name__, url_prefix="/_plan")

    @routes.post("/draw")
    def draw() -> Response:
        body = body_of({"block_weeks", "weeks", "start"})
        block_weeks = _number(body.get("block_weeks"), MAX_BLOCK_WEEKS)
        weeks = _number(body.get("weeks"), MAX_WEEKS)
        start = _day(text_of(body.get("start")))

        def work(writing: Workspace, athlete_id: str) -> Answer:
            drawn = draw_plan(
                athlete_id,
                block_weeks=block_weeks,
                weeks=weeks,
                start=start,
                drawn_at=datetime.now(UTC),
                seed=secrets.randbits(32),
            )
            writing.save_plans(athlete_id, add_plan(writing.load_plans(athlete_id), drawn))
            return {"said": f"Drawn by lot and kept: {weeks} weeks from {words.day(start)}."}

        return write(workspace.path, work)

    @routes.get("/calendar.<kind>")
    def calendar(kind: str) -> Response:
        if kind not in CALENDARS:
            abort(404)
        make, mimetype = CALENDARS[kind]
        start = _day(request.args.get("start", ""))
        plans = workspace.load_plans(request.args.get("athlete", "")).filter(pl.col("start") == start)
        if plans.is_empty():
            abort(404)
        sent = Response(make(plans.row(0, named=True)), mimetype=mimetype)
        sent.headers["Content-Disposition"] = f"attachment; filename=plan-{start}.{kind}"
        return sent

    return routes


def _number(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        abort(400)
    return int(value)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(400)
