"""Turn figures of merit into the probability that phases are right, and into a verdict in words.

The probability is that of a logistic model whose coefficients were fitted to endings of artificial
crystals, right and wrong, and of shuffled amplitudes (`studies/verdict.py`). Right means a map
correlation of 0.7 or more with the true density.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from argand.cell import FloatArray
from argand.solve.figures import PhaseFigures

__all__ = [
    "SOLVED",
    "SPARSE",
    "Verdict",
    "atom_predictors",
    "comparable_r1",
    "predictors",
    "probability_of_phases",
    "probability_of_suspect",
    "probability_of_twin",
    "probability_with_atoms",
    "verdict_of",
]

Verdict = Literal["solved", "probable", "not solved"]

#: Above this probability a crystal is called solved, and the search for phases ends.
SOLVED = 0.95

#: Share of all reflections below which data are too few for a crystal to be called solved: the cell
#: may be wrong, and few smooth intensities are explained by an atom or two anyway.
SPARSE = 0.5

# Above this one phases are called probable.
_PROBABLE = 0.3

# What stands for the agreement with another start where there is none to compare with.
_NO_CONSISTENCY = 0.55

# What stands for the agreement with the space group where phases had its symmetry from the start.
# Right phases have more, wrong ones less.
_NO_SYMMETRY = 0.5

# Where all figures of merit are as good as they get, their differences mean nothing more.
_LOWEST_RESIDUAL = 0.12

# Resolution, in angstrom, about which the model is written.
_MIDDLE = 1.1

# Coefficients of the predictors, by `python studies/verdict.py fit` on 2026-11-29.
_COEFFICIENTS = (-1.23, 9.41, 0.22, -4.18, 3.21, 4.25, -0.27, 2.23, 1.07)

# No model knows better than this.
_LEAST_PROBABILITY = 1e-3
_LARGEST_LOGIT = 30.0

# Residuals are multiplied by this, so that all predictors vary by about 1 and are penalised alike
# when coefficients are fitted.
_TENFOLD = 10.0

# R1 beyond these is taken for them: the model of R1 is linear in between.
_LOWEST_R1 = 0.05
_HIGHEST_R1 = 0.45

# Logarithm of the odds that R1 gives: constant, coefficients of R1 and of the resolution, by the
# same command.
_ATOM_COEFFICIENTS = (9.06, -3.41, 2.61)

# R1 of wrong atoms is .59 of a single crystal and .40 of a perfect twin: by so much of the fraction
# R1 of a twin is enlarged before it is compared with that of single crystals.
# Source: G. N. Murshudov, Appl. Comput. Math. 10 (2011) 250-261.
_TWIN_R1 = 0.94

# Logarithm of the odds of a twin's structure before its R1 is known: most random starts end wrong.
_TWIN_LOGIT = -2.0


def predictors(figures: PhaseFigures, d_min: float) -> FloatArray:
    """Return the predictors (9,) of the logistic model.

    Parameters
    ----------
    figures
        Figures of merit of phases.
    d_min
        Resolution of the data, angstrom.
    """
    finite = math.isfinite(figures.consistency)
    consistency = figures.consistency if finite else _NO_CONSISTENCY
    symmetry = figures.symmetry if math.isfinite(figures.symmetry) else _NO_SYMMETRY
    residual = _TENFOLD * max(figures.residual, _LOWEST_RESIDUAL)
    strong_residual = _TENFOLD * max(figures.strong_residual, _LOWEST_RESIDUAL)
    coarseness = d_min - _MIDDLE
    return np.array(
        [
            1.0,
            figures.free_correlation,
            residual,
            strong_residual,
            symmetry,
            consistency,
            coarseness,
            coarseness * figures.free_correlation,
            coarseness * strong_residual,
        ]
    )


def probability_of_phases(figures: PhaseFigures, d_min: float) -> float:
    """Return the probability that phases are right.

    Parameters
    ----------
    figures
        Figures of merit of the phases.
    d_min
        Resolution of the data, angstrom.
    """
    return _logistic(float(predictors(figures, d_min) @ _COEFFICIENTS))


def probability_with_atoms(phases: float, r1: float, d_min: float) -> float:
    """Return the probability that phases and the atoms refined in them are right.

    The logarithm of the odds of R1 is added to that of the phases, as independent evidence. Atoms
    in wrong phases never explain the data: their R1 is above .3.

    Parameters
    ----------
    phases
        Probability of the phases by themselves.
    r1
        R1 of the refined atoms.
    d_min
        Resolution of the data, angstrom.
    """
    return _logistic(_logit(phases) + _evidence(r1, d_min))


def probability_of_twin(r1: float, fraction: float, d_min: float) -> float:
    """Return the probability that the refined atoms of a twin are right, by R1 alone.

    Parameters
    ----------
    r1
        R1 of the twin's intensities.
    fraction
        Share of the second domain.
    d_min
        Resolution of the data, angstrom.
    """
    return _logistic(_TWIN_LOGIT + _evidence(comparable_r1(r1, fraction), d_min))


def probability_of_suspect(probability: float, r1: float, fraction: float, d_min: float) -> float:
    """Return the probability that atoms refined as those of a single crystal are right.

    Parameters
    ----------
    probability
        The same for data that are certainly those of a single crystal.
    r1
        R1 of the atoms.
    fraction
        Share of the second domain if the data are those of a twin.
    d_min
        Resolution of the data, angstrom.
    """
    less = _evidence(r1, d_min) - _evidence(comparable_r1(r1, fraction), d_min)
    return _logistic(_logit(probability) - less)


def comparable_r1(r1: float, fraction: float) -> float:
    """Return R1 of a twin as of a single crystal, whose wrong atoms have a higher one."""
    return r1 * (1.0 + _TWIN_R1 * min(fraction, 1.0 - fraction))


def _logit(probability: float) -> float:
    """Return the logarithm of the odds of a probability that is not quite certain."""
    clipped = min(max(probability, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
    return math.log(clipped / (1.0 - clipped))


def _evidence(r1: float, d_min: float) -> float:
    """Return the logarithm of the odds that R1 of refined atoms gives."""
    return float(atom_predictors(np.array([r1]), np.array([d_min]))[0] @ _ATOM_COEFFICIENTS)


def atom_predictors(r1: FloatArray, d_min: FloatArray) -> FloatArray:
    """Return the predictors (n, 3) of the evidence that refined atoms give.

    Parameters
    ----------
    r1, d_min : (n,)
        R1 of the atoms, and resolution in angstrom.
    """
    bounded = _TENFOLD * np.clip(r1, _LOWEST_R1, _HIGHEST_R1)
    return np.stack([np.ones_like(bounded), bounded, d_min - _MIDDLE], axis=1)


def _logistic(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)), kept from the ends of the range of numbers."""
    return 1.0 / (1.0 + math.exp(-max(min(logit, _LARGEST_LOGIT), -_LARGEST_LOGIT)))


