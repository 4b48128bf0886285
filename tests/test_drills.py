"""The catalogue names every drill once, whatever people call it, and says which count."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from pipeline.balance import derive_dose
from pipeline.drills import Drill, catalogue, drills, find_drill, is_known, normalise, uncounted
from pipeline.tables import BalanceSessions

CATEGORIES = {
    "foundation strength",
    "unstable surface",
    "multi-directional",
    "single-leg circuit",
    "core",
    "surface and footwork",
    "neuromuscular",
    "eccentric",
    "foot strength",
    "mobility",
    "warm-up and cool-down",
}
# Each drill the brief of the training literature names, by its category there.
LITERATURE = {
    "foundation strength": ["hip hinge", "side plank", "calf raise"],
    "unstable surface": ["foam", "balance board", "wobble cushion", "wobble board"],
    "multi-directional": ["lateral hop", "diagonal lunge", "balance-tube march"],
    "single-leg circuit": ["SL RDL", "step-up with knee drive", "tandem stance reach"],
    "core": [
        *("plank with limb movement", "anti-rotation hold", "dead bug", "glute bridge", "clam", "hip thrust")
    ],
    "surface and footwork": ["grass", "mat", "sand", "quick taps", "ladder", "controlled pivot"],
    "neuromuscular": ["line tracing on one leg", "eye focus"],
    "eccentric": ["deficit step-down", "slow single-leg squat"],
    "mobility": ["ankle circles", "hip openers", "dynamic hamstring"],
    "warm-up and cool-down": ["warm-up balance", "cool-down balance"],
}


def rows() -> list[dict[str, str]]:
    file = Path(pipeline.__file__).with_name("drills.csv")
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_every_name_means_one_drill() -> None:
    """No name or alias stands twice, also where two spellings come to the same."""
    names = [name for row in rows() for name in (row["drill"], *filter(None, row["aliases"].split("|")))]
    spelled = Counter(normalise(name).removesuffix("s") for name in names)
    assert [name for name, n in spelled.items() if n > 1] == []
    assert len(catalogue()) == len(names)


def test_every_alias_leads_to_its_own_row() -> None:
    """Whoever writes an alias gets the drill of its row."""
    for row in rows():
        for alias in filter(None, row["aliases"].split("|")):
            assert find_drill(alias).name == row["drill"]


def test_every_row_is_whole() -> None:
    """Each drill has a category of the list, a difficulty from 1 to 5, and a yes or no where one is due."""
    assert {drill.category for drill in drills()} == CATEGORIES
    assert all(drill.difficulty in range(1, 6) for drill in drills())
    assert {row[name] for row in rows() for name in ("counts_towards_dose", "per_side")} == {"yes", "no"}


@pytest.mark.parametrize("category", LITERATURE)
def test_the_drills_of_the_literature_are_known(category: str) -> None:
    """Every drill that the training literature names is in the catalogue under its category."""
    assert {find_drill(name).category for name in LITERATURE[category]} == {category}


def test_only_mobility_does_not_count() -> None:
    """Mobility is no balance work and counts for nothing; every other category counts whole."""
    assert {drill.category for drill in drills() if not drill.counts} == {"mobility"}
    assert uncounted() == {drill.name for drill in drills() if drill.category == "mobility"}


def test_an_unknown_drill_keeps_its_name_and_counts() -> None:
    """What nobody has heard of stays under its own name, in 'other', and counts."""
    assert find_drill("tree pose") == Drill("tree pose", "other", None, True, None)
    assert not is_known("tree pose")


def test_own_names_come_first() -> None:
    """A name the athlete gave stands before the catalogue's, whatever its case."""
    own = {"tree pose": "quick taps", "plank": "side plank"}
    assert find_drill("Tree  Pose", own).name == "quick taps"
    assert find_drill("plank", own).name == "side plank"


@given(st.sampled_from(sorted(catalogue())), st.booleans(), st.sampled_from([" ", "-", "_", "  "]))
def test_spelling_does_not_matter(name: str, capital: bool, between: str) -> None:
    """Case, what stands between the words and a plural s make no difference."""
    written = between.join(name.split())
    assert find_drill(written.upper() if capital else written + "s") == catalogue()[name]


def test_mobility_is_logged_and_not_dosed() -> None:
    """Ten minutes of ankle circles leave the dose at nothing; an unknown drill beside them counts whole."""
    rows_ = [
        {"session_id": str(n), "athlete_id": "ada", "date": date(2026, 1, 5), "drill": drill, "minutes": 10.0}
        for n, drill in enumerate(["ankle circles", "tree pose"])
    ]
    table = pl.DataFrame(
        [row | {"category": find_drill(str(row["drill"])).category} for row in rows_],
        schema=BalanceSessions.create_empty().schema,
    )
    dose = derive_dose(BalanceSessions.validate(table), until=date(2026, 1, 5))
    assert dose["minutes"].to_list() == [10.0]
