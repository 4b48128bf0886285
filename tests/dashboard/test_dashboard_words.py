"""Numbers as people read them."""

from datetime import date

import pytest

from dashboard import words


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(-0.09, "9 % steadier"), (0.04, "4 % less steady"), (0.004, "no change"), (0.0, "no change")],
)
def test_change_spells_out_its_direction(fraction: float, expected: str) -> None:
    """A change below zero is steadier, above it less steady, and one that rounds to nothing is no change."""
    assert words.change(fraction).replace(words.NBSP, " ") == expected


def test_a_change_of_more_than_tenfold_is_not_told_to_the_digit() -> None:
    """An end that far away says only that it is far."""
    assert words.change_range(-0.58, 124.8) == "58\u00a0% steadier to over 1000\u00a0% less steady"


def test_numbers_carry_units_and_a_true_minus() -> None:
    """Units follow a hard space, and minus is not a hyphen."""
    assert words.percent(0.0382) == "3.8\u00a0%"
    assert words.signed_percent(-0.012) == "\u22121.2\u00a0%"
    assert words.percent_range(0.036, 0.041) == "3.6 to 4.1\u00a0%"
    assert words.signed_percent(-0.0004, 0) == "+0\u00a0%"
    assert words.number(-0.4, "min/week") == "0\u00a0min/week"
    assert words.number(1393.4, "m") == "1\u202f393\u00a0m"
    assert words.day(date(2026, 10, 4)) == "4\u00a0Oct\u00a02026"


def test_durations_round_to_minutes() -> None:
    """An hour and more shows both parts, and 59.6 minutes do not become 0 h 60 min."""
    assert words.duration(10_275) == "2\u00a0h 51\u00a0min"
    assert words.duration(3_590) == "1\u00a0h 00\u00a0min"
    assert words.duration(1_500) == "25\u00a0min"


def test_days_in_a_text_are_read_as_days() -> None:
    """A day in digits becomes words; what only looks like one, or is a part of a name, stays."""
    said = "no run since 2026-10-04, of 2026-02-31; file 2026-10-04T0709, x-2026-10-04"
    assert words.with_days(said) == said.replace("2026-10-04,", "4\u00a0Oct\u00a02026,", 1)


def test_unknown_values_are_a_dash() -> None:
    """What is not known is not shown as zero."""
    assert {
        words.percent(None),
        words.percent_range(0.1, None),
        words.duration(None),
        words.number(None, "m"),
    } == {words.NONE}


def test_an_interval_on_one_side_is_said_from_its_near_end() -> None:
    """Both ends steadier, or both less steady: the unit and the sign are said once."""
    assert words.change_range(-0.31, -0.21) == "21 to 31\N{NO-BREAK SPACE}% steadier"
    assert words.change_range(0.02, 0.16) == "2 to 16\N{NO-BREAK SPACE}% less steady"


def test_no_p_value_is_zero() -> None:
    """A small p is said to be small; none is said to be none."""
    assert words.p_value(0.0) == "< 0.001"
    assert words.p_value(0.26) == "0.260"
    assert words.p_value(None) == words.NONE
