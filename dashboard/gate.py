"""One decision before everything else that a dashboard with accounts does: who asks, and whether they may.

Every id of a request comes from the client. Reading is safe by `visible`, which knows no other athletes; what
is decided here is whether anybody is signed in, that an athlete, a run or an upload which an address names is
one of theirs, and that a runner alone changes what is the runner's; of groups, which are a coach's own, that
the athlete is seen. A new route that changes something is closed to all until it names its athlete.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, g, redirect, request

from dashboard.hosting import Hosting, now, seen, viewer
from dashboard.writing import say
from pipeline.accounts import find_viewer
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

OPEN = ("/sign-in", "/set-password", "/healthz", "/_favicon.ico")
OPEN_BELOW = ("/assets/", "/_dash-component-suites/", "/openid/")
OF_THE_VIEWER = ("/_dash-update-component", "/sign-out")
OF_THE_VIEWER_BELOW = ("/_account/",)
OF_THE_VIEWER_ABOUT = ("/_settings/groups",)
LINKED_READ_BELOW = ("/_data/", "/_plan/", "/_log/", "/_upload/", "/_settings/")
SAFE = ("GET", "HEAD", "OPTIONS")


def gate(server: Flask, workspace: Workspace, hosting: Hosting) -> None:
    """Put the decision before all that the server does, and note what leaves it."""

    def decide() -> Any:
        if request.path in OPEN or request.path.startswith(OPEN_BELOW):
            return None
        token = request.cookies.get(hosting.cookie, "")
        found = find_viewer(hosting.book, token, now=now()) if token else None
        if found is None:
            return _ask_to_sign_in()
        g.viewer = found
        return _refuse_others(workspace)

    def note(response: Response) -> Response:
        is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
        if "viewer" in g and is_file and response.status_code == 200:
            whom = request.args.get("athlete", "")
            own = viewer().athlete_id
            hosting.book.note(now(), viewer().name, "exported", "" if whom == own else whom)
        return response

    server.before_request_funcs.setdefault(None, []).insert(1, decide)
    server.after_request_funcs.setdefault(None, []).append(note)


def _ask_to_sign_in() -> Any:
    wants_page = request.method in SAFE and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if wants_page and not request.path.startswith("/_"):
        wanted = request.full_path.rstrip("?")
        return redirect("/sign-in" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""), 303)
    return say("sign in first", 401)


def _refuse_others(workspace: Workspace) -> Any:
    """404 for what is of others, 403 for a change of what is seen but not the own."""
    path = request.path
    athletes = {*_named("athlete"), *_named("athlete_id")}
    for job_id in _named("job_id"):
        job = workspace.find_job(job_id)
        if job is None or job["athlete_id"] not in seen():
            abort(404)
        athletes.add(job["athlete_id"])
    for run_id in (*_named("run"), *_named("run_id")):
        try:
            athletes.add(workspace.load_run(run_id, seen())["athlete_id"])
        except SurefootError:
            abort(404)
    if not athletes <= seen():
        return say("there is no such athlete", 404)
    own = {viewer().athlete_id}
    if request.method in SAFE:
        is_let = athletes <= own or path.startswith(LINKED_READ_BELOW)
    elif path in OF_THE_VIEWER_ABOUT:
        is_let = bool(athletes)
    else:
        is_let = path in OF_THE_VIEWER or path.startswith(OF_THE_VIEWER_BELOW) or athletes == own
    return None if is_let else say("only the runner can do this, signed in as such", 403)


def _named(what: str) -> list[str]:
    """The values of that name in the address, its path or its query."""
    given = (request.view_args or {}).get(what)
    return [*request.args.getlist(what), *([str(given)] if given is not None else [])]
