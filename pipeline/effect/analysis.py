"""The versions of the question, each fitted, shuffled and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.effect.gls import Array, Fit, fit_gls
from pipeline.effect.permutation import permutation_p, shuffled_doses
from pipeline.effect.season import Season
from pipeline.effect.verdict import Evidence, decide_verdict

# With which other versions a version must agree before it is believed.
_AGREEMENT: Mapping[str, tuple[str, ...]] = {
    "technical": ("difference", "cubic time"),
    "difference": ("technical",),
    "cubic time": ("technical",),
    "technical alone": ("technical",),
    "smooth": (),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one version of the question gave; `fit` and `permutation_p` are None where it cannot be fitted."""

    fit: Fit | None
    permutation_p: float | None
    verdict: str


def _questions(season: Season) -> dict[str, tuple[Array, Array]]:
    """Outcome and nuisance columns of every version of the question."""
    plain = season.nuisance()
    return {
        "technical": (season.technical, season.nuisance(smooth=True)),
        "difference": (season.technical - season.smooth, plain),
        "cubic time": (season.technical, season.nuisance(smooth=True, cubic=True)),
        "technical alone": (season.technical, plain),
        "smooth": (season.smooth, plain),
    }


def analyse_season(season: Season, half_life_days: float, seed: int) -> dict[str, Finding]:
    """A finding for each version of the question, the headline "technical" first."""
    contrast = season.contrast
    questions = _questions(season)
    fits: dict[str, Fit | None] = dict.fromkeys(questions)
    chances: dict[str, float | None] = dict.fromkeys(questions)
    if contrast is not None and contrast > 0:
        shuffled = shuffled_doses(season.minutes, season.run_day, half_life_days, seed)
        for outcome, (values, nuisance) in questions.items():
            fits[outcome] = fit_gls(season.days, values, season.dose, nuisance, season.scatter)
            if fits[outcome] is not None:
                chances[outcome] = permutation_p(values, season.dose, shuffled, nuisance)
    findings = {}
    for outcome in questions:
        evidence = Evidence(
            has_log=season.has_log,
            n_runs=season.n_runs,
            weeks=season.weeks,
            technical_per_third=season.n_technical.tolist(),
            contrast=contrast,
            fit=fits[outcome],
            permutation_p=chances[outcome],
            companions=[
                other.estimate if (other := fits[name]) is not None else None for name in _AGREEMENT[outcome]
            ],
        )
        findings[outcome] = Finding(fits[outcome], chances[outcome], decide_verdict(evidence))
    return findings
