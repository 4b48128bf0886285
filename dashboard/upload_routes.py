"""Files of any size on their way to disk, piece by piece; then a process of its own reads them.

begin -> piece, piece, ... -> finish -> list, list, ... The size of a file on disk is how much of it has
arrived: where a piece is lost, or the page is loaded again, the browser asks and goes on from there.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from flask import Blueprint, Response, abort, jsonify, request

from dashboard import queries, words
from dashboard.hosting import Hosting, now, viewer
from dashboard.worker import Worker
from dashboard.writing import body_of, text_of
from pipeline.accounts import OverLimit, let_upload
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

PIECE_BYTES = 8 * 2**20
MAX_FILES = 20_000
MAX_TOTAL_BYTES = 32 * 2**30
MAX_LIST_BYTES = 8 * 2**20
MAX_NAME = 100
SPARE_BYTES = 200 * 2**20
JOBS_TOLD = 10
_COPY_BYTES = 2**18
_OPEN = ("uploading", "failed")


def upload_routes(
    workspace: queries.Workspace, whole: queries.Workspace, hosting: Hosting | None = None
) -> Blueprint:
    """The routes over a workspace, which is opened to write for a moment where one writes to it.

    What waits to be read is looked for in `whole`; with accounts there are limits for each.
    """
    routes = Blueprint("upload", __name__, url_prefix="/_upload")
    worker = Worker(workspace.path)

    def say(sentence: str, status: int) -> Response:
        response = jsonify({"said": words.sentence_case(sentence)})
        response.status_code = status
        return response

    @routes.errorhandler(SurefootError)
    def explain(error: SurefootError) -> Response:
        return say(str(error), 503)

    @routes.errorhandler(OverLimit)
    def refuse(error: OverLimit) -> Response:
        return say(str(error), 413)

    @routes.post("/begin")
    def begin() -> Response:
        request.max_content_length = MAX_LIST_BYTES
        athlete_id, files = _athlete(), _files(body_of({"files"}).get("files"))
        total = sum(size for _, size in files)
        if total > MAX_TOTAL_BYTES:
            return say(f"more than {_size(MAX_TOTAL_BYTES)} at once is too much: send it in parts", 413)
        for job in workspace.load_jobs(athlete_id).iter_rows(named=True):
            if job["state"] == "uploading" and json.loads(job["files"]) == [list(file) for file in files]:
                return jsonify({"job_id": job["job_id"], "received": _received(workspace, job)})
        # What is sent lies beside the copies and tracks that are made of it.
        needed, free = 2 * total + SPARE_BYTES, shutil.disk_usage(workspace.path).free
        if needed > free:
            return say(
                f"the disk of the workspace has {_size(free)} free and {_size(needed)} are needed: make "
                "room, or send fewer files",
                507,
            )
        job_id = secrets.token_hex(16)
        if hosting:
            let_upload(hosting.book, viewer().name, job_id, len(files), total, now=now())
        with Workspace(workspace.path) as writing:
            writing.add_job(athlete_id, job_id, files, datetime.now(UTC))
        return jsonify({"job_id": job_id, "received": [0] * len(files)})

    @routes.put("/<job_id>/<int:number>")
    def piece(job_id: str, number: int) -> Response:
        # A stream that ends exactly at its bound counts as longer: gunicorn does not say where it ends.
        request.max_content_length = PIECE_BYTES + 1
        job = _job(workspace, job_id)
        files = json.loads(job["files"])
        offset = request.args.get("offset", type=int)
        if number >= len(files) or offset is None or offset < 0:
            abort(400)
        if request.content_length is None:
            abort(411)
        if request.content_length > PIECE_BYTES:
            abort(413)
        if offset + request.content_length > files[number][1]:
            return say("the file is longer than was said", 400)
        if job["state"] != "uploading":
            return say("this upload is closed", 409)
        file = workspace.upload_folder(job["athlete_id"], job_id) / str(number)
        try:
            size, was_taken = _append(file, offset)
        except OSError as error:
            return say(f"the workspace cannot be written ({error.strerror}): make room on its disk", 507)
        response = jsonify({"received": size})
        response.status_code = 200 if was_taken else 409
        return response

    @routes.post("/<job_id>/finish")
    def finish(job_id: str) -> Response:
        job = _job(workspace, job_id)
        expected = [size for _, size in json.loads(job["files"])]
        if job["state"] == "uploading" and _received(workspace, job) != expected:
            return say("not all of the files has arrived", 409)
        with Workspace(workspace.path) as writing:
            # An empty file has no piece; a failed upload that has all its files may be tried again.
            for number, size in enumerate(expected):
                if not size:
                    (writing.upload_folder(job["athlete_id"], job_id) / str(number)).touch(mode=0o600)
            writing.move_job(job_id, _OPEN, state="waiting", reason="", attempts=0)
        worker.start()
        return jsonify({})

    @routes.post("/<job_id>/drop")
    def drop(job_id: str) -> Response:
        job = _job(workspace, job_id)
        with Workspace(workspace.path) as writing:
            if not writing.drop_job(job["athlete_id"], job_id, (*_OPEN, "done")):
                return say("it is being read just now", 409)
        return jsonify({})

    @routes.get("/list")
    def tell() -> Response:
        uploads = workspace.load_jobs(_athlete()).filter(pl.col("kind") == "upload")
        jobs = uploads.tail(JOBS_TOLD).reverse().to_dicts()
        if any(job["state"] in ("waiting", "running") for job in jobs):
            worker.start()
        return jsonify([_told(workspace, job) for job in jobs])

    worker.start_where_needed(whole)
    return routes


def _append(file: Path, offset: int) -> tuple[int, bool]:
    """Write the request's body at the end of the file, if that is at `offset`: its size, and whether it was.

    What a broken connection has brought stays: it is a part of the file all the same.
    """
    with file.open("ab", buffering=0) as target:
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.fstat(target.fileno()).st_size, False
        size = target.seek(0, os.SEEK_END)
        if size != offset:
            return size, False
        for part in iter(partial(request.stream.read, _COPY_BYTES), b""):
            size += target.write(part)
        return size, True


def _athlete() -> str:
    """The athlete of the address: a short name, known or new."""
    athlete_id = text_of(request.args.get("athlete"))
    if not athlete_id.strip() or len(athlete_id) > MAX_NAME or not athlete_id.isprintable():
        abort(400)
    return athlete_id


def _files(given: Any) -> list[tuple[str, int]]:
    """Names, which are only for people to read, and bytes."""
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_FILES:
        abort(400)
    for file in given:
        if not isinstance(file, list) or len(file) != 2 or type(file[1]) is not int or file[1] < 0:
            abort(400)
    return [(text_of(name), size) for name, size in given]


def _job(workspace: queries.Workspace, job_id: str) -> dict[str, Any]:
    job = workspace.find_job(job_id)
    return job if job is not None and job["kind"] == "upload" else abort(404)


def _received(workspace: queries.Workspace, job: dict[str, Any]) -> list[int]:
    """How much of each file has arrived."""
    folder = workspace.upload_folder(job["athlete_id"], job["job_id"])
    there = {entry.name: entry.stat().st_size for entry in folder.iterdir()} if folder.is_dir() else {}
    return [there.get(str(number), 0) for number in range(len(json.loads(job["files"])))]


def _told(workspace: queries.Workspace, job: dict[str, Any]) -> dict[str, Any]:
    """A job as the page shows it."""
    files = json.loads(job["files"])
    return {
        "job_id": job["job_id"],
        "state": job["state"],
        "begun": job["created_at"].isoformat(),
        "n_files": len(files),
        "names": [name for name, _ in files[:3]],
        "size": sum(size for _, size in files),
        "received": sum(_received(workspace, job)) if job["state"] == "uploading" else None,
        "progress": json.loads(job["progress"]),
        "result": json.loads(job["result"]),
        "reason": words.sentence_case(job["reason"]),
    }


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
