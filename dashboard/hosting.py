"""What a dashboard with accounts knows beside the workspace: its address, its accounts, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import g

from pipeline.accounts import Viewer
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook

STATE_KEY = "SUREFOOT_STATE_KEY"
"""The variable in which the workers of one server find the key of what a sign-in elsewhere brings back."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Hosting:
    """The address that people type, `https://surefoot.example.org`, and the accounts."""

    site: str
    book: AccountBook

    @property
    def host(self) -> str:
        """The site's name without its port."""
        return urlsplit(self.site).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS, which ends at a proxy before this server."""
        return self.site.startswith("https://")

    @property
    def cookie(self) -> str:
        """The session cookie's name; browsers bind this prefix to the site and to TLS."""
        return "__Host-surefoot" if self.is_secure else "surefoot"


def read_site(site: str) -> str:
    """The origin of an address. Raises SurefootError unless it is of TLS, or of this machine."""
    parts = urlsplit(site)
    is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
    if not is_whole or parts.query or parts.fragment or parts.username:
        raise SurefootError(
            f"{site!r} is no address of a site", "give one such as https://surefoot.example.org"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SurefootError(
            f"over {site} passwords would cross the network as they are",
            "put a proxy with TLS before Surefoot, and give its https:// address with --site",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def viewer() -> Viewer:
    """Who asks. Fails where nobody is signed in, which dashboard.gate lets come nowhere."""
    found: Viewer = g.viewer
    return found


def seen() -> frozenset[str]:
    """The athletes that the one who asks may see."""
    return viewer().athletes


def own() -> str | None:
    """The athlete that the one who asks is."""
    return viewer().athlete_id


def oneself() -> str | None:
    """The athlete that the one who asks is, where people sign in; else nobody."""
    return own() if "viewer" in g else None


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
