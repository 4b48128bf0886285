"""Strength sets of a watch become proposals for the balance log, and nothing else does."""

from datetime import date
from io import BytesIO
from pathlib import Path

import fitdecode
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.workouts import propose_sessions
from pipeline.tables import ProposedSessions
from tests.ingest.fit_bytes import ENUM, SESSION, SET, T0, UINT16, UINT32, data, definition, fit

FIELDS = [
    (0, 4, UINT32),
    (3, 2, UINT16),
    (5, 1, UINT16 - 0x82),
    (6, 4, UINT32),
    (7, 2, UINT16),
    (8, 2, UINT16),
]
PLANK, CALF_RAISE, BENCH_PRESS, RUN = 19, 1, 0, 32
ACTIVE, REST = 1, 0
NO_COUNT = 0xFFFF


def workout(*sets: tuple[float, int, int, int, int], big: bool = False) -> bytes:
    """A strength workout: sets of (seconds, repetitions, active or rest, category, exercise)."""
    session = definition(1, SESSION, [(2, 4, UINT32), (5, 1, ENUM), (6, 1, ENUM)])
    return fit(
        session,
        data(1, "IBB", T0, 10, 20),
        definition(0, SET, FIELDS, big=big),
        *(
            data(0, "IHBIHH", round(seconds * 1000), reps, kind, T0 + n, category, exercise, big=big)
            for n, (seconds, reps, kind, category, exercise) in enumerate(sets)
        ),
    )


def propose(content: bytes) -> list[dict[str, object]]:
    return list(propose_sessions("gym.fit", "ab" * 32, content))


@pytest.mark.parametrize("big", [False, True])
def test_a_workout_by_hand(big: bool) -> None:
    """Sets of a drill are one proposal with its minutes without rests, its sets, and repetitions or hold."""
    found = propose(
        workout(
            (30, NO_COUNT, ACTIVE, PLANK, 66),
            (60, NO_COUNT, REST, PLANK, 66),
            (60, NO_COUNT, ACTIVE, PLANK, 66),
            (40, 12, ACTIVE, CALF_RAISE, 18),
            (50, 14, ACTIVE, CALF_RAISE, 18),
            (30, 10, ACTIVE, BENCH_PRESS, 0),
            big=big,
        )
    )
    ids = [row.pop("session_id") for row in found]
    assert len(set(ids)) == 3
    same = {"date": date(2021, 9, 8), "source_name": "gym.fit"}
    assert found[:2] == [
        same
        | {"drill": "side plank", "category": "foundation strength", "minutes": 1.5}
        | {"sets": 2, "reps": None, "hold_s": 45.0},
        same
        | {"drill": "calf raise", "category": "foundation strength", "minutes": 1.5}
        | {"sets": 2, "reps": 13, "hold_s": None},
    ]
    assert found[2]["category"] == "other"
    assert "chest press" in str(found[2]["drill"])


def test_the_same_file_gives_the_same_ids() -> None:
    """Proposals of a content are known again, those of another content are others."""
    content = workout((30, NO_COUNT, ACTIVE, PLANK, 43))
    assert propose(content) == propose(content)
    other = propose_sessions("gym.fit", "cd" * 32, content)[0]["session_id"]
    assert other != propose(content)[0]["session_id"]


def test_rows_fit_their_table() -> None:
    """With athlete and status the rows are rows of ProposedSessions."""
    rows = [
        row | {"athlete_id": "ada", "status": "proposed"} for row in propose(workout((5, 3, ACTIVE, 19, 43)))
    ]
    table = pl.DataFrame(rows, schema=ProposedSessions.create_empty().schema)
    assert ProposedSessions.is_valid(table)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"notes",
        fit(definition(0, SET, FIELDS)),
        workout((30, 5, REST, PLANK, 43)),
        workout((0, 5, ACTIVE, PLANK, 43)),
        workout((300, NO_COUNT, ACTIVE, RUN, 0)),
        workout((30, 5, ACTIVE, PLANK, 43))[:40],
    ],
)
def test_nothing_is_proposed_without_an_active_set(content: bytes) -> None:
    """Other files, rests, empty sets, steps of a run and cut-off files propose nothing."""
    assert propose(content) == []


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_wrong_byte_breaks_it(place: int, byte: int) -> None:
    """Whatever byte is wrong, there are proposals of a positive time or none, and never an error."""
    content = workout((30, 5, ACTIVE, PLANK, 43), (40, NO_COUNT, ACTIVE, CALF_RAISE, 18))
    place %= len(content)
    found = propose(content[:place] + bytes([byte]) + content[place + 1 :])
    assert all(0 < float(str(row["minutes"])) <= 600 for row in found)


def test_a_real_workout(corpus: Path) -> None:
    """The strength workout of the corpus proposes as many seconds as its active sets last."""
    found = {}
    for file in sorted((corpus / "other-vendors").rglob("*.[fF][iI][tT]")):
        content = file.read_bytes()
        if rows := propose_sessions("some.fit", "ab" * 32, content):
            found[file] = sum(float(row["minutes"]) for row in rows)
            referee = fitdecode.FitReader(BytesIO(content), error_handling=fitdecode.ErrorHandling.IGNORE)
            sets = [frame for frame in referee if getattr(frame, "name", "") == "set"]
            lasted = [
                frame.get_value("duration")
                for frame in sets
                if isinstance(frame, fitdecode.FitDataMessage) and frame.get_value("set_type") == "active"
            ]
            assert found[file] * 60 == pytest.approx(sum(lasted))
    assert len(found) == 1
