"""Which database a workspace belongs to: SQLite in its folder unless `catalogue.url` there says otherwise.

The file holds the URL without its password, and a number that folder and database have in common, so that
neither is taken for another's. The password comes with the URL that SUREFOOT_DATABASE or --database gives,
or from where PostgreSQL's own programs take it: PGPASSWORD, ~/.pgpass, the system's user.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace.folder import CATALOGUE, LINK, put_atomic

VARIABLE = "SUREFOOT_DATABASE"
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Link:
    """A database, and the id of the workspace in it."""

    url: sa.URL
    workspace_id: str


def asked_for() -> sa.URL | None:
    """The database that SUREFOOT_DATABASE names. Raises SurefootError where it is no PostgreSQL URL."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        return None
    try:
        url = sa.make_url(given)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        # What was given may hold a password: it is not repeated.
        raise SurefootError(
            "the database given is no URL of PostgreSQL",
            f"give {VARIABLE} or --database as postgresql://user@host:5432/name",
        )
    return url.set(drivername="postgresql+psycopg")


def find(workspace: Path) -> sa.URL | None:
    """The URL of a workspace's database; None for SQLite in its folder.

    What is asked for goes before what the folder remembers: a server may have moved. Raises SurefootError
    where the folder has SQLite and another database is asked for.
    """
    asked, known = asked_for(), read(workspace)
    if asked is not None and known is None and (workspace / CATALOGUE).is_file():
        raise SurefootError(
            f"the workspace {workspace} keeps its catalogue in SQLite, and another database is asked for",
            "`surefoot backup` and `surefoot restore` move it there; to use it as it is, leave --database and"
            f" {VARIABLE} out",
        )
    if asked is None and known is not None:
        return known.url
    return asked


def read(workspace: Path) -> Link | None:
    """What the folder remembers. Raises SurefootError where that cannot be read."""
    file = workspace / LINK
    try:
        found = json.loads(file.read_bytes())
        return Link(sa.make_url(found["url"]), str(found["workspace"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SurefootError(f"{file} cannot be read ({error.strerror})", "check its rights") from None
    except (ValueError, KeyError, TypeError, sa.exc.ArgumentError):
        raise SurefootError(
            f"{file} does not say which database the workspace belongs to", "restore a backup of it"
        ) from None


def new(url: sa.URL) -> Link:
    """A link to a database that gets a workspace of its own."""
    return Link(url, secrets.token_hex(16))


def write(workspace: Path, link: Link) -> None:
    """Let the folder remember its database, without a password."""
    said = {"url": _text(link.url), "workspace": link.workspace_id}
    put_atomic(workspace / LINK, lambda file: file.write(json.dumps(said).encode()))


def without_password(url: sa.URL) -> sa.URL:
    """The URL as it may be kept."""
    return url.set(password=None).difference_update_query(_SECRETS)


def _text(url: sa.URL) -> str:
    return without_password(url).render_as_string()


def say(url: sa.URL) -> str:
    """The URL as it may be shown."""
    return _text(url.set(drivername="postgresql"))
