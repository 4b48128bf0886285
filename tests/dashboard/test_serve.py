"""Serving on this machine."""

import socket
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from urllib3 import PoolManager, Retry

from dashboard import __main__, serve
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that has just been made."""
    Workspace(tmp_path / "workspace").close()
    return tmp_path / "workspace"


def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as free:
        free.bind((serve.HOST, 0))
        return int(free.getsockname()[1])


def test_a_taken_port_names_what_would_do(folder: Path) -> None:
    """A port in use is one line with another port to try."""
    with socket.socket() as taken:
        taken.bind((serve.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SurefootError, match=rf"port {port} .*--port {port + 1}"):
            serve.serve(folder, port)


def test_the_command_ends_with_one_line(tmp_path: Path) -> None:
    """A folder that is no workspace ends the command with status 2 and one line."""
    result = CliRunner().invoke(__main__.main, ["--workspace", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert result.output.startswith("surefoot: ")
    assert result.output.count("\n") == 1


def test_the_server_answers_until_it_ends(folder: Path) -> None:
    """Served as `surefoot dashboard` serves it, on 127.0.0.1: a request that reads a table is answered, and
    of SIGTERM in the middle of another the other worker leaves, this one answers, the end is 0."""
    port = free_port()
    command = serve.gunicorn_command(folder, port)
    assert command[command.index("--bind") + 1] == f"127.0.0.1:{port}"
    asked = Retry(connect=200, backoff_factor=0.1, backoff_max=0.3)
    content = b"date,drill,minutes\n2026-01-05,one-leg stand,10\n"
    head = (
        f"POST /_log/import?athlete=ada HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nExpect: 100-continue\r\n"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        try:
            told = PoolManager().request(
                "GET", f"http://127.0.0.1:{port}/_upload/list?athlete=ada", retries=asked, timeout=60
            )
            assert (told.status, told.json()) == (200, [])
            with socket.create_connection((serve.HOST, port), timeout=60) as begun:
                begun.sendall(head.encode())
                assert begun.recv(1000).startswith(b"HTTP/1.1 100")
                server.terminate()
                while len(children.read_text().split()) > 1:
                    time.sleep(0.02)
                begun.sendall(content)
                answered = b"".join(iter(lambda: begun.recv(65536), b""))
            assert answered.startswith(b"HTTP/1.1 404")
            assert b"There is no such athlete" in answered
            assert server.wait(timeout=60) == 0
        finally:
            server.terminate()


def test_served_with_accounts_a_stranger_comes_to_the_door(folder: Path) -> None:
    """As `surefoot dashboard --accounts` serves it: pages lead to the sign-in, data are refused."""
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    with subprocess.Popen(serve.gunicorn_command(folder, port, site=site), stderr=subprocess.PIPE) as server:
        try:
            asked = Retry(connect=200, backoff_factor=0.1, backoff_max=0.3, redirect=0)
            http = PoolManager(retries=asked)
            page = http.request("GET", f"{site}/roster", redirect=False, timeout=60)
            data = http.request("GET", f"{site}/_upload/list?athlete=ada", redirect=False, timeout=60)
            assert (page.status, page.headers["Location"]) == (303, "/sign-in?next=%2Froster")
            assert (data.status, data.json()) == (401, {"said": "Sign in first"})
        finally:
            server.terminate()
