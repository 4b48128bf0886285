"""Our FIT reader against three independent ones, on real recordings.

The default run takes a fixed share of the files for each referee, since all are slow;
SUREFOOT_EVERY_FILE=1 takes all, as does `python -m tests.ingest.fit_referees FOLDER`.
"""

import os
from pathlib import Path

import pytest
from fit_referees import chosen, compare, fit_files

PARTS = 12
SHARE = {"fitdecode": 3, "fitparse": 15, "garmin": 15}
EMBEDDED = "reads what lies between two chained files as a record: the first header spans both"
KNOWN_FAULTS = {
    "choochoo__activity-activity-filecrc.fit": EMBEDDED,
    "choochoo__activity-settings.fit": EMBEDDED,
}


@pytest.mark.parametrize("referee", ["fitdecode", "fitparse", "garmin"])
@pytest.mark.parametrize("part", range(PARTS))
def test_same_records_and_values_as_the_referee(corpus: Path, referee: str, part: int):
    """Every file has the records and values that the referee reads, up to where the referee gives up."""
    share = 1 if os.environ.get("SUREFOOT_EVERY_FILE") else SHARE[referee]
    files = [path for path in fit_files(corpus) if chosen(path, share)][part::PARTS]
    outcomes = {path.name: compare(path, referee) for path in files}
    unexplained = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome[0] not in {"equal", "referee stopped"} and name not in KNOWN_FAULTS
    }
    assert unexplained == {}
