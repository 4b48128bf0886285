"""A PostgreSQL server of the tests' own: started where it is needed, gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from pipeline.workspace import link

USERS = ("postgres", "nobody")
OPTIONS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c autovacuum=off"


class Server:
    """A server that listens on a socket in `folder`, and as many empty databases in it as asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    def url(self, database: str, **query: str) -> sa.URL:
        """The URL of a database of this server."""
        where = {"host": str(self.folder), **query}
        return sa.URL.create("postgresql+psycopg", "surefoot", database=database, query=where)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """What a statement gives, as the server's superuser."""
        where = {"host": str(self.folder), "user": "surefoot", "dbname": database}
        with psycopg.connect(**where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def empty_schema(self) -> sa.URL:
        """A new schema of the database `shared`: a workspace's own, and quicker made than a database."""
        name = f"w{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}", "shared")
        return self.url("shared", options=f"-csearch_path={name}")

    def empty_database(self) -> sa.URL:
        """A new database."""
        name = f"d{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)


def find_programs() -> Path | None:
    """The folder of Debian's PostgreSQL, the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))
    return folders[-1] if folders else None


@contextmanager
def started() -> Iterator[Server]:
    """A server as somebody who is not root, whom PostgreSQL refuses. It sorts texts as in English."""
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing: CI installs it")
        pytest.skip("PostgreSQL is not on this machine (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="surefoot-pg-"))
    folder.chmod(0o755)
    user = None
    if os.geteuid() == 0:
        user = next(name for name in USERS if name in {entry.pw_name for entry in pwd.getpwall()})
        shutil.chown(folder, user)

    def run(program: str, *words: str) -> None:
        # Into a file: a pipe would be held open by the server.
        with (folder / "said").open("ab") as said:
            done = subprocess.run(
                [str(programs / program), "-D", str(folder / "data"), *words],
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                user=user,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            pytest.fail(f"{program} said: {(folder / 'said').read_text()[-2000:]}")

    try:
        english = ("--locale-provider=icu", "--icu-locale=en-US")
        run(
            "initdb",
            "-A",
            "trust",
            "-U",
            "surefoot",
            "-E",
            "UTF8",
            "--no-sync",
            "--no-instructions",
            *english,
        )
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} {OPTIONS}", "start")
        try:
            server = Server(folder)
            server.execute("CREATE DATABASE shared TEMPLATE template0")
            yield server
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def all_new_workspaces_in(server: Server) -> Iterator[None]:
    """Every workspace that is made meanwhile gets a schema of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "find", lambda path: _find(server, path))
        patch.setattr(link, "asked_for", server.empty_schema)
        yield


def _find(server: Server, path: Path) -> sa.URL:
    known = link.read(path)
    return server.empty_schema() if known is None else known.url
