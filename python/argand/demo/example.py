"""One crystal to look at: an element that no network has seen, its phases and densities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import argand
from argand.cell import FloatArray
from argand.demo.comparison import weights_of
from argand.learn.predict import predict_box
from argand.learn.recipes import LOSSES
from argand.learn.samples import SampleBatch
from argand.learn.sources import load_crystals
from argand.learn.splits import UNSEEN
from argand.learn.weights import PhaseModel, load_weights
from argand.report.results import NEVER, Results

# Points of the maps along an edge: three for the shortest wave.
_POINTS = 40

# A displacement that is easily seen, in cell edges.
_VISIBLE = 0.07

# The element to show, where it was held out.
_PREFERRED = "Pb"

# Samples among which the one with the visible displacement is looked for.
_CANDIDATES = 200

# Reflections below this share of the strongest have no phase to compare.
_WEAK = 1e-3

Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Example:
    """Hold one displaced crystal and its structure factors, true and predicted.

    Attributes
    ----------
    crystal
        The crystal before its displacement.
    title
        Names element and displacement.
    model
        Name of the model whose phases are shown.
    hkl : (m, 3)
        Reflections in reach.
    reach : (D^3,)
        Which voxels of the box of Miller indices these are.
    before, true : (m,)
        Structure factors of the crystal before and after its displacement.
    predicted
        Loss -> structure factors (m,) with the phases of the model trained on it, in the nearer
        hand.
    mirror
        How far +u and -u are from equal amplitudes (over the largest), and from opposite phases
        (degrees).
    """

    crystal: argand.Crystal
    title: str
    model: str
    hkl: NDArray[np.int32]
    reach: NDArray[np.bool_]
    before: Complexes
    true: Complexes
    predicted: dict[str, Complexes]
    mirror: tuple[float, float]

    def density(self, f: Complexes) -> FloatArray:
        """Compute the density of structure factors (m,) at `hkl`, e/A^3."""
        shape = (_POINTS, _POINTS, _POINTS)
        rho = argand.map_from_structure_factors(self.hkl, f, shape, cell=self.crystal.cell)
        return np.asarray(rho, dtype=np.float64)


def find_example(results: Results, out: Path) -> Example:
    """Choose the sample of a held-out element whose displacement is easily seen."""
    model = results.most_precise(NEVER).model
    networks = {loss: load_weights(weights_of(out, model, loss)) for loss in LOSSES}
    data = networks[LOSSES[0]].settings.data
    assert data is not None  # `train` always writes them
    symbol = _PREFERRED if _PREFERRED in data.held_out else data.held_out[0]
    crystal = load_crystals([symbol])[symbol]
    indices = UNSEEN + np.arange(_CANDIDATES, dtype=np.int64)
    candidates = data.dataset([crystal]).simulate(indices)
    sample = _nearest(candidates, _VISIBLE)
    u = float(sample.displacement[0, 0, 0])

    hkl = argand.hkl_cube(data.hkl_max)
    reach = _reach(hkl, crystal, data.energy_kev)
    hkl = hkl[reach]
    true = _structure_factors(crystal, hkl, u)
    predicted: dict[str, Complexes] = {}
    for loss, network in networks.items():
        predicted[loss] = _with_predicted_phases(network, sample, hkl, reach, true)
    return Example(
        crystal=crystal,
        title=f"{symbol}, atom 0 moved by {u:+.3f} a".replace("-", "−"),
        model=model,
        hkl=hkl,
        reach=reach,
        before=_structure_factors(crystal, hkl, 0.0),
        true=true,
        predicted=predicted,
        mirror=_mirror_deviation(true, _structure_factors(crystal, hkl, -u)),
    )


def _reach(
    hkl: NDArray[np.int32],
    crystal: argand.Crystal,
    energy_kev: float | None,
) -> NDArray[np.bool_]:
    """Return which reflections (m,) can be measured; 000 cannot."""
    reach = np.asarray(hkl.any(axis=1))
    if energy_kev is None:
        return reach
    return np.asarray(reach & argand.radiation.reachable(hkl, crystal.cell, energy_kev))


def _nearest(candidates: SampleBatch, displacement: float) -> SampleBatch:
    """Return the sample whose atom 0 has moved along a by nearest to a displacement, either way."""
    moved = candidates.displacement[:, 0, 0].abs()
    row = int((moved - displacement).abs().argmin())
    return SampleBatch(*(field[row : row + 1] for field in candidates))


def _structure_factors(crystal: argand.Crystal, hkl: NDArray[np.int32], shift: float) -> Complexes:
    """Compute F (m,) of a crystal whose atom 0 is shifted along a."""
    frac = crystal.frac.copy()
    frac[0, 0] += shift
    f = argand.structure_factors(crystal.replace(frac=frac), hkl)
    return np.asarray(f, dtype=np.complex128)


def _with_predicted_phases(
    network: PhaseModel,
    sample: SampleBatch,
    hkl: NDArray[np.int32],
    reach: NDArray[np.bool_],
    true: Complexes,
) -> Complexes:
    """Return the true amplitudes (m,) with the phases of a network, in the nearer hand."""
    box = predict_box(network, sample.amplitude, sample.mask, sample.stol2)
    phases = box.numpy().ravel()[reach]
    aligned = argand.align_origin(hkl, true, phases).phases
    return np.asarray(np.abs(true) * np.exp(1j * aligned))


def _mirror_deviation(plus: Complexes, minus: Complexes) -> tuple[float, float]:
    """Return how far F (m,) of +u and -u are from equal amplitudes and opposite phases."""
    largest = np.abs(plus).max()
    difference = np.abs(plus) - np.abs(minus)
    strong = np.abs(plus) > _WEAK * largest
    phase_sum = np.angle(plus[strong] * minus[strong])
    phase = np.degrees(np.abs(phase_sum).max())
    return float(difference.max() / largest), float(phase)
