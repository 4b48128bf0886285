"""Signing in at a provider of OpenID Connect: a small one on this machine, with a key made for the test."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask, jsonify, redirect, request
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from urllib3 import PoolManager
from werkzeug.serving import make_server

from dashboard.app import create_app
from dashboard.hosting import STATE_KEY
from dashboard.openid import VARIABLES, find_provider
from pipeline import accounts
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook

SITE = "http://127.0.0.1:8050"
HOST = {"Host": "127.0.0.1:8050"}
EMAIL = "eve@example.org"


class Provider:
    """A provider at which `claims` are signed in; what it signs can be spoilt."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "eve-1", "email": EMAIL, "email_verified": True}
        self.key = self.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""
        self.audience = "surefoot"
        self.server = Flask("provider")
        for path, answer in (
            ("/.well-known/openid-configuration", self.configuration),
            ("/keys", lambda: jsonify({"keys": [self.key.as_dict(private=False)]})),
            ("/authorize", self.authorize),
        ):
            self.server.add_url_rule(path, path, answer)
        self.server.add_url_rule("/token", "/token", self.token, methods=["POST"])

    def configuration(self) -> Any:
        """Where its parts are."""
        ends = {"authorization": "authorize", "token": "token"}
        return jsonify(
            {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                **{f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in ends.items()},
            }
        )

    def authorize(self) -> Any:
        """Everybody is signed in at once, as in a provider's own session."""
        code = secrets.token_hex(8)
        self.codes[code] = dict(request.args)
        back = {"code": code, "state": request.args["state"]}
        return redirect(f"{request.args['redirect_uri']}?{urlencode(back)}")

    def token(self) -> Any:
        """The signed claims, to the client that knows the secret and the verifier."""
        given = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
        asked = self.codes.pop(request.form["code"])
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        assert given == b"surefoot:secret"
        assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 60}
        signed = jwt.encode(
            {"alg": "RS256", "kid": "one"},
            {**claims, "nonce": asked["nonce"], **self.claims},
            self.signs_with,
        )
        return jsonify({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The provider, served, and named in the environment."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider.server)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    for name, value in zip(VARIABLES, (provider.issuer, "surefoot", "secret"), strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(STATE_KEY, secrets.token_hex())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser(provider: Provider, tmp_path: Path) -> FlaskClient:
    """A browser at a dashboard where eve has an account without a password."""
    with AccountBook(tmp_path / "w") as book:
        accounts.add_account(book, EMAIL, "runner", now=datetime.now(UTC), athlete_id="eve")
    app = create_app(tmp_path / "w", SITE)
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    client: FlaskClient = app.server.test_client()
    return client


def go(browser: FlaskClient, spoil: str = "") -> Any:
    """From the link on the sign-in page to the provider and back."""
    to = browser.get("/openid/start", headers=HOST, base_url=SITE).headers["Location"]
    asked = PoolManager().request("GET", to, redirect=False)
    back = asked.headers["Location"]
    assert back.startswith(f"{SITE}/openid/back?")
    query = urlsplit(back).query.replace(f"{spoil}=", f"{spoil}=x") if spoil else urlsplit(back).query
    return browser.get(f"/openid/back?{query}", headers=HOST, base_url=SITE)


def is_in(browser: FlaskClient) -> bool:
    """Whether the browser is signed in."""
    return browser.get("/", headers=HOST, base_url=SITE).status_code == 200


def test_there_and_back(browser: FlaskClient, provider: Provider) -> None:
    """A verified address opens the account of that name; later the subject does, whatever the address."""
    assert f"Sign in with {urlsplit(provider.issuer).netloc}" in browser.get("/sign-in", headers=HOST).text
    answered = go(browser)
    assert (answered.status_code, answered.headers["Location"]) == (303, "/")
    assert is_in(browser)
    provider.claims = {"sub": "eve-1", "email": "new@example.org", "email_verified": True}
    browser.delete_cookie("surefoot", domain="127.0.0.1")
    assert not is_in(browser)
    go(browser)
    assert is_in(browser)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "m", "email": "mallory@example.org", "email_verified": True},
        {"sub": "m", "email": EMAIL, "email_verified": False},
        {"sub": "m", "email": EMAIL, "email_verified": "true"},
        {"sub": "m"},
    ],
)
def test_who_has_no_account_is_told(browser: FlaskClient, provider: Provider, claims: dict[str, Any]) -> None:
    """Nobody is let in by an address that the provider has not verified, or that no account has."""
    provider.claims = claims
    answered = go(browser)
    assert answered.headers["Location"] == "/sign-in?told=unknown"
    assert "Nobody here has an account" in browser.get("/sign-in?told=unknown", headers=HOST).text
    assert not is_in(browser)


def test_a_name_is_bound_to_one_subject(browser: FlaskClient, provider: Provider) -> None:
    """Once eve has signed in, somebody else with her address is not let in."""
    go(browser)
    browser.delete_cookie("surefoot", domain="127.0.0.1")
    provider.claims = {"sub": "another", "email": EMAIL, "email_verified": True}
    assert go(browser).headers["Location"] == "/sign-in?told=unknown"
    assert not is_in(browser)


def test_what_another_key_signed_is_refused(browser: FlaskClient, provider: Provider) -> None:
    """A token that the provider's published key does not verify lets nobody in."""
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert go(browser).headers["Location"] == "/sign-in?told=away"
    assert not is_in(browser)


def test_a_token_for_another_client_is_refused(browser: FlaskClient, provider: Provider) -> None:
    """A token made for somebody else's site lets nobody in here, whatever party it says it is for."""
    provider.audience = "another"
    for more in ({}, {"azp": "surefoot"}):
        provider.claims |= more
        assert go(browser).headers["Location"] == "/sign-in?told=away"
        assert not is_in(browser)


def test_an_answer_that_nobody_asked_for_is_refused(browser: FlaskClient, provider: Provider) -> None:
    """A wrong state, which another site would send, and an answer that comes twice."""
    assert go(browser, spoil="state").headers["Location"] == "/sign-in?told=away"
    assert (
        browser.get("/openid/back?code=a&state=b", headers=HOST).headers["Location"] == "/sign-in?told=away"
    )
    assert not is_in(browser)


def test_a_provider_that_is_away_is_one_sentence(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it does not answer the sign-in page says so, and asks for name and password."""
    monkeypatch.setenv(VARIABLES[0], "http://127.0.0.1:9")
    AccountBook(tmp_path / "w").close()
    client = create_app(tmp_path / "w", SITE).server.test_client()
    assert client.get("/openid/start", headers=HOST).headers["Location"] == "/sign-in?told=away"
    assert "sign in again, or with name and password" in client.get("/sign-in?told=away", headers=HOST).text


def test_half_a_provider_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that is missing is named; without any there is no provider."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert find_provider() is None
    monkeypatch.setenv(VARIABLES[0], "https://id.example.org")
    with pytest.raises(SurefootError, match="SUREFOOT_OIDC_CLIENT_ID and SUREFOOT_OIDC_CLIENT_SECRET"):
        find_provider()


def test_the_state_says_nothing_to_scripts(browser: FlaskClient) -> None:
    """What is kept until the answer is there lies in a cookie that scripts and other sites do not reach."""
    started = browser.get("/openid/start", headers=HOST)
    asked = parse_qs(urlsplit(started.headers["Location"]).query)
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert asked["scope"] == ["openid email"]
    cookie = started.headers["Set-Cookie"]
    assert cookie.startswith("surefoot-state=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/openid"))
