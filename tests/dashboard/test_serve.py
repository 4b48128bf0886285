"""Serving on this machine."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard import __main__, serve
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that has just been made."""
    Workspace(tmp_path / "workspace").close()
    return tmp_path / "workspace"


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


def test_gunicorn_is_set_to_this_machine_alone(folder: Path) -> None:
    """Two processes of four threads on 127.0.0.1, and the app they load answers."""
    server = serve._Server(folder, 8050)
    assert server.cfg.address == [("127.0.0.1", 8050)]
    assert (server.cfg.workers, server.cfg.threads) == (2, 4)
    assert server.load().test_client().get("/", headers={"Host": "localhost"}).status_code == 200
