"""The pages before the dashboard, which need no script: signing in and out, a password by one-time code."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template_string, request

from dashboard import theme
from dashboard.hosting import Hosting, now
from dashboard.words import sentence_case
from pipeline import accounts
from pipeline.accounts import MIN_PASSWORD, Refused, TooOften
from pipeline.errors import SurefootError

MAX_FIELD = 1200
_TOLD = {
    "away": "That did not work: sign in again, or with name and password.",
    "unknown": "Nobody here has an account for that: ask who runs this Surefoot for one.",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Surefoot</title><link rel="icon" href="/_favicon.ico">
<link rel="stylesheet" href="/assets/app.css">
<style>{{ colours|safe }}</style></head>
<body class="before"><main class="notice">
<p class="brand"><span class="logo"></span>Surefoot</p>
<h1>{{ title }}</h1>
{% if said %}<p class="said bad" role="alert">{{ said }}</p>{% endif %}
<form method="post" class="card stack">
{% for field in fields %}<label class="asked">{{ field.label }}
<input class="text" name="{{ field.name }}" type="{{ field.type }}" autocomplete="{{ field.fill }}"
 value="{{ field.value }}" maxlength="{{ most }}" required{% if loop.first %} autofocus{% endif %}></label>
{% endfor %}<button class="button">{{ title }}</button>
</form>
{% for href, text in links %}<p class="small"><a href="{{ href }}">{{ text }}</a></p>{% endfor %}
</main></body></html>"""


def sign_in_routes(hosting: Hosting, provider: str = "") -> Blueprint:
    """`/sign-in`, `/sign-out`, `/set-password`; `provider` is the host of OpenID Connect, if there is one."""
    routes = Blueprint("sign_in", __name__)
    book = hosting.book
    to_code = ("/set-password", "Set a password with a one-time code")
    elsewhere = [("/openid/start", f"Sign in with {provider}")] if provider else []

    def ask(said: str = "", status: int = 200) -> Response:
        fields = [
            _field("name", "Name", "username", request.form.get("name", "")),
            _field("password", "Password", "current-password"),
        ]
        return _page("Sign in", fields, [*elsewhere, to_code], said, status)

    @routes.get("/sign-in")
    def form() -> Response:
        return ask(_TOLD.get(request.args.get("told", ""), ""))

    @routes.post("/sign-in")
    def sign_in() -> Response:
        name, password = (request.form.get(field, "")[:MAX_FIELD] for field in ("name", "password"))
        try:
            token = accounts.sign_in(book, name, password, request.remote_addr or "", now=now())
        except (Refused, TooOften) as error:
            return ask(sentence_case(str(error)), 429 if isinstance(error, TooOften) else 403)
        return with_session(hosting, token, request.args.get("next", "/"))

    @routes.post("/sign-out")
    def sign_out() -> Any:
        token = accounts.sha256(request.cookies.get(hosting.cookie, ""))
        session = book.find_session(token)
        book.end_session(token)
        if session is not None:
            book.note(now(), session["account"], "signed out")
        response = redirect("/sign-in", 303)
        response.delete_cookie(hosting.cookie, path="/", secure=hosting.is_secure, httponly=True)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def ask_code(said: str = "", status: int = 200) -> Response:
        fields = [
            _field("name", "Name", "username", request.form.get("name", "")),
            _field("code", "One-time code", "one-time-code"),
            _field("password", f"New password, {MIN_PASSWORD} characters or more", "new-password"),
        ]
        return _page("Set a password", fields, [("/sign-in", "Sign in with the one you have")], said, status)

    @routes.get("/set-password")
    def code_form() -> Response:
        return ask_code()

    @routes.post("/set-password")
    def set_password() -> Response:
        names = ("name", "code", "password")
        name, code, password = (request.form.get(field, "")[:MAX_FIELD] for field in names)
        address = request.remote_addr or ""
        try:
            accounts.take_password_code(book, name, code, password, address, now=now())
            token = accounts.sign_in(book, name, password, address, now=now())
        except SurefootError as error:
            return ask_code(sentence_case(str(error)), 429 if isinstance(error, TooOften) else 403)
        return with_session(hosting, token, "/")

    return routes


def with_session(hosting: Hosting, token: str, wanted: str) -> Response:
    """On to a page of this site, signed in; to the start where `wanted` is none."""
    is_here = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return keep_token(hosting, make_response(redirect(wanted if is_here else "/", 303)), token)


def keep_token(hosting: Hosting, response: Response, token: str) -> Response:
    """Let the browser keep a session's token, out of reach of scripts and of other sites."""
    response.set_cookie(
        hosting.cookie,
        token,
        max_age=accounts.SESSION_LIFE,
        path="/",
        secure=hosting.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _field(name: str, label: str, fill: str, value: str = "") -> dict[str, str]:
    kind = "password" if "password" in name else "text"
    return {"name": name, "label": label, "fill": fill, "value": value, "type": kind}


def _page(
    title: str, fields: list[dict[str, str]], links: list[tuple[str, str]], said: str, status: int
) -> Response:
    page = render_template_string(
        _PAGE,
        title=title,
        fields=fields,
        links=links,
        said=said,
        most=MAX_FIELD,
        colours=theme.css_by_device(),
    )
    return make_response(page, status)
