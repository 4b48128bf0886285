"""What the page Account asks the server to change; whose account it is, the session says, not the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from dashboard.hosting import Hosting, now, viewer
from dashboard.sign_in import keep_token
from dashboard.writing import body_of, say, text_of
from pipeline import accounts
from pipeline.account_tables import ROLES
from pipeline.accounts import Refused, TooOften
from pipeline.errors import SurefootError


def account_routes(hosting: Hosting) -> Blueprint:
    """`/_account/…` of everybody, and `/_account/admin/…` of admins."""
    routes = Blueprint("account", __name__, url_prefix="/_account")
    book = hosting.book

    @routes.errorhandler(SurefootError)
    def explain(error: SurefootError) -> Response:
        status = 429 if isinstance(error, TooOften) else 403 if isinstance(error, Refused) else 409
        return say(str(error), status)

    def texts(*names: str) -> list[str]:
        body = body_of(set(names))
        return [text_of(body.get(name)) for name in names]

    @routes.post("/password")
    def change_password() -> Response:
        old, new = texts("old", "new")
        name = viewer().name
        accounts.check_password(new, name)
        accounts.prove(book, name, old, request.remote_addr or "", now=now())
        accounts.set_password(book, name, new, by=name, now=now())
        response = jsonify({"said": "The password is changed. You are signed out everywhere else."})
        return keep_token(hosting, response, accounts.begin_session(book, name, now()))

    @routes.post("/sessions")
    def end_sessions() -> Response:
        texts()
        book.end_sessions(viewer().name)
        book.note(now(), viewer().name, "sessions ended")
        return jsonify({"said": "Signed out everywhere.", "leave": True})

    @routes.post("/code")
    def make_code() -> Response:
        texts()
        if viewer().athlete_id is None:
            raise Refused("a code is made by a runner", "ask yours for one")
        code = accounts.make_code(book, "link", viewer().name, by=viewer().name, now=now())
        hours = accounts.LINK_LIFE.days * 24
        return jsonify({"said": f"Give {code} to your coach: it holds once, for {hours} hours."})

    @routes.post("/link")
    def link() -> Response:
        (code,) = texts("code")
        athlete_id = accounts.take_link_code(book, viewer(), code, request.remote_addr or "", now=now())
        return jsonify({"said": f"You see {athlete_id} from now on."})

    @routes.post("/unlink")
    def unlink() -> Response:
        athlete_id, account = texts("athlete", "account")
        accounts.unlink(book, viewer(), athlete_id, account, now=now())
        return jsonify({"said": f"{account} sees nothing of {athlete_id} any more."})

    @routes.post("/admin/<what>")
    def administer(what: str) -> Response:
        if viewer().role != "admin" or what not in _ADMIN:
            abort(404)
        return jsonify({"said": _ADMIN[what](hosting, texts)})

    return routes


Texts = Callable[..., list[str]]


def _add(hosting: Hosting, texts: Texts) -> str:
    name, role, athlete_id = texts("name", "role", "athlete")
    if role not in ROLES:
        abort(400)
    tidy = accounts.add_account(
        hosting.book, name, role, now=now(), athlete_id=athlete_id.strip() or None, by=viewer().name
    )
    return _code_for(hosting, tidy)


def _code(hosting: Hosting, texts: Texts) -> str:
    return _code_for(hosting, accounts.find_account(hosting.book, *texts("name"))["name"])


def _code_for(hosting: Hosting, name: str) -> str:
    code = accounts.make_code(hosting.book, "password", name, by=viewer().name, now=now())
    days = accounts.PASSWORD_LIFE.days
    return f"{name} sets a password at {hosting.site}/set-password with the code {code} within {days} days."


def _state(state: str, said: str) -> Callable[[Hosting, Texts], str]:
    def change(hosting: Hosting, texts: Texts) -> str:
        name = accounts.find_account(hosting.book, *texts("name"))["name"]
        if name == viewer().name:
            raise Refused("this is your own account", "let another admin do it")
        accounts.set_state(hosting.book, name, state, by=viewer().name, now=now())
        return f"{name} {said}."

    return change


_ADMIN: dict[str, Callable[[Hosting, Any], str]] = {
    "add": _add,
    "code": _code,
    "disable": _state("disabled", "is signed out and may not sign in"),
    "enable": _state("open", "may sign in again"),
}
