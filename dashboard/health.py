"""Whether the server can do its work, for what watches over it: `/healthz`."""

from __future__ import annotations

from flask import Blueprint, Response

from dashboard import queries
from pipeline.errors import SurefootError


def health_routes(workspace: queries.Workspace) -> Blueprint:
    """200 and `ok`, or 503 where the workspace cannot be read; no word of anybody."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def health() -> Response:
        try:
            workspace.find_job("")
        except SurefootError:
            return Response("the workspace cannot be read\n", status=503, mimetype="text/plain")
        return Response("ok\n", mimetype="text/plain")

    return routes
