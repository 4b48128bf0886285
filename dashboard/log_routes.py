"""What the page Balance asks the server to change. Routes answer in JSON: what was done, or what is wrong.

400 is a request that this page does not send, 404 an unknown athlete, 409 cannot be done for the reason
given, 503 can be done later, since another process is writing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from flask import Blueprint, Response, abort, jsonify, request

from dashboard import words
from pipeline.errors import Busy, SurefootError
from pipeline.ingest.balance_log import RowError, UnclearDates, balance_log_template, parse_balance_log
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
MAX_TEXT = 2000
LOCK_WAIT_S = 2.0
_ERRORS_SHOWN = 200

Answer = dict[str, Any]


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
        wanted = _change(_body({"remove", "put"}))
        return _write(path, lambda workspace, athlete: _changed(workspace, athlete, wanted))

    @routes.post("/import")
    def take_in() -> Response:
        request.max_content_length = MAX_LOG_BYTES
        name, dates = request.args.get("name", "log")[:200], request.args.get("dates", "")
        if dates not in ("", "dmy", "mdy"):
            abort(400)
        content = request.get_data()
        return _write(path, lambda workspace, athlete: _taken_in(workspace, athlete, name, content, dates))

    @routes.post("/proposals")
    def decide() -> Response:
        body = _body({"session_ids", "status"})
        ids, status = _ids(body.get("session_ids")), body.get("status")
        if status not in ("accepted", "declined"):
            abort(400)
        return _write(path, lambda workspace, athlete: _decided(workspace, athlete, ids, str(status)))

    @routes.post("/name")
    def name() -> Response:
        body = _body({"logged", "drill"})
        logged, drill = _text(body.get("logged")), _text(body.get("drill"))
        return _write(path, lambda workspace, athlete: _named(workspace, athlete, logged, drill))

    return routes


def _write(path: Path, work: Callable[[Workspace, str], Answer]) -> Response:
    """Do the work as the one writer, or say why not."""
    athlete_id = request.args.get("athlete", "")
    try:
        with Workspace(path) as workspace, workspace.writer_lock(wait_s=LOCK_WAIT_S):
            if athlete_id not in workspace.athletes():
                return _say("there is no such athlete", 404)
            answer = work(workspace, athlete_id)
    except Busy as error:
        return _say(error.reason, 503)
    except UnclearDates as error:
        return _say(error.reason, 409, ask="dates")
    except SurefootError as error:
        return _say(str(error), 409)
    return jsonify(answer)


def _say(sentence: str, status: int, **more: str) -> Response:
    response = jsonify({"said": words.sentence_case(sentence), **more})
    response.status_code = status
    return response


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


def _body(keys: set[str]) -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not set(body) <= keys:
        abort(400)
    return body


def _change(body: dict[str, Any]) -> Change:
    put = body.get("put", [])
    if not isinstance(put, list) or len(put) > MAX_AT_ONCE:
        abort(400)
    return Change(_ids(body.get("remove", [])), tuple(_texts(row) for row in put))


def _ids(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > MAX_AT_ONCE:
        abort(400)
    return tuple(_text(value) for value in given)


def _texts(row: Any) -> dict[str, str]:
    if not isinstance(row, dict) or not set(row) <= {"session_id", *COLUMNS}:
        abort(400)
    return {column: _text(value) for column, value in row.items()}


def _text(value: Any) -> str:
    """A text of bounded length that is one: JSON can carry halves of characters, and zero bytes."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        abort(400)
    try:
        value.encode()
    except UnicodeEncodeError:
        abort(400)
    return value
