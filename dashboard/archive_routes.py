"""All data of an athlete as one archive, which the page Upload or `surefoot unarchive` takes in elsewhere."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from flask import Blueprint, Response, abort, request

from dashboard import queries
from dashboard.writing import say
from pipeline.archive import save_archive
from pipeline.errors import SurefootError

PIECE_BYTES = 2**18


def archive_routes(workspace: queries.Workspace) -> Blueprint:
    """`/_archive/athlete.zip?athlete=ID`: written to a private folder first, then sent from the disk."""
    routes = Blueprint("archive", __name__, url_prefix="/_archive")
    at_work = threading.Lock()

    @routes.get("/athlete.zip")
    def archive() -> Response:
        athlete_id = request.args.get("athlete", "")
        if athlete_id not in workspace.athletes():
            abort(404)
        if not at_work.acquire(blocking=False):
            return say("another archive is being written: try again in a minute", 503)
        try:
            with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
                file = Path(place) / "athlete.zip"
                save_archive(workspace.path, athlete_id, file)
                # An open file outlives its name: nothing is left behind, however the sending ends.
                sent = Response(_pieces(file.open("rb")), mimetype="application/zip")
                sent.content_length = file.stat().st_size
        except SurefootError as error:
            return say(str(error), 503)
        finally:
            at_work.release()
        sent.headers["Content-Disposition"] = "attachment; filename=surefoot-athlete.zip"
        return sent

    return routes


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(partial(file.read, PIECE_BYTES), b"")
