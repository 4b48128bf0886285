"""What a hostile page or program may not do to a dashboard, on this machine or hosted.

Requests for another host's name (DNS rebinding) and from other sites are refused; bodies of callbacks are
checked against what this app registered before Dash sees them, so that a mutated one is a plain 400.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dash import Dash
from flask import Flask, Response, abort, request

from dashboard import plotly_js, queries
from dashboard.hosting import Hosting
from pipeline.errors import SurefootError
from pipeline.tiles import tile_host

HOSTS = ("127.0.0.1", "localhost")
MAX_BODY_BYTES = 1 << 20
MAX_TEXT = 2000
YEAR_S = 365 * 24 * 3600
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}


def protect(app: Dash, workspace: queries.Workspace, hosting: Hosting | None = None) -> None:
    """Put the checks before everything else the app's server does, and the headers on every answer."""
    server: Flask = app.server
    server.config["TRUSTED_HOSTS"] = [*HOSTS, *([hosting.host] if hosting else [])]
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    scripts = " ".join(app.csp_hashes())

    def check() -> None:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        _refuse_other_sites(hosting)
        if request.path == "/_dash-update-component":
            _check_callback(app)

    def dress(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        is_page = response.mimetype == "text/html"
        response.headers["Content-Security-Policy"] = _policy(
            scripts, _tile_host(workspace) if is_page else ""
        )
        if response.mimetype in ("text/html", "application/json"):
            response.headers["Cache-Control"] = "no-store"
        elif _never_changes() and response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        if hosting and hosting.is_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        return response

    server.before_request_funcs.setdefault(None, []).insert(0, check)
    server.after_request(dress)


def _never_changes() -> bool:
    """The file asked for has its version in its address: Dash adds a time to those that it names itself."""
    is_ours = request.path.startswith("/assets/")
    return is_ours and ("m" in request.args or request.path.endswith(plotly_js.FILE.name))


def _tile_host(workspace: queries.Workspace) -> str:
    """The one host that pictures may come from beside this one; none where that cannot be read."""
    try:
        return tile_host(tiles) if (tiles := workspace.load_tiles()) else ""
    except SurefootError:
        return ""


def _policy(scripts: str, tiles: str) -> str:
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {tiles}".rstrip(),
            "font-src 'self'",
            "worker-src blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _refuse_other_sites(hosting: Hosting | None) -> None:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        abort(403)
    if hosting is None:
        if origin is not None and urlsplit(origin).netloc != request.host:
            abort(403)
    elif origin != hosting.site and (origin is not None or site is None):
        # A cookie signs in here: what does not say where it comes from is no browser's request.
        abort(403)


def _check_callback(app: Dash) -> None:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        abort(400)
    callback = app.callback_map.get(body["output"])
    if callback is None or "callback" not in callback:
        abort(400)
    changed = body.get("changedPropIds", [])
    sound = (
        _outputs_match(body["output"], body.get("outputs"))
        and _values_match(body.get("inputs"), callback["inputs"])
        and _values_match(body.get("state", []), callback["state"])
        and isinstance(changed, list)
        and all(isinstance(name, str) for name in changed)
        and set(body) <= {"output", "outputs", "inputs", "state", "changedPropIds", "parsedChangedPropsIds"}
        and isinstance(body.get("parsedChangedPropsIds", []), list)
    )
    if not sound:
        abort(400)


def _outputs_match(output: str, given: Any) -> bool:
    """The outputs named one by one are those of the callback's key."""
    many = output.startswith("..")
    names = output.strip(".").split("...") if many else [output]
    listed = given if many else [given]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        return False
    return [f"{item.get('id')}.{item.get('property')}" for item in listed] == [
        name.split("@")[0] for name in names
    ]


def _values_match(given: Any, registered: list[dict[str, str]]) -> bool:
    """The same ids and properties in order; every value of this dashboard is a short text or nothing."""
    if not isinstance(given, list) or len(given) != len(registered):
        return False
    return all(
        isinstance(item, dict)
        and item.get("id") == spec["id"]
        and item.get("property") == spec["property"]
        and (item.get("value") is None or (isinstance(item["value"], str) and len(item["value"]) <= MAX_TEXT))
        for item, spec in zip(given, registered, strict=True)
    )
