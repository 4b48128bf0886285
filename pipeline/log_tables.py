"""The tables of the balance log: what was done, what the plan asks for, and the dose that comes of it."""

from __future__ import annotations

import dataframely as dy

from pipeline.columns import choice, count, day, flag, number, text


class BalanceSessions(dy.Schema):
    """One row per logged exercise."""

    session_id = text("made of athlete, date, drill, side and which of equal ones it is", key=True)
    athlete_id = text("whose log it is")
    date = day("local day")
    drill = text("name of the drill")
    category = text("category of the drill, 'other' where unknown")
    minutes = number("min", "time on the drill", nullable=False, min=0, max=600)
    sets = count("sets", nullable=True)
    reps = count("repetitions a set", nullable=True)
    hold_s = number("s", "hold", min=0)
    side = text("left, right or both", nullable=True)
    surface = text("surface", nullable=True)
    eyes = text("open or closed", nullable=True)
    clean_sets = count("sets without a wobble", nullable=True)
    wobbles = count("wobbles", nullable=True)
    rpe = number("", "rate of perceived exertion", min=0, max=10)
    note = text("free text", nullable=True)


class DrillNames(dy.Schema):
    """One row per athlete and drill that goes by another name in the athlete's log."""

    athlete_id = text("whose log it is", key=True)
    logged = text("the drill as it is logged, in small letters", key=True)
    drill = text("the drill of the catalogue that is meant")


class ProposedSessions(dy.Schema):
    """One row per drill of a strength workout that the watch recorded: no session until it is accepted."""

    session_id = text("made of athlete, file and drill", key=True)
    athlete_id = text("whose workout it is")
    date = day("local day")
    drill = text("name of the drill, or of the exercise where the catalogue has none")
    category = text("category of the drill, 'other' where unknown")
    minutes = number("min", "time of the sets, rests left out", nullable=False, min=0, max=600)
    sets = count("sets")
    reps = count("repetitions a set (median)", nullable=True)
    hold_s = number("s", "length of a set without repetitions (median)", min=0)
    source_name = text("the file's name")
    status = choice("what became of it", ("proposed", "accepted", "declined"))


class Settings(dy.Schema):
    """One row per athlete and setting that differs from its default."""

    athlete_id = text("whose setting it is", key=True)
    key = text("name of the setting", key=True)
    value = number("", "its value", nullable=False)


class Adherence(dy.Schema):
    """One row per athlete and week since the first logged day: the log beside the plan."""

    athlete_id = text("whose log it is", key=True)
    week = day("Monday of the week", key=True)
    n_sessions = count("days with minutes that count")
    minutes = number("min", "minutes that count", nullable=False, min=0)
    minutes_per_session = number("min", "minutes a session", min=0)
    clean_share = number("", "share of sets without a wobble, of those whose log says", min=0, max=1)
    sessions_in_plan = flag("as many sessions as the plan asks for; empty while the week is not over")
    rest_in_plan = flag("enough rest between intense sessions")
    minutes_in_plan = flag("sessions as long as the plan asks for by now")
    progress_in_plan = flag("holds and repetitions of four weeks above those of the four before")
    clean_in_plan = flag("enough sets without a wobble to go on")
    reasons = text("where the week left the plan, '; ' between, empty where it kept to it")
    next_step = text("what is next, in one sentence")


class Dose(dy.Schema):
    """One row per athlete and day from the first logged day on."""

    athlete_id = text("whose dose it is", key=True)
    date = day("local day", key=True)
    minutes = number("min", "balance minutes of the day", nullable=False, min=0)
    dose = number("min/week", "decayed weekly minutes up to the day before", nullable=False, min=0)


class DoseByCategory(dy.Schema):
    """One row per athlete, day and category of drills that count: the parts that `dose` is the sum of."""

    athlete_id = text("whose dose it is", key=True)
    date = day("local day", key=True)
    category = text("category of the drills", key=True)
    minutes = number("min", "balance minutes of the day", nullable=False, min=0)
    dose = number("min/week", "decayed weekly minutes up to the day before", nullable=False, min=0)
