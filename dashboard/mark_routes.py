"""What the page of a run asks the server to change: a stretch marked, a mark taken back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort

from dashboard.writing import Answer, body_of, text_of, write
from pipeline.batch import mark_stretch, unmark_stretch
from pipeline.tables import TERRAINS
from pipeline.workspace import Workspace


def mark_routes(path: Path) -> Blueprint:
    """The routes over the workspace at `path`."""
    routes = Blueprint("marks", __name__, url_prefix="/_marks")

    @routes.post("/add")
    def add() -> Response:
        body = body_of({"run", "start_m", "end_m", "terrain"})
        run_id, terrain = text_of(body.get("run")), text_of(body.get("terrain"))
        start_m, end_m = _metres(body.get("start_m")), _metres(body.get("end_m"))
        if terrain not in TERRAINS:
            abort(400)

        def work(workspace: Workspace, athlete_id: str) -> Answer:
            mark_stretch(workspace, athlete_id, run_id, start_m, end_m, terrain)
            return {"said": f"Marked as {terrain}, for every run over that place. The answer was made again."}

        return write(path, work)

    @routes.post("/undo")
    def undo() -> Response:
        mark_id = text_of(body_of({"mark"}).get("mark"))

        def work(workspace: Workspace, athlete_id: str) -> Answer:
            unmark_stretch(workspace, athlete_id, mark_id)
            return {"said": "Taken back: the place is judged by its features again."}

        return write(path, work)

    return routes


def _metres(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        abort(400)
    return float(value)
