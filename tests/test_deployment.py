"""What a hosted Surefoot is started with: the image's recipe and the services, as far as they can be read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import cli

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of compose.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def steps(word: str) -> list[str]:
    """What follows a word of the Dockerfile, in order."""
    return re.findall(rf"^{word} (.*)$", RECIPE, re.MULTILINE)


def test_the_image_runs_as_nobody_of_rights() -> None:
    """The last user of the image is not root, and is named before what is started."""
    [user] = steps("USER")
    assert user not in ("root", "0")
    assert RECIPE.index("\nUSER ") < RECIPE.index("\nENTRYPOINT ")
    assert f"useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin {user}" in RECIPE


def test_the_image_takes_what_is_there() -> None:
    """Every file that goes into the image is in the tree, and none of the tests' libraries does."""
    for copied in steps("COPY"):
        if not copied.startswith("--from"):
            *sources, _ = copied.split()
            assert all((ROOT / source).exists() for source in sources)
    assert "--extra hosted" in RECIPE
    assert "--extra dev" not in RECIPE


def test_the_image_pins_what_installs_it() -> None:
    """The line that takes uv's version out of the lock finds one, and it is that of the lock."""
    [command] = re.findall(r'"\$\((sed .*?lock)\)"', RECIPE)
    told = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"uv==[0-9.]+\n", told.stdout)
    assert f"\n{told.stdout.strip()} " in (ROOT / "requirements.lock").read_text()


def test_the_image_is_asked_whether_it_is_well() -> None:
    """The health check asks /healthz, by what is in the image."""
    [check] = steps("HEALTHCHECK")
    assert "http://127.0.0.1:8050/healthz" in check
    assert '"python"' in check


def test_the_services_are_closed(services: dict[str, Any]) -> None:
    """Surefoot has no rights and a read-only root; this machine alone reaches it, and nobody the database."""
    surefoot, database = services["surefoot"], services["database"]
    assert surefoot["read_only"] is True
    assert surefoot["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in surefoot["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in surefoot["ports"])
    assert "ports" not in database
    assert surefoot["depends_on"]["database"]["condition"] == "service_healthy"


def test_the_services_hold_no_password(services: dict[str, Any]) -> None:
    """Passwords come from outside, and the services refuse to start without them."""
    for service in services.values():
        for name, value in service["environment"].items():
            assert "PASSWORD" not in name or value.startswith("${SUREFOOT_PASSWORD:?")
    assert "@database" in services["surefoot"]["environment"]["SUREFOOT_DATABASE"]
    assert ":" not in services["surefoot"]["environment"]["SUREFOOT_DATABASE"].partition("//")[2]


def test_the_service_starts_what_there_is(services: dict[str, Any]) -> None:
    """The words that Surefoot is started with are a command, and options that it has."""
    name, *words = services["surefoot"]["command"]
    given = cli.main.commands[name].make_context(name, words).params
    assert (given["host"], given["with_accounts"]) == ("0.0.0.0", True)


def test_the_service_waits_for_requests(services: dict[str, Any]) -> None:
    """What stops the services waits longer than gunicorn, which gives requests 30 s to end."""
    assert int(services["surefoot"]["stop_grace_period"].removesuffix("s")) > 30
