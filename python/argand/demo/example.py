"""One crystal to look at: an element that no network has seen, its phases true and predicted, its densities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import argand
from argand.demo.comparison import weights_of
from argand.learn.samples import SampleBatch
from argand.learn.evaluate import make_dataset
from argand.learn.predict import predict_box
from argand.learn.sources import load_crystals
from argand.learn.splits import UNSEEN
from argand.learn.task import LOSSES
from argand.learn.weights import load_weights
from argand.report.results import NEVER, Results

_POINTS = 40  # of the maps along an edge: three for the shortest wave
_MOVED = 0.07  # displacement that is easily seen, in cell edges
_PREFERRED = "Pb"

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Example:
    """One displaced crystal on the cube of Miller indices; arrays without reflections out of reach.

    before, true: structure factors of the crystal at rest and displaced; predicted: loss -> those with the phases of
    the best model so trained, in the nearer hand; maps: title -> density; mirror: see `Illustrations`.
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

    def density(self, f: Complexes) -> Floats:
        """Map of structure factors such as `true`."""
        rho = argand.map_from_structure_factors(self.hkl, f, (_POINTS,) * 3, cell=self.crystal.cell)
        return np.asarray(rho, dtype=np.float64)


def find_example(results: Results, out: Path) -> Example:
    """The sample of a held-out element whose displacement is nearest to one that is easily seen."""
    model = results.most_precise(NEVER).model
    trained = {loss: load_weights(weights_of(out, model, loss)) for loss in LOSSES}
    data = trained[LOSSES[0]].about["data"]
    name = _PREFERRED if _PREFERRED in data["held_out"] else data["held_out"][0]
    crystal = load_crystals([name])[name]
    dataset = make_dataset([crystal], data)
    candidates = dataset.simulate(UNSEEN + np.arange(200, dtype=np.int64))
    nearest = int((candidates.displacement[:, 0, 0].abs() - _MOVED).abs().argmin())
    sample = SampleBatch(*(field[nearest : nearest + 1] for field in candidates))
    u = float(sample.displacement[0, 0, 0])

    hkl = argand.hkl_cube(data["hkl_max"])
    reach = argand.reachable(hkl, crystal.cell, data["energy_kev"]) & hkl.any(axis=1)
    hkl = hkl[reach]
    before, true, mirrored = (_structure_factors(crystal, hkl, shift) for shift in (0.0, u, -u))
    predicted: dict[str, Complexes] = {}
    for loss, network in trained.items():
        phases = predict_box(network, sample.amplitude, sample.mask, sample.stol2)
        phi = phases.numpy().ravel()[reach]
        predicted[loss] = np.abs(true) * np.exp(1j * argand.align_origin(hkl, true, phi).phases)
    return Example(
        crystal=crystal,
        title=f"{name}, atom 0 moved by {u:+.3f} a".replace("-", "−"),
        model=model,
        hkl=hkl,
        reach=reach,
        before=before,
        true=true,
        predicted=predicted,
        mirror=_mirror(true, mirrored),
    )


def _structure_factors(crystal: argand.Crystal, hkl: NDArray[np.int32], shift: float) -> Complexes:
    frac = crystal.frac.copy()
    frac[0, 0] += shift
    return np.asarray(
        argand.structure_factors(crystal.replace(frac=frac), hkl), dtype=np.complex128
    )


def _mirror(plus: Complexes, minus: Complexes) -> tuple[float, float]:
    """How far +u and -u are from equal amplitudes, and from opposite phases in degrees where there is a phase."""
    top = np.abs(plus).max()
    strong = np.abs(plus) > 1e-3 * top
    total = np.angle(plus[strong] * minus[strong])
    return float((np.abs(plus) - np.abs(minus)).max() / top), float(np.degrees(np.abs(total).max()))
