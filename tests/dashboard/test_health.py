"""Whether the server is well, for what watches over it."""

from pathlib import Path

from dashboard.app import create_app
from pipeline.workspace import Workspace

HOST = {"Host": "127.0.0.1:8050"}


def test_a_server_that_can_work_says_ok(tmp_path: Path) -> None:
    """A readable workspace is 200 and one plain word."""
    Workspace(tmp_path / "w").close()
    answered = create_app(tmp_path / "w").server.test_client().get("/healthz", headers=HOST)
    assert (answered.status_code, answered.mimetype, answered.text) == (200, "text/plain", "ok\n")


def test_a_server_without_its_workspace_says_so(tmp_path: Path) -> None:
    """Once the catalogue is damaged it is 503, without the folder's name or anything else of it."""
    Workspace(tmp_path / "w").close()
    client = create_app(tmp_path / "w").server.test_client()
    for name in ("catalogue.sqlite-wal", "catalogue.sqlite-shm"):
        (tmp_path / "w" / name).unlink(missing_ok=True)
    (tmp_path / "w" / "catalogue.sqlite").write_bytes(b"no database " * 1000)
    answered = client.get("/healthz", headers=HOST)
    assert (answered.status_code, answered.text) == (503, "the workspace cannot be read\n")
