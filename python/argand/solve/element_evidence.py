"""Judge what other elements at the sites of a complete model would do to its fit, in linear steps.

With another element at one site, and the hydrogens that it would carry, calculated intensities
change. All parameters of the model then move by a linear step, and what remains of the residuals
says how likely that element is. One normal matrix serves all sites and elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from argand.atom_types import atom_type, atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.form_factors import form_factors
from argand.r_factors import shelxl_weight
from argand.refine import free
from argand.solve.completion import CompleteStructure, heavy_difference, is_hydrogen
from argand.solve.final_refinement import free_parameters, robust_sigma, usable_sigma
from argand.solve.hydrogen_geometry import Carriers
from argand.solve.observed_amplitudes import ObservedAmplitudes

__all__ = ["element_misfits"]

# Residuals of a model have common causes: they count as so many times fewer than there are.
_COMMON_CAUSES = 4.0

# Electrons of a site are uncertain by this number and this share of them besides: scales, form
# factors and dispersion are.
_ELECTRON_NOISE = 0.2
_ELECTRON_SHARE = 0.02

# No misfit costs more than this: an outlier must not outweigh everything else.
_LARGEST_COST = 15.0

# Occupancies are changed by this to find their slope, and by at most the second in a linear step.
_PROBE = 0.05
_LARGEST_STEP = 0.6

# Light elements have hydrogens or have none.
_LIGHT = ("B", "C", "N", "O", "F")
# Nitrogen and oxygen carry at most so many of the hydrogens that carbon would have in their place.
_MOST_HYDROGENS = {"N": 2, "O": 1}

# B of a site is wrong where its element is: so much of what makes up for that is tried, before the
# linear step.
_SPREADS = (0.0, 1.2)

# The diagonal of the normal matrix is raised by this share, more than rounding in float32.
_RIDGE = 1e-5

# Alternatives that are judged at a time.
_BATCH = 64


def element_misfits(
    observed: ObservedAmplitudes, structure: CompleteStructure, symbols: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Judge e elements at the n sites of a model that are no hydrogens.

    Parameters
    ----------
    observed
        The measured data, m reflections.
    structure
        A complete, refined model of them.
    symbols
        The e elements.

    Returns
    -------
    costs : (n, e)
        Negative logarithms of likelihoods, 0 for the best element of each site. Light elements are
        tried with the hydrogens that they would carry; of all others the electrons decide.
    electrons : (n,)
        Of each site, by a linear step of its occupancy, hydrogens as they are.
    """
    extended, riding, first_trial = _with_trial_hydrogens(observed, structure)
    judge = _LinearJudge(observed, structure, extended, riding)
    sites = np.flatnonzero(~is_hydrogen(extended))
    electrons, uncertainty = _electrons(judge, extended, sites)
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    noise = np.hypot(uncertainty[:, None], _ELECTRON_NOISE + _ELECTRON_SHARE * numbers)
    misfit = np.square((electrons[:, None] - numbers) / noise) / 2.0
    costs = np.minimum(misfit, _LARGEST_COST + 0.1 * np.sqrt(misfit)) + np.log(noise / noise.min())
    trials = _trials(extended, riding, first_trial, sites, symbols)
    light = np.full(costs.shape, np.inf)
    if trials:
        # All sites together: the derivatives of a large model are read once for many trials.
        chi2 = judge.chi2([trial.change(judge) for trial in trials])
        rows = np.array([trial.row for trial in trials])
        columns = np.array([trial.column for trial in trials])
        np.minimum.at(light, (rows, columns), chi2)
    is_light = np.isfinite(light)
    least = np.min(light, axis=1, keepdims=True, where=is_light, initial=np.inf)
    excess = np.subtract(light, least, out=np.zeros_like(light), where=is_light)
    half = excess / (2.0 * _COMMON_CAUSES * judge.goodness**2)
    costs = np.where(is_light, np.minimum(half, _LARGEST_COST), costs)
    return costs - costs.min(axis=1)[:, None], electrons


@dataclass(frozen=True)
class _Trial:
    """Hold another light element at a site: hydrogens that go and come, and how far B follows.

    `row` is that of the site among those that are no hydrogens, `column` that of the element.
    """

    row: int
    column: int
    site: int
    symbol: str
    removed: list[int]
    added: list[int]
    spread: float

    def change(self, judge: _LinearJudge) -> NDArray[np.complex64]:
        """Return by how much F (m,) changes."""
        return judge.change(self.site, self.symbol, self.removed, self.added, self.spread)


