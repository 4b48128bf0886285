"""Lines of JSON on standard error for whoever runs a server, where SUREFOOT_LOG is `json`.

A line says what was done, how it went and how long it took: never an athlete, a file, a place, an address or
a path. That is why a line takes numbers and words of this code alone, and of an error its kind and the place
in this code where it arose, not its words.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

VARIABLE = "SUREFOOT_LOG"
_ROOT = Path(__file__).parents[1]


def is_kept() -> bool:
    """Whether lines are written."""
    return os.environ.get(VARIABLE) == "json"


def keep() -> None:
    """Write lines from here on, processes that are started included."""
    os.environ[VARIABLE] = "json"


def tell(event: str, **facts: int | float | str) -> None:
    """Write a line, if lines are written."""
    if is_kept():
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "event": event, **facts})
        # One write: lines of several processes do not mix.
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


@contextmanager
def timed(event: str) -> Iterator[dict[str, int | float | str]]:
    """Write a line with the facts that the block leaves, how long it took (ms), and the kind of its error."""
    facts: dict[str, int | float | str] = {}
    begun = time.perf_counter()
    try:
        yield facts
    except BaseException as error:
        facts |= place_of(error)
        raise
    finally:
        tell(event, **facts, ms=since_ms(begun))


def since_ms(begun: float) -> float:
    """Milliseconds since that reading of `time.perf_counter`."""
    return round(1000 * (time.perf_counter() - begun), 1)


def place_of(error: BaseException) -> dict[str, str]:
    """The kind of an error, and where in this code it arose."""
    return {"error": type(error).__name__, "where": _innermost(error.__traceback__)}


def _innermost(trace: TracebackType | None) -> str:
    files = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(trace)]
    own = [(file.relative_to(_ROOT), line) for file, line in files if file.is_relative_to(_ROOT)]
    places = [f"{file}:{line}" for file, line in own if file.parts[0] in ("pipeline", "dashboard")]
    return places[-1] if places else ""
