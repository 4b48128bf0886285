"""All data of an athlete, out of one dashboard and into another."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.app import create_app
from pipeline.batch import find_files, import_files
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.jobs import work
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file

HOST = {"Host": "127.0.0.1:8050"}
LOG = b"date,drill,minutes\n2026-01-05,tree pose,10\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the dashboard sends of ada, who has two runs and a log."""
    path = tmp_path_factory.mktemp("archive")
    for number in range(2):
        (path / f"{number}.fit").write_bytes(fit_file(number))
    with Workspace(path / "w") as workspace:
        files = find_files([path / "0.fit", path / "1.fit"], workspace.path)
        import_files(workspace, files, "ada", HereEngine())
        take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG, "ada"))
    sent = client_of(path / "w").get("/_archive/athlete.zip?athlete=ada", headers=HOST)
    assert sent.headers["Content-Disposition"].startswith("attachment")
    content = sent.data
    sent.close()
    return content


def test_an_archive_of_nobody_is_not_found(tmp_path: Path) -> None:
    """An athlete who is not there has no archive."""
    Workspace(tmp_path / "w").close()
    client = client_of(tmp_path / "w")
    for query in ("?athlete=eve", "", "?athlete="):
        assert client.get(f"/_archive/athlete.zip{query}", headers=HOST).status_code == 404


def client_of(folder: Path) -> FlaskClient:
    """A browser."""
    client: FlaskClient = create_app(folder).server.test_client()
    return client


def upload(folder: Path, content: bytes, athlete: str) -> dict[str, Any]:
    """Send one file, let it be read, and tell what became of it."""
    client = client_of(folder)
    whose = {"query_string": {"athlete": athlete}, "headers": HOST}
    begun = client.post("/_upload/begin", json={"files": [["all.zip", len(content)]]}, **whose)
    job_id = begun.json["job_id"]
    client.put(f"/_upload/{job_id}/0?offset=0", data=content, headers=HOST)
    with Workspace(folder) as workspace:
        workspace.move_job(job_id, ("uploading",), state="waiting")
    work(folder)
    (job,) = client.get("/_upload/list", **whose).json
    assert isinstance(job, dict)
    return job


def test_an_archive_comes_back_whole(archive: bytes, tmp_path: Path) -> None:
    """Uploaded into an empty workspace it brings runs, log and originals, and the page tells how many."""
    Workspace(tmp_path / "w").close()
    job = upload(tmp_path / "w", archive, "ada")
    assert (job["state"], job["result"]["counts"]["run"]) == ("done", 2)
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        runs = workspace.load_runs("ada")
        assert runs.height == 2
        assert workspace.load_balance_sessions("ada")["drill"].to_list() == ["tree pose"]
        assert workspace.load_track(runs["run_id"][0]).height > 100
        assert workspace.load_original(runs["content_sha256"][0]) in (fit_file(0), fit_file(1))
    assert not list((tmp_path / "w").rglob("uploads/*/*"))


@pytest.mark.parametrize("athlete", ["eve", "ada"])
def test_an_archive_takes_nobody_s_place(archive: bytes, tmp_path: Path, athlete: str) -> None:
    """Under another name, and where there is one of that name, nothing changes and a sentence says why."""
    with Workspace(tmp_path / "w") as workspace:
        take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG + b"2026-01-06,plank,5\n", "ada"))
    job = upload(tmp_path / "w", archive, athlete)
    assert job["state"] == "failed"
    assert ("already" if athlete == "ada" else "is ada's") in job["reason"]
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert workspace.load_runs().is_empty()
        assert workspace.load_balance_sessions("ada").height == 2


def test_a_damaged_archive_is_a_sentence(archive: bytes, tmp_path: Path) -> None:
    """One byte of a recording changed: nothing is taken in, and the reason is said."""
    Workspace(tmp_path / "w").close()
    with zipfile.ZipFile(io.BytesIO(archive)) as sound:
        (largest,) = sorted(sound.infolist(), key=lambda member: member.file_size)[-1:]
    spoilt = bytearray(archive)
    spoilt[largest.header_offset + largest.compress_size // 2] ^= 1
    job = upload(tmp_path / "w", bytes(spoilt), "ada")
    assert (job["state"], job["result"]) == ("failed", {})
    assert "\n" not in job["reason"]


def test_a_zip_of_another_kind_is_read_as_one(tmp_path: Path) -> None:
    """A zip with a manifest of somebody else's is an archive of files like any other."""
    Workspace(tmp_path / "w").close()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as other:
        other.writestr("run.fit", fit_file(0))
        other.writestr("manifest.json", json.dumps({"format": "of another kind"}))
    job = upload(tmp_path / "w", packed.getvalue(), "ada")
    assert (job["state"], job["result"]["counts"]["run"]) == ("done", 1)


def test_an_archive_brings_no_recording_by_its_hash(tmp_path: Path) -> None:
    """Rows that name bob's recording, without it, would let ada export it: they are not taken over."""
    (tmp_path / "0.fit").write_bytes(fit_file(0))
    for folder, athlete in (("a", "ada"), ("b", "bob")):
        with Workspace(tmp_path / folder) as workspace:
            files = find_files([tmp_path / "0.fit"], workspace.path)
            import_files(workspace, files, athlete, HereEngine(), keep=athlete == "bob")
    sent = client_of(tmp_path / "a").get("/_archive/athlete.zip?athlete=ada", headers=HOST)
    job = upload(tmp_path / "b", sent.data, "ada")
    sent.close()
    assert job["state"] == "failed"
    assert "names a recording that it does not hold" in job["reason"]
    with Workspace(tmp_path / "b", read_only=True) as workspace:
        assert workspace.athletes() == ["bob"]
