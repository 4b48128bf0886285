"""A line of JSON for each request, and for each mistake in answering one; see pipeline.journal."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, got_request_exception, request

from pipeline import journal

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def log_requests(server: Flask) -> None:
    """Let the server tell of each request: method, pattern of its address, status, time. Silences Flask."""
    server.logger.disabled = True
    got_request_exception.connect(_tell_error, server)

    def begin() -> None:
        g.begun = time.perf_counter()

    def end(response: Response) -> Response:
        journal.tell(
            "request",
            method=request.method if request.method in METHODS else "another",
            # The pattern, such as /run/<id>: the address itself names people and runs.
            route=request.url_rule.rule if request.url_rule else "",
            status=response.status_code,
            ms=journal.since_ms(g.begun) if "begun" in g else 0.0,
        )
        return response

    server.before_request_funcs.setdefault(None, []).insert(0, begin)
    # What is registered first is called last.
    server.after_request_funcs.setdefault(None, []).insert(0, end)


def _tell_error(_server: Flask, exception: BaseException, **_: Any) -> None:
    journal.tell("mistake", **journal.place_of(exception))
