"""Lines of JSON for who runs the server: what was asked and how it went, never of whom or by whom."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_workspace import FakeWorkspace
from flask.testing import FlaskClient
from urllib3 import PoolManager, Retry

from dashboard import serve
from dashboard.app import build_app
from pipeline import journal
from pipeline.workspace import Workspace

SECRET = "ada-lovelace-1815"
KEYS = {"at", "event", "method", "route", "status", "ms"}


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are written."""
    monkeypatch.setenv(journal.VARIABLE, "json")


def ask(workspace: Any, method: str, address: str, **more: Any) -> int:
    """The status of what a request gives."""
    client: FlaskClient = build_app(workspace).server.test_client()
    status: int = client.open(address, method=method, headers={"Host": "localhost"}, **more).status_code
    return status


def lines(said: str) -> list[dict[str, Any]]:
    """The lines, of which none names the athlete; those of the app's own first request left out."""
    assert SECRET not in said
    found = [json.loads(line) for line in said.splitlines()]
    return [line for line in found if line.get("route") != "/_dash-layout"]


@pytest.mark.parametrize(
    ("method", "address", "route", "status"),
    [
        ("GET", f"/athlete/{SECRET}/runs", "/<path:path>", 200),
        ("GET", f"/_upload/list?athlete={SECRET}", "/_upload/list", 200),
        ("PUT", f"/_upload/{SECRET}/0?offset=0", "/_upload/<job_id>/<int:number>", 404),
        ("POST", f"/_upload/{SECRET}/there-is-no-such-place", "/<path:path>", 405),
        ("GET", "/healthz", "/healthz", 200),
        (SECRET.upper(), "/", "/", 405),
    ],
)
def test_a_line_for_each_request(
    capsys: pytest.CaptureFixture[str], method: str, address: str, route: str, status: int
) -> None:
    """Method, pattern of the address, status and time; a method of one's own making is `another`."""
    assert ask(FakeWorkspace(), method, address) == status
    [line] = lines(capsys.readouterr().err)
    assert set(line) == KEYS
    known = method if method in ("GET", "PUT", "POST") else "another"
    assert (line["event"], line["method"], line["status"]) == ("request", known, status)
    assert line["route"] in (route, "")
    assert line["ms"] > 0


class Broken(FakeWorkspace):
    """A workspace with a mistake that names somebody."""

    def load_jobs(self, athlete_id: str | None = None) -> Any:
        if athlete_id is None:
            return super().load_jobs()
        raise RuntimeError(f"no place for {athlete_id}")


def test_a_mistake_says_its_kind_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that nobody foresaw: its kind and where in this code, not its words; the request as well."""
    assert ask(Broken(), "GET", f"/_upload/list?athlete={SECRET}") == 500
    mistake, request = lines(capsys.readouterr().err)
    assert (mistake["event"], mistake["error"]) == ("mistake", "RuntimeError")
    assert mistake["where"].startswith("dashboard/upload_routes.py:")
    assert (request["route"], request["status"]) == ("/_upload/list", 500)


def test_no_lines_where_none_are_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one's own machine nothing is logged."""
    monkeypatch.delenv(journal.VARIABLE)
    assert ask(FakeWorkspace(), "GET", "/healthz") == 200
    assert capsys.readouterr().err == ""


def test_what_starts_the_workers_loads_no_polars() -> None:
    """The log of the server is loaded before workers are forked, which Polars would not outlive."""
    program = "import sys, dashboard.server_log; print('polars' in sys.modules, 'pipeline' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False False\n"


def test_the_server_logs_nothing_else(tmp_path: Path) -> None:
    """Served for real, requests and one that is none give lines of JSON alone, without addresses."""
    Workspace(tmp_path / "w").close()
    with socket.socket() as free:
        free.bind((serve.HOST, 0))
        port = free.getsockname()[1]
    asked = Retry(connect=200, backoff_factor=0.1, backoff_max=0.3)
    with subprocess.Popen(
        serve.gunicorn_command(tmp_path / "w", port), stderr=subprocess.PIPE, env={**os.environ}
    ) as server:
        try:
            address = f"http://127.0.0.1:{port}/_upload/list?athlete={SECRET}"
            assert PoolManager().request("GET", address, retries=asked, timeout=60).status == 200
            with socket.create_connection((serve.HOST, port), timeout=60) as wrong:
                wrong.sendall(f"GET /{SECRET} HTTP/9.9\r\nno header\r\n\r\n".encode())
                assert wrong.recv(100).startswith(b"HTTP/1.1 400")
        finally:
            server.terminate()
        assert server.stderr is not None
        said = server.stderr.read().decode()
        assert server.wait(timeout=60) == 0
    assert "127.0.0.1" not in said
    found = lines(said)
    assert [line["route"] for line in found if line["event"] == "request"] == ["/_upload/list"]
    assert {line["level"] for line in found if line["event"] == "server"} <= {"warning", "error"}
    assert any("handle_error" in line.get("where", "") for line in found)
