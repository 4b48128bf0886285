"""A line of JSON for each request, and for what goes wrong in the server; see pipeline.journal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, got_request_exception, request
from gunicorn.glogging import Logger

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


def _placed(level: str) -> Callable[..., None]:
    def log(self: Logger, message: object, *args: Any, **kwargs: Any) -> None:
        getattr(self.error_log, level)(message, *args, stacklevel=2, **kwargs)

    return log


class ServerLog(Logger):  # type: ignore[misc]
    """Gunicorn's own troubles in the same form: its words may hold the address of a visitor or of a page."""

    critical, error, warning = _placed("critical"), _placed("error"), _placed("warning")
    exception = _placed("exception")

    def setup(self, cfg: Any) -> None:
        """See gunicorn.glogging.Logger."""
        super().setup(cfg)
        self.error_log.handlers = [_Lines()]


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        where = f"{record.name}, {record.module}.{record.funcName}:{record.lineno}"
        journal.tell("server", level=record.levelname.lower(), where=where, error=error)
