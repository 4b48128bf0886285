"""Gunicorn's own troubles as lines of JSON, as pipeline.journal writes them.

Not by it: the process that starts the workers loads this, and must not have loaded Polars, which would stop
in them.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger


def _placed(level: str) -> Callable[..., None]:
    def log(self: Logger, message: object, *args: Any, **kwargs: Any) -> None:
        getattr(self.error_log, level)(message, *args, stacklevel=2, **kwargs)

    return log


class ServerLog(Logger):  # type: ignore[misc]
    """Where in gunicorn it arose and what kind of error it is: its words may name a visitor or a page."""

    critical, error, warning = _placed("critical"), _placed("error"), _placed("warning")
    exception = _placed("exception")

    def setup(self, cfg: Any) -> None:
        """See gunicorn.glogging.Logger."""
        super().setup(cfg)
        self.error_log.handlers = [_Lines()]


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        where = f"{record.module}.{record.funcName}:{record.lineno}"
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        line = {
            "at": at,
            "event": "server",
            "level": record.levelname.lower(),
            "where": where,
            "error": error,
        }
        sys.stderr.write(f"{json.dumps(line)}\n")
        sys.stderr.flush()
