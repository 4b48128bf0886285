"""A fixed set of spoilt files; `make fuzz` goes through many more."""

import pytest

from tests.fuzz import FOLDERS, judge, make_mutant

SEASON = FOLDERS[-1]


@pytest.mark.parametrize("first", range(0, 150, 10))
def test_spoilt_files_end_as_runs_or_with_a_reason(first: int) -> None:
    """Ten mutants of the sample season each: a run, no run or rejected, in time and in memory."""
    findings = [verdict for number in range(first, first + 10) if (verdict := judge(SEASON, number)).finding]
    assert findings == []


def test_a_mutant_is_made_from_its_number_alone() -> None:
    """The same number gives the same bytes, so that a finding can be made again."""
    assert make_mutant(SEASON, 7) == make_mutant(SEASON, 7)
    assert make_mutant(SEASON, 7) != make_mutant(SEASON, 8)
