"""What the page Settings asks the server to change, one thing at a time, and how far the work after it is."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from dashboard import queries
from dashboard.setting_words import work_on_answer
from dashboard.worker import Worker
from dashboard.writing import Answer, body_of, say, text_of, write
from pipeline.privacy import draw_zone
from pipeline.setting_changes import ask_again, change_settings, start_of
from pipeline.tiles import check_tiles
from pipeline.workspace import Workspace

AT_WORK = ("waiting", "running")


def setting_routes(workspace: queries.Workspace, *, may_lay_tiles: bool) -> Blueprint:
    """The routes over a workspace, which is opened to write for a moment where one writes to it.

    Tiles are everyone's: where people sign in, nobody lays them for the others.
    """
    routes = Blueprint("settings", __name__, url_prefix="/_settings")
    path, worker = workspace.path, Worker(workspace.path)

    @routes.post("/change")
    def change() -> Response:
        body = body_of({"key", "value"})
        key, value = text_of(body.get("key")), text_of(body.get("value"))
        return write(path, lambda writing, athlete: _changed(writing, athlete, key, value, worker))

    @routes.post("/tiles")
    def tiles() -> Response:
        template = text_of(body_of({"value"}).get("value"))
        if not may_lay_tiles:
            return say("who runs this server sets it: `surefoot settings tiles=ADDRESS`", 409)
        return write(path, lambda writing, _: _laid(writing, template))

    @routes.post("/zone")
    def hide() -> Response:
        body = body_of({"name", "radius_m", "run", "lat_deg", "lon_deg"})
        name, radius_m = text_of(body.get("name")), _number(body.get("radius_m"))
        run = None if body.get("run") is None else text_of(body["run"])
        place = None if run is not None else (_number(body.get("lat_deg")), _number(body.get("lon_deg")))
        return write(path, lambda writing, athlete: _hidden(writing, athlete, name, radius_m, run, place))

    @routes.post("/zone/<what>")
    def move(what: str) -> Response:
        zone_id = text_of(body_of({"zone"}).get("zone"))
        if what not in ("remove", "restore"):
            abort(404)
        removed_at = datetime.now(UTC) if what == "remove" else None
        said = "Taken back: runs near it are shown whole." if removed_at else "It hides again."

        def work(writing: Workspace, athlete_id: str) -> Answer:
            writing.move_zone(athlete_id, zone_id, removed_at)
            return {"said": said}

        return write(path, work)

    @routes.get("/work")
    def tell() -> Response:
        athlete_id = request.args.get("athlete", "")
        if athlete_id not in workspace.athletes():
            abort(404)
        work = work_on_answer(workspace, athlete_id)
        if work["is_open"]:
            worker.start()
        return jsonify(work)

    return routes


def _changed(workspace: Workspace, athlete_id: str, key: str, value: str, worker: Worker) -> Answer:
    changed = change_settings(workspace, athlete_id, {key: value})
    ask_again(workspace, changed.due)
    if changed.due:
        worker.start()
    written = {name: text for name, text, _ in changed.settings.with_docs()}
    return {"value": written[key], "undo": changed.undo[key], "is_due": bool(changed.due)}


def _laid(workspace: Workspace, template: str) -> Answer:
    before, template = workspace.load_tiles(), check_tiles(template)
    workspace.save_tiles(template)
    return {"value": template, "undo": before}


def _hidden(
    workspace: Workspace,
    athlete_id: str,
    name: str,
    radius_m: float,
    run: str | None,
    place: tuple[float, float] | None,
) -> Answer:
    lat, lon = place if place is not None else start_of(workspace, athlete_id, run or "")
    zone = draw_zone(athlete_id, name, lat, lon, radius_m)
    workspace.save_zone(zone)
    return {"zone": zone["zone_id"], "said": f"{zone['name']} hides from now on, in every view and export."}


def _number(value: Any) -> float:
    """What a person wrote into a field of numbers, as text or as a number that is one."""
    if isinstance(value, str):
        try:
            value = float(text_of(value).strip().replace(",", "."))
        except ValueError:
            value = math.nan  # said to be none by draw_zone, in words
    if isinstance(value, bool) or not isinstance(value, int | float):
        abort(400)
    return float(value)