def _trials(
    crystal: Crystal,
    riding: Mapping[str, str],
    first_trial: int,
    sites: NDArray[np.intp],
    symbols: Sequence[str],
) -> list[_Trial]:
    """List what is tried at the light ones of n sites, whose own element is tried as well."""
    riders: dict[str, list[int]] = {}
    for rider, name in enumerate(crystal.labels):
        riders.setdefault(riding.get(name, ""), []).append(rider)
    trials: list[_Trial] = []
    for row, site in enumerate(sites.tolist()):
        present = atom_type(crystal.types[site]).element
        if present not in _LIGHT:
            continue
        hydrogens = riders.get(crystal.labels[site], [])
        carried = [i for i in hydrogens if i < first_trial]
        as_carbon = [i for i in hydrogens if i >= first_trial]
        for column, symbol in enumerate(symbols):
            if symbol not in _LIGHT:
                continue
            for removed, added in _hydrogen_options(present, symbol, carried, as_carbon):
                for spread in _SPREADS if symbol != present else (0.0,):
                    trials.append(_Trial(row, column, site, symbol, removed, added, spread))
    return trials


def _electrons(
    judge: _LinearJudge, crystal: Crystal, sites: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return electrons and their uncertainties (n,) by a linear step of each occupancy."""
    numbers = np.array([atomic_number(atom_type(crystal.types[i]).element) for i in sites], float)
    changes = [np.zeros(judge.reflections, np.complex64)]
    for site in sites.tolist():
        changes.append(judge.occupancy_change(site, _PROBE))
        changes.append(judge.occupancy_change(site, -_PROBE))
    chi2 = judge.chi2(changes)
    unchanged, more, less = chi2[0], chi2[1::2], chi2[2::2]
    curvature = np.maximum((more + less - 2.0 * unchanged) / _PROBE**2, 1e-12)
    slope = (more - less) / (2.0 * _PROBE)
    step = np.clip(-slope / curvature, -_LARGEST_STEP, _LARGEST_STEP)
    # chi^2 rises by the square of the goodness of fit over one standard uncertainty.
    uncertainty = judge.goodness * np.sqrt(2.0 * _COMMON_CAUSES / curvature)
    return numbers * (crystal.occ[sites] + step), numbers * uncertainty


def _hydrogen_options(
    present: str, symbol: str, carried: list[int], as_carbon: list[int]
) -> list[tuple[list[int], list[int]]]:
    """List what may become of hydrogens when a site gets an element: those removed, and added.

    `carried` are the hydrogens that the site has now, `as_carbon` those that it would carry as
    carbon, if it is something else.
    """
    if symbol == "C" and present != "C":
        return [(carried, as_carbon)]
    options: list[tuple[list[int], list[int]]] = [(carried, [])]
    if symbol == present:
        options = [([], [])]
    elif symbol in _MOST_HYDROGENS and 0 < len(carried) <= _MOST_HYDROGENS[symbol]:
        options.append(([], []))
    if symbol == "N" and 0 < len(as_carbon) <= _MOST_HYDROGENS["N"]:
        options.append((carried, as_carbon))
    return options


class _LinearJudge:
    """Hold the derivatives of a model, and judge changes of its structure factors by them."""

    def __init__(
        self,
        observed: ObservedAmplitudes,
        structure: CompleteStructure,
        crystal: Crystal,
        riding: dict[str, str],
    ) -> None:
        refinement = structure.refinement
        extinction = float(refinement.model.extinction(refinement.p)[0])
        parameters = free_parameters(crystal, riding, extinction=structure.extinction)
        model = observed.model(crystal, parameters, extinction=extinction)
        f = model.structure_factors(np.zeros(len(model)))
        squares = np.square(np.abs(f))
        intensity = observed.merged.intensity
        scale = float(refinement.scale[0])
        sigma, _ = robust_sigma(
            intensity, usable_sigma(observed), scale * squares, structure.weighting, scale
        )
        weighting = structure.weighting
        weight = shelxl_weight(intensity, sigma, scale * squares, weighting.a, weighting.b * scale)
        root = np.sqrt(weight)
        # float32, as the derivatives: hundreds of trials of thousands of reflections.
        self._f = f.astype(np.complex64)
        self._weight = (root * scale).astype(np.float32)
        self._residual = (root * (intensity - scale * squares)).astype(np.float32)
        along = 2.0 * scale * root * f
        by_parameter = model.jacobian_along(np.zeros(len(model)), along, np.float32)[0]
        by_scale = (root * squares).astype(np.float32)
        self._jacobian = np.concatenate([by_parameter, by_scale[None]])
        normal = (self._jacobian @ self._jacobian.T).astype(np.float64)
        diagonal = np.diagonal(normal).copy()
        diagonal = np.maximum(diagonal, 1e-12 * float(diagonal.max()))
        normal[np.diag_indices(len(normal))] += _RIDGE * diagonal
        self._factor = cho_factor(normal, lower=True)
        freedom = max(len(intensity) - len(normal), 1)
        unchanged = self.chi2([np.zeros(len(f), np.complex64)])[0]
        #: Root of chi^2 over the reflections beyond the parameters
        self.goodness = float(np.sqrt(unchanged / freedom))
        occupancies = free(crystal, positions=False, occupancies=True)
        by_occupancy = observed.model(crystal, occupancies, extinction=extinction)
        jacobian = by_occupancy.jacobian(np.zeros(len(crystal.types)))
        self._by_occupancy = np.asarray(jacobian.T, np.complex64, order="C")
        self._crystal = crystal
        self._energy = observed.radiation.energy_kev if observed.radiation.dispersion else None
        self._table = observed.radiation.table
        self._stol = observed.merged.stol
        self._factors: dict[str, NDArray[np.float32]] = {}

    def change(
        self, site: int, symbol: str, removed: list[int], added: list[int], spread: float
    ) -> NDArray[np.complex64]:
        """Return by how much F (m,) changes with another element and other hydrogens at a site.

        B of the site changes as well: by `spread` times what makes up for the other electrons at
        the mean square of stol.
        """
        crystal = self._crystal
        present = atom_type(crystal.types[site]).element
        squares = np.square(self._stol)
        more_b = np.log(atomic_number(symbol) / atomic_number(present)) / float(squares.mean())
        damping = np.exp(-spread * more_b * squares).astype(np.float32)
        ratio = self._form_factor(symbol) / self._form_factor(present) * damping - 1.0
        change = float(crystal.occ[site]) * ratio * self._by_occupancy[site]
        for hydrogen in removed:
            change = change - float(crystal.occ[hydrogen]) * self._by_occupancy[hydrogen]
        for hydrogen in added:
            change = change + float(crystal.occ[site]) * self._by_occupancy[hydrogen]
        return np.asarray(change)

    @property
    def reflections(self) -> int:
        """Return the number of reflections, m."""
        return len(self._f)

    def occupancy_change(self, site: int, amount: float) -> NDArray[np.complex64]:
        """Return by how much F (m,) changes with the occupancy of a site."""
        return np.asarray(amount * self._by_occupancy[site])

    def chi2(self, changes: Sequence[NDArray[np.complex64]]) -> FloatArray:
        """Return chi^2 (c,) after a linear step of all parameters, of changes of F (m,) each."""
        chi2 = np.empty(len(changes))
        for first in range(0, len(changes), _BATCH):
            change = np.array(changes[first : first + _BATCH], np.complex64)
            # |f + change|^2 - |f|^2
            squares = (2.0 * self._f.real + change.real) * change.real
            squares += (2.0 * self._f.imag + change.imag) * change.imag
            residual = self._residual - self._weight * squares
            gradient = (self._jacobian @ residual.T).astype(np.float64)
            step = cho_solve(self._factor, gradient)
            explained = np.einsum("pc,pc->c", gradient, step)
            total = np.einsum("cm,cm->c", residual, residual, dtype=np.float64)
            chi2[first : first + _BATCH] = total - explained
        return chi2

    def _form_factor(self, symbol: str) -> NDArray[np.float32]:
        """Return the real part of the form factor (m,) of an element, with f'."""
        if symbol not in self._factors:
            factor = form_factors([symbol], self._stol, self._table, self._energy)[0]
            self._factors[symbol] = np.asarray(factor.real, np.float32)
        return self._factors[symbol]


def _with_trial_hydrogens(
    observed: ObservedAmplitudes, structure: CompleteStructure
) -> tuple[Crystal, dict[str, str], int]:
    """Add to a model, with occupancy 0, the hydrogens that other light sites had as carbon.

    Returns
    -------
    The crystal, labels of carriers by those of all hydrogens, and the first trial hydrogen's site.
    """
    crystal = structure.crystal
    heavy, difference = heavy_difference(observed, structure.crystal)
    carriers = Carriers(heavy, difference)
    site_of_label = {label: site for site, label in enumerate(crystal.labels)}
    frac: list[FloatArray] = []
    b_iso: list[float] = []
    riding = dict(structure.riding)
    labels: list[str] = []
    for row, name in enumerate(heavy.types):
        element = atom_type(name).element
        if element == "C" or element not in _LIGHT:
            continue
        group = carriers.on_carbon(row, "C")
        if group is None:
            continue
        label = heavy.labels[row]
        for vector in group.vectors:
            frac.append(heavy.frac[row] + vector @ carriers.to_frac)
            b_iso.append(group.factor * float(crystal.b_iso[site_of_label[label]]))
            labels.append(f"trial{len(labels)}")
            riding[labels[-1]] = label
    first = len(crystal.types)
    if not frac:
        return crystal, riding, first
    u_aniso = crystal.u_aniso
    if u_aniso is not None:
        u_aniso = np.concatenate([u_aniso, np.full((len(frac), 6), np.nan)])
    extended = crystal.replace(
        types=(*crystal.types, *("H" for _ in frac)),
        labels=(*crystal.labels, *labels),
        frac=np.concatenate([crystal.frac, np.array(frac)]),
        occ=np.concatenate([crystal.occ, np.zeros(len(frac))]),
        b_iso=np.concatenate([crystal.b_iso, np.array(b_iso)]),
        u_aniso=u_aniso,
    )
    return extended, riding, first
