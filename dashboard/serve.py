"""Serve the dashboard by gunicorn, two processes of four threads: to this machine, or with accounts."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.app import create_app
from dashboard.hosting import LOOPBACK, STATE_KEY, read_site
from pipeline import journal
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook, Workspace

HOST = "127.0.0.1"
PORT = 8050


def served(workspace_path: str, site: str = "") -> Flask:
    """The app of one worker: each has its own connection to the workspace."""
    server: Flask = create_app(workspace_path, site).server
    if site.startswith("https://"):
        # TLS ends at a proxy, and the last address that it names is the one that asked it.
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return server


def gunicorn_command(workspace_path: Path, port: int, host: str = HOST, site: str = "") -> list[str]:
    """Gunicorn by itself: what forks its workers must not have run Polars, which would stop in them."""
    given = ", ".join(repr(part) for part in (str(workspace_path.resolve()), site) if part)
    bound = f"[{host}]" if ":" in host else host
    return [
        *(sys.executable, "-m", "gunicorn", f"dashboard.serve:served({given})"),
        *("--bind", f"{bound}:{port}", "--workers", "2", "--threads", "4", "--worker-class", "gthread"),
        *("--log-level", "warning", "--name", "surefoot", "--timeout", "60"),
        *(("--logger-class", "dashboard.server_log.ServerLog") if journal.is_kept() else ()),
    ]


def serve(
    workspace_path: Path | str,
    port: int = PORT,
    *,
    host: str = HOST,
    with_accounts: bool = False,
    site: str = "",
) -> None:
    """Serve until interrupted, in the place of this process.

    Raises
    ------
    SurefootError : the workspace cannot be opened, the port is taken, or others than this machine could look
        without signing in.
    """
    path = Path(workspace_path)
    site = _check_hosting(path, host, port, with_accounts, site)
    Workspace(path, read_only=True).close()
    _require_free(host, port)
    os.environ[STATE_KEY] = secrets.token_hex(32)
    print(f"Surefoot is at {site or f'http://{host}:{port}'} (Ctrl+C ends it)", flush=True)
    os.execv(sys.executable, gunicorn_command(path, port, host, site))


def _check_hosting(path: Path, host: str, port: int, with_accounts: bool, site: str) -> str:
    """The site's address, empty without accounts. Raises SurefootError where they are wanting."""
    if not with_accounts:
        if host not in LOOPBACK:
            raise SurefootError(
                f"with --host {host} everybody on the network could see and change all runs",
                "add --accounts and --site, after `surefoot account add NAME --role admin`",
            )
        if site:
            raise SurefootError(f"--site {site} is for a dashboard with accounts", "add --accounts")
        return ""
    if not site and host not in LOOPBACK:
        raise SurefootError(
            f"the address that people type is not known for --host {host}",
            "give it with --site https://NAME",
        )
    with AccountBook(path) as book:
        if book.load_accounts().is_empty():
            raise SurefootError(
                "there is no account yet", "`surefoot account add NAME --role admin` makes the first"
            )
    return read_site(site or f"http://{host}:{port}")


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SurefootError(
                f"port {port} of this machine cannot be used ({error.strerror})",
                f"end what uses it, or choose another one: --port {port + 1}",
            ) from None
