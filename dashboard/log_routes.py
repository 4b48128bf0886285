"""What the page Balance asks the server to change. Routes answer in JSON: what was done, or what is wrong.

400 is a request that this page does not send, 404 an unknown athlete, 409 cannot be done for the reason
given, 503 can be done later, since another process is writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from flask import Blueprint, Response, abort, request

from dashboard import words
from dashboard.writing import Answer, body_of, text_of, write
from pipeline.ingest.balance_log import RowError, balance_log_template, parse_balance_log
from pipeline.log_changes import (
    COLUMNS,
    Change,
    change_log,
    decide_proposals,
    name_drill,
    take_in_log,
)
from pipeline.tables import ProposedSessions
from pipeline.workspace import Workspace

MAX_LOG_BYTES = 20_000_000
MAX_AT_ONCE = 1000
_ERRORS_SHOWN = 200


def log_routes(path: Path) -> Blueprint:
    """The routes over the workspace at `path`."""
    routes = Blueprint("log", __name__, url_prefix="/_log")

    @routes.get("/template.csv")
    def template() -> Response:
        sent = Response(balance_log_template(), mimetype="text/csv")
        sent.headers["Content-Disposition"] = "attachment; filename=balance-log.csv"
        return sent

    @routes.post("/change")
    def change() -> Response:
        wanted = _change(body_of({"remove", "put"}))
        return write(path, lambda workspace, athlete: _changed(workspace, athlete, wanted))

    @routes.post("/import")
    def take_in() -> Response:
        request.max_content_length = MAX_LOG_BYTES
        name, dates = request.args.get("name", "log")[:200], request.args.get("dates", "")
        if dates not in ("", "dmy", "mdy"):
            abort(400)
        content = request.get_data()
        return write(path, lambda workspace, athlete: _taken_in(workspace, athlete, name, content, dates))

    @routes.post("/proposals")
    def decide() -> Response:
        body = body_of({"session_ids", "status"})
        ids, status = _ids(body.get("session_ids")), body.get("status")
        if status not in ("accepted", "declined"):
            abort(400)
        return write(path, lambda workspace, athlete: _decided(workspace, athlete, ids, str(status)))

    @routes.post("/name")
    def name() -> Response:
        body = body_of({"logged", "drill"})
        logged, drill = text_of(body.get("logged")), text_of(body.get("drill"))
        return write(path, lambda workspace, athlete: _named(workspace, athlete, logged, drill))

    return routes


def _changed(workspace: Workspace, athlete_id: str, change: Change) -> Answer:
    done = change_log(workspace, athlete_id, change)
    if done.errors:
        return {"errors": _errors(done.errors)}
    return {"undo": {"remove": list(done.undo.remove), "put": [dict(texts) for texts in done.undo.put]}}


def _taken_in(workspace: Workspace, athlete_id: str, name: str, content: bytes, dates: str) -> Answer:
    log = parse_balance_log(name, content, athlete_id, dates=dates)
    taken = take_in_log(workspace, athlete_id, log)
    errors, ignored = log.errors, log.ignored_columns
    said = (
        f"{name}: {words.count(taken.new, 'new session')}, {taken.updated} updated, {taken.unchanged} "
        f"already there, {words.count(len({error.line for error in errors}), 'row')} left out."
    )
    if ignored:
        said += f" Not used: {', '.join(ignored)}."
    if log.doubled is not None:
        said += (
            f" Minutes per side were doubled in {words.count(log.doubled, 'row')}; in the others one side "
        )
        said += "is named or the drill has none."
    is_unclear = any(error.is_ambiguous_date for error in errors)
    return {
        "said": said,
        "errors": _errors(errors[:_ERRORS_SHOWN]),
        "more": max(len(errors) - _ERRORS_SHOWN, 0),
        "ask": "dates" if is_unclear and not dates else "",
    }


def _errors(errors: Sequence[RowError]) -> list[Answer]:
    return [{"line": e.line, "column": e.column, "message": e.message} for e in errors]


def _decided(workspace: Workspace, athlete_id: str, session_ids: tuple[str, ...], status: str) -> Answer:
    chosen = workspace.load_proposed_sessions(athlete_id).filter(pl.col("session_id").is_in(session_ids))
    left = decide_proposals(workspace, athlete_id, ProposedSessions.cast(chosen), status)
    reasons = [
        f"{row['drill']} of {words.day(row['date'])} is left: {left[row['session_id']]}."
        for row in chosen.iter_rows(named=True)
        if row["session_id"] in left
    ]
    return {"said": " ".join([f"{words.count(len(chosen) - len(left), 'exercise')} {status}.", *reasons])}


def _named(workspace: Workspace, athlete_id: str, logged: str, meant: str) -> Answer:
    drill = name_drill(workspace, athlete_id, logged, meant)
    counts = "counts" if drill.counts else "does not count"
    return {"said": f"“{logged}” is {drill.name} ({drill.category}) from now on, which {counts}."}


def _change(body: dict[str, Any]) -> Change:
    put = body.get("put", [])
    if not isinstance(put, list) or len(put) > MAX_AT_ONCE:
        abort(400)
    return Change(_ids(body.get("remove", [])), tuple(_texts(row) for row in put))


def _ids(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > MAX_AT_ONCE:
        abort(400)
    return tuple(text_of(value) for value in given)


def _texts(row: Any) -> dict[str, str]:
    if not isinstance(row, dict) or not set(row) <= {"session_id", *COLUMNS}:
        abort(400)
    return {column: text_of(value) for column, value in row.items()}
