"""Files on their way to disk in pieces, and what hostile requests get."""

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import upload_routes, worker
from dashboard.app import create_app
from pipeline.workspace import Workspace

HOST = {"Host": "127.0.0.1:8050"}
FILES = [["../../etc/passwd", 5], ["a/b.fit", 0]]
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty workspace."""
    Workspace(tmp_path / "w").close()
    return tmp_path / "w"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The workspaces for which a process would have been started; none is."""
    started: list[Path] = []

    class Ended:
        def poll(self) -> int:
            return 0

    monkeypatch.setattr(worker, "start_worker", lambda path: started.append(path) or Ended())
    return started


@pytest.fixture
def client(folder: Path, started: list[Path]) -> FlaskClient:
    """A browser that sees 500 as an answer."""
    app = create_app(folder)
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    client: FlaskClient = app.server.test_client()
    return client


def begin(client: FlaskClient, files: Any = FILES, athlete: str = "ada") -> Any:
    """Ask for an upload."""
    return client.post(
        "/_upload/begin", query_string={"athlete": athlete}, json={"files": files}, headers=HOST
    )


def put(client: FlaskClient, job: str, number: object, offset: object, content: bytes) -> Any:
    """Send a piece."""
    return client.put(f"/_upload/{job}/{number}?offset={offset}", data=content, headers=HOST)


def post(client: FlaskClient, job: str, what: str) -> Any:
    """Finish or drop an upload."""
    return client.post(f"/_upload/{job}/{what}", headers=HOST)


def told(client: FlaskClient) -> Any:
    """What the page is told of ada's uploads."""
    return client.get("/_upload/list?athlete=ada", headers=HOST).json


def test_pieces_become_the_file(client: FlaskClient, folder: Path, started: list[Path]) -> None:
    """Two pieces in order, an empty file, the end: the bytes lie under numbers, a process is asked for."""
    job = begin(client).json["job_id"]
    assert put(client, job, 0, 0, b"abc").json == {"received": 3}
    assert post(client, job, "finish").status_code == 409
    assert put(client, job, 0, 3, b"de").json == {"received": 5}
    assert post(client, job, "finish").status_code == 200
    there = {file.name: file.read_bytes() for file in folder.rglob("uploads/*/*/*")}
    assert there == {"0": b"abcde", "1": b""}
    assert not (folder.parent / "etc").exists()
    assert told(client)[0]["state"] == "waiting"
    assert started == [folder, folder]


def test_a_broken_upload_goes_on_where_it_stopped(client: FlaskClient) -> None:
    """The same files again are the same upload, with what has arrived; other files are another."""
    job = begin(client).json["job_id"]
    put(client, job, 0, 0, b"abc")
    assert begin(client).json == {"job_id": job, "received": [3, 0]}
    assert begin(client, [["x", 1]]).json["job_id"] != job
    assert begin(client, athlete="bob").json["job_id"] != job


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_a_piece_at_another_place_is_told_where_to_go_on(client: FlaskClient, offset: int) -> None:
    """A repeated or skipped piece changes nothing and is told the size that has arrived."""
    job = begin(client).json["job_id"]
    put(client, job, 0, 0, b"abc")
    answered = put(client, job, 0, offset, b"z")
    assert (answered.status_code, answered.json) == (409, {"received": 3})


@pytest.mark.parametrize(
    ("number", "offset", "content", "status"),
    [
        *((0, offset, b"x", 400) for offset in ("-1", "x", "", "1e3", 6, 9**30)),
        (0, 0, b"123456", 400),
        (1, 0, b"x", 400),
        (2, 0, b"x", 400),
        (10**30, 0, b"x", 400),
        ("0x", 0, b"x", 405),
        ("-1", 0, b"x", 405),
        ("..%2f0", 0, b"x", 405),
    ],
)
def test_pieces_of_nothing_are_refused(
    client: FlaskClient, number: object, offset: object, content: bytes, status: int
) -> None:
    """Wrong numbers, offsets and lengths are a clean 4xx."""
    job = begin(client).json["job_id"]
    assert put(client, job, number, offset, content).status_code == status