def verdict_of(
    figures: PhaseFigures, probability: float, d_min: float, r1: float | None
) -> tuple[Verdict, tuple[str, ...]]:
    """Say whether a crystal is solved, and why, in sentences.

    Parameters
    ----------
    figures, probability
        Figures of merit of the phases, and the probability that they are right.
    d_min
        Resolution of the data, angstrom.
    r1
        R1 of the refined atoms; None where none were refined.
    """
    verdict: Verdict = "not solved"
    if probability > SOLVED:
        verdict = "solved"
    elif probability > _PROBABLE:
        verdict = "probable"
    expected = _of_right_phases(d_min)
    free = f"{figures.free_correlation:.2f} ({expected} where phases are right)"
    strong = f"{figures.strong_residual:.2f}"
    reasons = [
        f"amplitudes that were left out are predicted with a correlation of {free}",
        f"the density without its low values explains strong reflections with R = {strong}",
    ]
    if math.isfinite(figures.symmetry):
        agreement = f"{figures.symmetry:.2f}"
        reasons.append(f"phases that know no symmetry agree with the space group by {agreement}")
    if math.isfinite(figures.consistency):
        reasons.append(f"the phases of another start agree by {figures.consistency:.2f}")
    if r1 is not None:
        reasons.append(f"the refined atoms explain the data with R1 = {r1:.3f}")
    if verdict == "not solved":
        reasons.append("phases, space group and atoms are the best that were found, but not right")
    return verdict, tuple(reasons)


def _of_right_phases(d_min: float) -> str:
    """Say which free correlations right phases have at a resolution, angstrom."""
    return "0.75 to 0.95" if d_min < _MIDDLE else "0.7 to 0.9"
