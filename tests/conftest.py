"""What the tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no reason to fail: speed is measured in `make bench`.
settings.register_profile("surefoot", deadline=None)
settings.load_profile("surefoot")

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real recordings beside the checkout; skips where it is not there."""
    if not (CORPUS / "index.csv").is_file():
        if os.environ.get("CI") and CORPUS.parent.is_dir():
            pytest.fail(f"{CORPUS.parent} is there but its corpus cannot be read")
        pytest.skip("the corpus of real recordings (../shared/corpus) is not on this machine")
    return CORPUS
