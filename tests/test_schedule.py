"""The rule by which plans are drawn."""

from itertools import product

import numpy as np
import pytest

from pipeline.schedule import MAX_EQUAL, count_schedules, draw_schedules, every_schedule, planned_dose


def allowed(schedule: tuple[bool, ...]) -> bool:
    """Balanced, and no stretch of more than three: written out."""
    text = "".join("x" if on else "." for on in schedule)
    return text.count("x") * 2 == len(text) and "x" * 4 not in text and "." * 4 not in text


@pytest.mark.parametrize("n_blocks", [2, 4, 6, 8, 10])
def test_the_schedules_are_those_of_the_rule(n_blocks: int) -> None:
    """Counted and listed schedules are exactly the balanced ones without more than three equal in a row."""
    expected = {s for s in product((True, False), repeat=n_blocks) if allowed(s)}
    assert count_schedules(n_blocks) == len(expected)
    assert {tuple(map(bool, row)) for row in every_schedule(n_blocks)} == expected


def test_the_published_counts() -> None:
    """Six blocks have 20 schedules and eight have 62, as METHODS-SPEC 1.10 says."""
    assert (count_schedules(6), count_schedules(8)) == (20, 62)


def test_every_schedule_is_drawn_alike() -> None:
    """Of 12,400 draws of 62 schedules each comes 200 times, give or take five standard deviations."""
    drawn = draw_schedules(8, 12_400, np.random.default_rng(1))
    _, times = np.unique(drawn, axis=0, return_counts=True)
    assert len(times) == 62
    assert np.abs(times - 200).max() < 5 * np.sqrt(200)


def test_long_schedules_keep_the_rule() -> None:
    """Twenty-six blocks, too many to list, are balanced with no more than three equal in a row."""
    drawn = draw_schedules(26, 50, np.random.default_rng(2))
    assert all(allowed(tuple(map(bool, row))) for row in drawn)
    assert MAX_EQUAL == 3


def test_the_planned_dose_by_hand() -> None:
    """A first block with work decays from its end on: the closed form of the exponential mean."""
    dose = planned_dose(np.array([[True, False]]), 2, np.array([14, 28 - 7]), 21.0)
    after = 45 * (1 - 2 ** (-14 / 21))
    assert dose[:, 0] == pytest.approx([after, after * 2 ** (-7 / 21)])
