"""What a coach asks the server to change of groups: the one thing that may be said of another's athlete.

Where people sign in a group is the account's own, else the workspace's (docs/decisions/0024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import polars as pl
from flask import Blueprint, Response, jsonify, request

from dashboard import queries
from dashboard.hosting import Hosting, viewer
from dashboard.writing import Answer, body_of, say, text_of, write
from pipeline.errors import SurefootError
from pipeline.groups import read_names, write_names


def group_routes(workspace: queries.Workspace, hosting: Hosting | None) -> Blueprint:
    """`/_settings/groups`: the groups of an athlete, as a text with commas."""
    routes = Blueprint("groups", __name__, url_prefix="/_settings")

    @routes.post("/groups")
    def change() -> Response:
        text = text_of(body_of({"value"}).get("value"))
        if hosting is None:
            return write(
                workspace.path,
                lambda writing, athlete_id: _changed(
                    writing.load_groups(athlete_id), partial(writing.save_groups, athlete_id), text
                ),
            )
        book, account, athlete_id = hosting.book, viewer().name, request.args["athlete"]
        try:
            groups = book.load_groups(account).filter(athlete_id=athlete_id)
            return jsonify(_changed(groups, partial(book.save_groups, account, athlete_id), text))
        except SurefootError as error:
            return say(str(error), 409)

    return routes


def _changed(groups: pl.DataFrame, save: Callable[[Sequence[str]], None], text: str) -> Answer:
    names = read_names(text)
    save(names)
    return {"value": write_names(names), "undo": write_names(groups["name"])}