def test_a_piece_is_bounded(client: FlaskClient) -> None:
    """More than 8 MB in one request is not read, and a body without a length is refused."""
    job = begin(client, [["big", 10**9]]).json["job_id"]
    assert put(client, job, 0, 0, b"x" * (upload_routes.PIECE_BYTES + 1)).status_code == 413
    endless = client.put(f"/_upload/{job}/0?offset=0", headers=HOST | {"Transfer-Encoding": "chunked"})
    assert endless.status_code == 411
    assert put(client, job, 0, 0, b"x" * upload_routes.PIECE_BYTES).status_code == 200


@pytest.mark.parametrize(
    "files",
    [
        *(None, 1, "x", [], {}, ["x"], [["x"]], [["x", 1, 2]], [[1, 1]], [["x", -1]], [["x", 1.5]]),
        *([["x", True]], [["x", None]], [["x" * 3000, 1]], [["\ud800", 1]], [["a\0", 1]]),
        [["x", 1]] * (upload_routes.MAX_FILES + 1),
    ],
)
def test_what_is_no_list_of_files_is_refused(client: FlaskClient, files: Any) -> None:
    """Strange lists are a 400."""
    assert begin(client, files).status_code == 400


@pytest.mark.parametrize("athlete", ["", " ", "a\nb", "x" * 101, "\x00"])
def test_an_athlete_needs_a_name(client: FlaskClient, athlete: str) -> None:
    """Blank, long or unprintable names are a 400."""
    assert begin(client, athlete=athlete).status_code == 400


def test_too_much_is_said_before_it_is_sent(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the bound is a 413; more than the disk holds a 507 that says how much is free."""
    assert begin(client, [["x", upload_routes.MAX_TOTAL_BYTES + 1]]).status_code == 413
    assert begin(client, [["x", 10**300]]).status_code == 413
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10**12, 0, 10**9))
    answered = begin(client, [["x", 10**9]])
    assert answered.status_code == 507
    assert "has 1.0 GB free and 2.2 GB are needed" in answered.json["said"]


def test_a_full_disk_is_a_sentence(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a piece cannot be written the person is told why."""

    def full(file: Path, offset: int) -> tuple[int, bool]:
        raise OSError(28, "No space left on device")

    job = begin(client).json["job_id"]
    monkeypatch.setattr(upload_routes, "_append", full)
    answered = put(client, job, 0, 0, b"abc")
    assert answered.status_code == 507
    assert "No space left on device" in answered.json["said"]


def test_other_sites_cannot_send(client: FlaskClient) -> None:
    """Every route that changes something is forbidden to other origins."""
    job = begin(client).json["job_id"]
    for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for method, path in (("POST", "begin"), ("PUT", f"{job}/0"), ("POST", f"{job}/drop")):
            assert client.open(f"/_upload/{path}", method=method, headers=HOST | header).status_code == 403


def test_unknown_uploads_are_a_404(client: FlaskClient) -> None:
    """A number that no upload has is not found, however it is asked for."""
    for job in ("0" * 32, "x", "..", "%00"):
        assert put(client, job, 0, 0, b"x").status_code in (404, 405), job
        assert post(client, job, "finish").status_code in (404, 405), job


def test_a_dropped_upload_leaves_nothing(client: FlaskClient, folder: Path) -> None:
    """The list and the folder are empty; what waits to be read cannot be dropped."""
    job = begin(client).json["job_id"]
    put(client, job, 0, 0, b"abc")
    assert post(client, job, "drop").status_code == 200
    assert told(client) == []
    assert list(folder.rglob("uploads/*/*")) == []
    job = begin(client).json["job_id"]
    put(client, job, 0, 0, b"abcde")
    post(client, job, "finish")
    assert post(client, job, "drop").status_code == 409
    assert put(client, job, 0, 4, b"e").status_code == 409


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.lists(st.integers(-5, 210), max_size=12))
def test_whatever_is_sent_the_file_is_whole(
    client: FlaskClient, folder: Path, content: bytes, offsets: list[int]
) -> None:
    """Pieces from anywhere in any order, then the right ones: the file is what it should be."""
    job = begin(client, [["f", len(content)]]).json["job_id"]
    for offset in offsets:
        assert put(client, job, 0, offset, content[max(offset, 0) :][:40]).status_code in (200, 400, 409, 411)
    while (at := begin(client, [["f", len(content)]]).json["received"][0]) < len(content):
        put(client, job, 0, at, content[at:][:40])
    assert post(client, job, "finish").status_code == 200
    (file,) = folder.rglob(f"uploads/*/{job}/0")
    assert file.read_bytes() == content
