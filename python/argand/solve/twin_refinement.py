"""Refine the structure of a twin: share its intensities between the domains, and refine one domain.

Of a twin with the law T and the fraction a, I(h) = (1 - a) J(h) + a J(Th). What was measured is
shared as the structure says: J(h) = I(h) Jc(h) / ((1 - a) Jc(h) + a Jc(Th)), at any fraction up to
a half. Residuals over their sigmas are then those of the twin.

Source: as SHELXL shares the intensities of twins for its maps (G. M. Sheldrick, Acta Cryst. C71
(2015) 3-8; R. Herbst-Irmer, Z. Kristallogr. 231 (2016) 573-581).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.measured import Agreement, Merged, agreement, calculated_intensity
from argand.radiation import Radiation
from argand.solve.candidate import PhasedReflections
from argand.solve.model import AtomicModel, AtomicModelSettings, build_model
from argand.solve.settings import TimeLimit
from argand.solve.twins import TwinFinding, fitted_fraction

__all__ = ["RefinedTwin", "comparable_r1", "refined_twin", "share_of_domain"]

# Rounds of sharing and refinement at most; they end where R1 falls by less than this factor.
_ROUNDS = 8
_FALLING = 0.99

# A domain gets at least this share of a measured intensity: weak calculated ones are uncertain.
_LEAST_SHARE = 0.02

# R1 of wrong atoms is .59 of a single crystal and .40 of a perfect twin: by so much of the fraction
# R1 of a twin is enlarged before it is compared with that of single crystals.
_TWIN_R1 = 0.94


@dataclass(frozen=True, eq=False)
class RefinedTwin:
    """Hold the refined structure of a twin.

    Parameters
    ----------
    model
        Atoms; R1, wR2 and goodness of fit are those of the twin's intensities.
    finding
        The law with the refined fraction.
    """

    model: AtomicModel
    finding: TwinFinding


def refined_twin(
    merged: Merged,
    phases: npt.NDArray[np.complexfloating],
    model: AtomicModel | None,
    finding: TwinFinding,
    radiation: Radiation,
    contents: Mapping[str, float] | None,
    limit: TimeLimit,
) -> RefinedTwin | None:
    """Find and refine the atoms of a twin, and its fraction, from phases that are nearly right.

    Parameters
    ----------
    merged
        Measured intensities of the twin, n unique reflections.
    phases : (n,)
        F with phases, where there are no atoms.
    model
        Atoms to begin with; None begins with the phases.
    finding
        Twin law, with a first fraction.
    radiation, contents
        As `argand.solve.pipeline.solve` has them.
    limit
        Ends the refinement with the best so far.

    Returns
    -------
    RefinedTwin or None
        None where no atoms were found.
    """
    best: RefinedTwin | None = None
    try:
        if model is None:
            model = build_model(PhasedReflections(merged, np.asarray(phases), radiation), contents)
        for _ in range(_ROUNDS):
            fraction = fitted_fraction(merged, finding.law, np.abs(model.structure_factors) ** 2)
            if fraction is not None:
                finding = replace(finding, fraction=fraction[0], uncertainty=fraction[1])
            figures = _agreement(model, merged, finding, radiation)
            if best is not None and figures.r1 > _FALLING * best.model.r1:
                break
            best = RefinedTwin(_with_figures(model, figures, merged), finding)
            if limit.is_over():
                break
            model = _refined(model, merged, finding, radiation, contents)
    except ArgandError:
        return best
    return best


def share_of_domain(
    crystal: Crystal, merged: Merged, finding: TwinFinding, radiation: Radiation
) -> FloatArray:
    """Return J(h) / I(h) (n,) of the first domain, as the structure of a crystal says."""
    own = calculated_intensity(crystal, merged.hkl, radiation=radiation)
    law = tuple(np.ravel(finding.law).tolist())
    total = calculated_intensity(
        crystal, merged.hkl, radiation=radiation, twin=law, fraction=finding.fraction
    )
    share = np.divide(own, total, out=np.ones_like(own), where=total > 0)
    return np.maximum(share, _LEAST_SHARE)


def comparable_r1(r1: float, fraction: float) -> float:
    """Return R1 of a twin as of a single crystal, whose wrong atoms have a higher one.

    Source: G. N. Murshudov, Appl. Comput. Math. 10 (2011) 250-261.
    """
    return r1 * (1.0 + _TWIN_R1 * min(fraction, 1.0 - fraction))


def _refined(
    model: AtomicModel,
    merged: Merged,
    finding: TwinFinding,
    radiation: Radiation,
    contents: Mapping[str, float] | None,
) -> AtomicModel:
    """Find the atoms of the first domain again, with the phases and shares of a model."""
    share = share_of_domain(model.crystal, merged, finding, radiation)
    sigma = None if merged.sigma is None else merged.sigma * share
    domain = replace(merged, intensity=merged.intensity * share, sigma=sigma)
    amplitude = np.sqrt(np.maximum(domain.intensity, 0.0))
    phased = amplitude * np.exp(1j * np.angle(model.structure_factors))
    settings = AtomicModelSettings(extinction=False)
    return build_model(PhasedReflections(domain, phased, radiation), contents, settings)


def _agreement(
    model: AtomicModel, merged: Merged, finding: TwinFinding, radiation: Radiation
) -> Agreement:
    """Compare the calculated intensities of a twin with the measured ones."""
    law = tuple(np.ravel(finding.law).tolist())
    calculated = calculated_intensity(
        model.crystal, merged.hkl, radiation=radiation, twin=law, fraction=finding.fraction
    )
    weights = (model.weighting.a, model.weighting.b)
    return agreement(calculated, merged.intensity, merged.sigma, weights)


def _with_figures(model: AtomicModel, figures: Agreement, merged: Merged) -> AtomicModel:
    """Return a model with the figures of merit of the twin's intensities."""
    return replace(
        model,
        r1=figures.r1,
        r1_all=figures.r1_all,
        wr2=figures.wr2,
        scale=figures.scale**2,
        reflections=len(merged.hkl),
    )
