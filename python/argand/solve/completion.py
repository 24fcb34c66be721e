"""Refine the sites of a crystal to the end: on |F| and on |F|^2, with hydrogens that ride."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.refine import Refinement, Weighting
from argand.solve.final_refinement import (
    anisotropic,
    extinction_start,
    free_parameters,
    is_positive,
    refine_intensities,
    robust_sigma,
    usable_sigma,
    weighting_of,
)
from argand.solve.hydrogens import place_hydrogens, with_hydrogens
from argand.solve.observed_amplitudes import ObservedAmplitudes

__all__ = [
    "AtomicModelSettings",
    "CompleteStructure",
    "complete",
    "heavy_difference",
    "is_hydrogen",
    "without_hydrogens",
]

# Cycles on |F| with isotropic and with anisotropic sites, and on |F|^2.
_ISOTROPIC_CYCLES = 4
_ANISOTROPIC_CYCLES = 4
_LAST_CYCLES = 4

# B of a hydrogen is at most this, in A^2: that of a carrier may be much too large for a while.
_LARGEST_HYDROGEN_B = 15.0

# Limits of B in A^2 between refinements.
_LEAST_B = 0.2
_LARGEST_B = 40.0

# Least occupancy between refinements.
_LEAST_OCCUPANCY = 0.1


@dataclass(frozen=True)
class AtomicModelSettings:
    """Choose how a model is refined.

    Attributes
    ----------
    hydrogens : whether hydrogens are placed
    anisotropic : whether sites get tensors U where the data can determine them
    extinction : True: refined; False: none; None: refined where the data show it
    """

    hydrogens: bool = True
    anisotropic: bool = True
    extinction: bool | None = None


@dataclass(frozen=True, eq=False)
class CompleteStructure:
    """Hold a structure that was refined to the end.

    Attributes
    ----------
    crystal : all sites, hydrogens included
    riding : label of the carrier by that of each hydrogen
    refinement : the last one, on |F|^2
    weighting : its weights
    outliers : (m,) mask of the reflections that were given less weight
    extinction : whether extinction was refined
    """

    crystal: Crystal
    riding: Mapping[str, str]
    refinement: Refinement
    weighting: Weighting
    outliers: NDArray[np.bool_]
    extinction: bool

    @property
    def r1(self) -> float:
        """Return R1 of the reflections with I > 2 sigma."""
        return float(self.refinement.figures.r1_strong[0])


def complete(
    observed: ObservedAmplitudes,
    heavy: Crystal,
    quota: float | None,
    settings: AtomicModelSettings,
) -> CompleteStructure:
    """Refine isotropic sites without hydrogens to a complete structure.

    Parameters
    ----------
    observed
        The measured data.
    heavy
        All sites but hydrogens.
    quota
        Hydrogens in the cell, or None where their number is unknown.
    settings
        What is refined.
    """
    has_hydrogens = settings.hydrogens and (quota is None or quota > 0.0)
    parameters = free_parameters(heavy, {})
    refinement = observed.refine(heavy, parameters, cycles=_ISOTROPIC_CYCLES, damping=1e-3)
    crystal = _bounded(refinement.crystals()[0])
    riding: dict[str, str] = {}
    if has_hydrogens:
        crystal, riding = _with_new_hydrogens(observed, crystal, quota)
    if settings.anisotropic:
        crystal = anisotropic(crystal, len(observed.amplitude))
    parameters = free_parameters(crystal, riding)
    refinement = observed.refine(crystal, parameters, cycles=_ANISOTROPIC_CYCLES, damping=1e-3)
    crystal = _bounded(refinement.crystals()[0])
    if has_hydrogens:
        crystal, riding = _with_new_hydrogens(observed, crystal, quota)
    return _refined_on_intensities(observed, crystal, riding, settings)


def is_hydrogen(crystal: Crystal) -> NDArray[np.bool_]:
    """Tell which sites (n,) are hydrogens."""
    return np.array([atom_type(name).element in ("H", "D") for name in crystal.types], bool)


def _refined_on_intensities(
    observed: ObservedAmplitudes,
    crystal: Crystal,
    riding: Mapping[str, str],
    settings: AtomicModelSettings,
) -> CompleteStructure:
    """Refine a nearly complete structure on |F|^2, twice: weights follow from the first."""
    sigma = usable_sigma(observed)
    calculated = observed.calculated(crystal)
    extinction = None
    if settings.extinction is not False:
        extinction = extinction_start(observed, calculated)
        if settings.extinction and extinction is None:
            extinction = 0.0
    for last in (False, True):
        weighting, robust, outliers = _weights(observed, calculated, sigma)
        refinement = refine_intensities(
            observed,
            crystal,
            riding,
            robust,
            weighting,
            extinction=extinction,
            cycles=_LAST_CYCLES,
            last=last,
        )
        refined = refinement.crystals()[0]
        calculated = refinement.structure_factors()[0]
        if not last:
            crystal = _with_riding_b(_bounded(refined), riding)
            if extinction is not None:
                extinction = float(refinement.model.extinction(refinement.p)[0])
    return CompleteStructure(
        refined, riding, refinement, weighting, outliers, extinction is not None
    )


def _weights(
    observed: ObservedAmplitudes, calculated: NDArray[np.complexfloating], sigma: FloatArray
) -> tuple[Weighting, FloatArray, NDArray[np.bool_]]:
    """Return weights, sigmas enlarged for outliers, and which reflections (m,) are outliers."""
    intensity = observed.merged.intensity
    squares = np.square(np.abs(calculated))
    amplitudes = np.abs(calculated)
    scale = (float(observed.amplitude @ amplitudes) / float(squares.sum())) ** 2
    weighting = weighting_of(intensity, sigma, scale * squares, scale)
    robust, outliers = robust_sigma(intensity, sigma, scale * squares, weighting, scale)
    return weighting, robust, outliers


def heavy_difference(
    observed: ObservedAmplitudes, crystal: Crystal
) -> tuple[Crystal, NDArray[np.float32]]:
    """Return a crystal without its hydrogens, and the map of |Fo| minus its |Fc| in e/A^3."""
    heavy = without_hydrogens(crystal)
    calculated = observed.calculated(heavy)
    amplitudes = np.abs(calculated)
    weight = np.reciprocal(np.square(observed.rough_sigma))
    product = float((weight * observed.amplitude) @ amplitudes)
    scale = product / float((weight * amplitudes) @ amplitudes)
    return heavy, observed.difference_density(calculated, scale)


def _with_new_hydrogens(
    observed: ObservedAmplitudes, crystal: Crystal, quota: float | None
) -> tuple[Crystal, dict[str, str]]:
    """Place hydrogens anew, by geometry and by the difference map of all other sites."""
    heavy, difference = heavy_difference(observed, crystal)
    crystal, riding = with_hydrogens(heavy, place_hydrogens(heavy, difference, quota))
    return _bounded(crystal), riding


def without_hydrogens(crystal: Crystal) -> Crystal:
    """Return the sites of a crystal that are no hydrogens."""
    return crystal.select(~is_hydrogen(crystal))


def _with_riding_b(crystal: Crystal, riding: Mapping[str, str]) -> Crystal:
    """Give hydrogens anew 1.2 or 1.5 times the B of their carriers, as before."""
    site_of_label = {label: site for site, label in enumerate(crystal.labels)}
    b_iso = np.array(crystal.b_iso)
    count: dict[str, int] = {}
    for carrier in riding.values():
        count[carrier] = count.get(carrier, 0) + 1
    for label, carrier in riding.items():
        site = site_of_label[carrier]
        element = atom_type(crystal.types[site]).element
        is_rotor = element == "O" or (element == "C" and count[carrier] == 3)
        factor = 1.5 if is_rotor else 1.2
        b_iso[site_of_label[label]] = min(_LARGEST_HYDROGEN_B, factor * b_iso[site])
    return crystal.replace(b_iso=b_iso)


def _bounded(crystal: Crystal) -> Crystal:
    """Make displacements positive: a tensor that is not becomes isotropic, a B that is not small.

    Occupancies are brought to between 0 and 1.
    """
    positive = is_positive(crystal)
    b_iso = np.clip(crystal.b_iso, _LEAST_B, _LARGEST_B)
    hydrogens = is_hydrogen(crystal)
    b_iso[hydrogens] = np.minimum(b_iso[hydrogens], _LARGEST_HYDROGEN_B)
    u_aniso = crystal.u_aniso
    if u_aniso is not None:
        u_aniso = np.array(u_aniso)
        u_aniso[~positive] = np.nan
        if np.isnan(u_aniso).all():
            u_aniso = None
    occ = np.where(hydrogens, crystal.occ, np.clip(crystal.occ, _LEAST_OCCUPANCY, 1.0))
    return crystal.replace(b_iso=b_iso, u_aniso=u_aniso, occ=occ)
