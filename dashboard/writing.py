"""What routes that change a workspace share: whose, one at a time, and the answer in JSON.

400 is a request that the page does not send, 404 an unknown athlete, 409 cannot be done for the reason
given, 503 can be done later, since another process is writing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Response, abort, jsonify, request

from dashboard import words
from dashboard.guard import MAX_TEXT
from pipeline.errors import Busy, SurefootError
from pipeline.ingest.balance_log import UnclearDates
from pipeline.workspace import Workspace

LOCK_WAIT_S = 2.0

Answer = dict[str, Any]


def write(path: Path, work: Callable[[Workspace, str], Answer]) -> Response:
    """Do the work as the one writer, or say why not."""
    athlete_id = request.args.get("athlete", "")
    try:
        with Workspace(path) as workspace, workspace.writer_lock(wait_s=LOCK_WAIT_S):
            if athlete_id not in workspace.athletes():
                return say("there is no such athlete", 404)
            answer = work(workspace, athlete_id)
    except Busy as error:
        return say(error.reason, 503)
    except UnclearDates as error:
        return say(error.reason, 409, ask="dates")
    except SurefootError as error:
        return say(str(error), 409)
    return jsonify(answer)


def say(sentence: str, status: int, **more: str) -> Response:
    """An answer in JSON that is a sentence for people."""
    response = jsonify({"said": words.sentence_case(sentence), **more})
    response.status_code = status
    return response


def body_of(keys: set[str]) -> dict[str, Any]:
    """The JSON object of the request, which has no other keys."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not set(body) <= keys:
        abort(400)
    return body


def text_of(value: Any) -> str:
    """A text of bounded length that is one: JSON can carry halves of characters, and zero bytes."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        abort(400)
    try:
        value.encode()
    except UnicodeEncodeError:
        abort(400)
    return value
