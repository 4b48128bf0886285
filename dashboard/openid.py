"""Signing in at a provider of OpenID Connect, where the environment names one; authlib speaks with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, redirect, session

from dashboard.hosting import STATE_KEY, Hosting, now
from dashboard.sign_in import with_session
from pipeline import accounts
from pipeline.errors import SurefootError

VARIABLES = ("SUREFOOT_OIDC_ISSUER", "SUREFOOT_OIDC_CLIENT_ID", "SUREFOOT_OIDC_CLIENT_SECRET")
_TIMEOUT_S = 10


@dataclass(frozen=True)
class Provider:
    """Where to sign in, and as which client."""

    issuer: str
    client_id: str
    client_secret: str

    @property
    def host(self) -> str:
        """Its name, for people."""
        return urlsplit(self.issuer).netloc


def find_provider() -> Provider | None:
    """The provider that the environment names. Raises SurefootError where it names half of one."""
    given = [os.environ.get(name, "") for name in VARIABLES]
    if not any(given):
        return None
    if not all(given):
        missing = [name for name, value in zip(VARIABLES, given, strict=True) if not value]
        raise SurefootError(f"OpenID Connect needs {' and '.join(missing)} as well", "set all three or none")
    return Provider(given[0].rstrip("/"), given[1], given[2])


def openid_routes(server: Flask, hosting: Hosting, provider: Provider) -> Blueprint:
    """`/openid/start`, and `/openid/back` to which the provider leads."""
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.flask_client import OAuth
    from joserfc.errors import JoseError
    from requests import RequestException

    routes = Blueprint("openid", __name__, url_prefix="/openid")
    server.secret_key = os.environ[STATE_KEY]
    # What was asked lies in a signed cookie until the answer is there.
    server.config.update(
        SESSION_COOKIE_NAME="surefoot-state",
        SESSION_COOKIE_SECURE=hosting.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/openid",
    )
    client: Any = OAuth(server).register(
        "provider",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=f"{provider.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": _TIMEOUT_S},
    )

    wanted = {
        "iss": {"essential": True, "values": [provider.issuer, f"{provider.issuer}/"]},
        "aud": {"essential": True, "values": [provider.client_id]},
        "sub": {"essential": True},
    }

    @routes.get("/start")
    def start() -> Any:
        try:
            return client.authorize_redirect(f"{hosting.site}/openid/back")
        except (OAuthError, RequestException):
            return redirect("/sign-in?told=away", 303)

    @routes.get("/back")
    def back() -> Any:
        try:
            claims = client.authorize_access_token(claims_options=wanted)["userinfo"]
            email = claims.get("email") if claims.get("email_verified") is True else None
            subject = f"{claims['iss']} {claims['sub']}"
            token = accounts.sign_in_subject(hosting.book, subject, email, now=now())
        except accounts.Refused:
            return redirect("/sign-in?told=unknown", 303)
        except (OAuthError, JoseError, RequestException, KeyError, ValueError):
            return redirect("/sign-in?told=away", 303)
        finally:
            session.clear()
        return with_session(hosting, token, "/")

    return routes
