"""The data of every chart and table as CSV: full precision, units in the names, no position."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import polars as pl
from flask import Blueprint, Response, abort, request

from dashboard import like_for_like, queries
from dashboard.beside_answer import vary
from dashboard.roster import choose, roster_answer, roster_table, with_groups
from dashboard.setting_words import start_places

OF_ATHLETE: Mapping[str, Callable[[queries.Workspace, str], pl.DataFrame]] = {
    "answer": lambda workspace, athlete_id: workspace.load_effects(athlete_id),
    "trend": queries.trend_runs,
    "balance": queries.weekly_balance,
    "half-lives": vary,
    "dose": queries.dose_pairs,
    "residuals": lambda workspace, athlete_id: workspace.load_residuals(athlete_id),
    "category-dose": lambda workspace, athlete_id: workspace.load_dose_by_category(athlete_id),
    "runs": queries.run_table,
    "repeats": lambda workspace, athlete_id: workspace.load_repeats(athlete_id),
    "starts": lambda workspace, athlete_id: start_places(workspace, athlete_id).drop("run_id"),
    "designs": lambda workspace, athlete_id: queries.design_changes(queries.preview(workspace, athlete_id)),
}
OF_RUN: Mapping[str, Callable[[queries.Workspace, str], pl.DataFrame]] = {
    "profile": lambda workspace, run_id: workspace.load_track(run_id).drop("lat_deg", "lon_deg"),
    "variability": lambda workspace, run_id: queries.windowed_variability(workspace.load_track(run_id)),
    "track": lambda workspace, run_id: queries.local_positions(workspace.load_track(run_id)),
    "segments": lambda workspace, run_id: workspace.load_segments(run_id=run_id),
    "repeats": like_for_like.shared_by_run,
}


OF_ALL: Mapping[str, Callable[[queries.Workspace, Sequence[str]], pl.DataFrame]] = {
    "roster": lambda workspace, athletes: with_groups(
        roster_table(workspace, athletes, datetime.now().astimezone().date()), workspace.load_groups()
    ),
    "forest": lambda workspace, athletes: roster_answer(workspace, athletes)[0],
}


def data_routes(workspace: queries.Workspace) -> Blueprint:
    """`/_data/NAME.csv` of all, `?group=`, `?athlete=` and `?run=`; 404 where there is no such thing."""
    routes = Blueprint("data", __name__, url_prefix="/_data")

    @routes.get("/<name>.csv")
    def data(name: str) -> Response:
        run_id, athletes = request.args.get("run"), workspace.athletes()
        athlete_id = request.args.get("athlete") or next(iter(athletes), "")
        if name in OF_RUN and run_id is not None and queries.find_run(workspace, run_id) is not None:
            frame = OF_RUN[name](workspace, run_id)
        elif name in OF_ALL and (chosen := choose(workspace, request.args.get("group", ""))):
            frame = OF_ALL[name](workspace, chosen)
        elif run_id is None and name in OF_ATHLETE and athlete_id in athletes:
            frame = OF_ATHLETE[name](workspace, athlete_id)
        else:
            abort(404)
        sent = Response(frame.write_csv(), mimetype="text/csv")
        sent.headers["Content-Disposition"] = f"attachment; filename=surefoot-{name}.csv"
        return sent

    return routes
