"""Colours for eyes that see fewer of them: dichromats' sight is computed, and distances in it measured.

Sight: Machado, Oliveira and Fernandes 2009 (DOI 10.1109/TVCG.2009.113), severity 1. Distance: CIE 1976 in
CIELAB under D65, in which about 2 is just seen side by side.
"""

from itertools import combinations

import numpy as np
import pytest

from dashboard import theme

SIGHTS = {
    "all cones": np.eye(3),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranope": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanope": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
APART = 20.0
"""Ten times what is just seen: small marks far from each other are told apart."""
SHADES_APART = 12.0
"""Shades of one bar touch each other, and their order is that of the words beside them."""


def lab(colour: str, sight: str) -> np.ndarray:
    """CIELAB of `#RRGGBB` as it looks to these eyes."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(SIGHTS[sight] @ linear, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, sight: str) -> float:
    """How far two colours are from each other to these eyes."""
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


def test_white_and_black_are_a_hundred_apart() -> None:
    """By the definition of lightness, and grey looks grey to all eyes."""
    for sight in SIGHTS:
        assert distance("#FFFFFF", "#000000", sight) == pytest.approx(100, abs=0.1)
        assert np.abs(lab("#808080", sight)[1:]).max() < 0.5


def test_a_green_and_a_red_are_one_to_a_deuteranope() -> None:
    """A pair from the textbook is found: as far apart as can be to most eyes, and near to these."""
    far, near = (distance("#C05000", "#7F7F00", sight) for sight in ("all cones", "deuteranope"))
    assert far > 3 * near


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_marks_are_told_apart_by_all_eyes(colours: theme.Theme, sight: str) -> None:
    """The two grounds from each other, from the dot, the words and the paper; the bars from the grounds."""
    marks = (colours.technical, colours.smooth, colours.ink, colours.card)
    pairs = [
        *combinations(marks, 2),
        *((colours.cursor, mark) for mark in (colours.technical, colours.smooth)),
        *((colours.dose[0], mark) for mark in (colours.technical, colours.smooth)),
    ]
    near = {pair: round(distance(*pair, sight), 1) for pair in pairs if distance(*pair, sight) < APART}
    assert near == {}


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_shades_of_a_bar_are_told_apart(colours: theme.Theme, sight: str) -> None:
    """The kinds of balance work in one bar, and each from the card behind it."""
    shades = (*colours.dose, colours.card)
    assert min(distance(*pair, sight) for pair in combinations(shades, 2)) > SHADES_APART
