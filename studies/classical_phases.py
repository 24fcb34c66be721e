"""Answer samples of networks by the charge flipping of ``argand.solve``, in a given time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from argand.crystal import Crystal
from argand.io import Reflections
from argand.learn.artificial_boxes import ArtificialBoxes
from argand.learn.samples import SampleBatch, SampleDataset
from argand.reflections import hkl_cube
from argand.solve.primitive import merge_in_point_group, primitive_reflections
from argand.solve.search import PhaseSearch
from argand.solve.settings import SolveSettings, TimeLimit


class ProcessorLimit(TimeLimit):
    """Tell whether the seconds of the processor that a search may take are over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(None)
        self._processor_end = time.process_time() + seconds

    def is_over(self) -> bool:
        """Tell whether they are over; the first ending is always waited for."""
        self.was_reached = self.was_reached or time.process_time() > self._processor_end
        return self.was_reached


def charge_flipping(
    dataset: SampleDataset, crystals: Sequence[Crystal], batch: SampleBatch, seconds: float
) -> Tensor:
    """Find the phases of samples by charge flipping under their space group.

    Parameters
    ----------
    dataset, batch
        Samples of artificial crystals in a primitive cell, or around `crystals`.
    crystals
        Known crystals by `batch.crystal`, whose displaced atoms obey no space group.
    seconds
        Of the processor, for each sample; the first start is finished all the same. A search ends
        earlier with phases that it accepts, which so few reflections make it do too easily.

    Returns
    -------
    (b, 2, D, D, D) cos and sin, 0 where not measured.
    """
    side = batch.mask.shape[-1]
    cube = hkl_cube(side // 2)
    answers = []
    for row in range(len(batch.sample)):
        measured = batch.mask[row].flatten().numpy()
        hkl = cube[measured]
        amplitude = batch.weight[row].flatten().numpy()[measured].astype(np.float64)
        cell, spacegroup = _cell_and_group(dataset, crystals, batch, row)
        phased = _phases_of(hkl, amplitude, cell, spacegroup, seconds)
        box = np.zeros(side**3, np.complex128)
        box[measured] = phased
        answers.append(torch.from_numpy(np.stack([box.real, box.imag])))
    return torch.stack(answers).float().view(len(answers), 2, side, side, side)


def _cell_and_group(
    dataset: SampleDataset, crystals: Sequence[Crystal], batch: SampleBatch, row: int
) -> tuple[tuple[float, ...], str]:
    """Return the unit cell of a sample, and its space group."""
    if isinstance(dataset, ArtificialBoxes):
        cell = dataset.data.crystals.crystal(int(batch.sample[row])).cell
        return cell, dataset.data.spacegroups[int(batch.crystal[row])]
    return crystals[int(batch.crystal[row])].cell, "P 1"


def _phases_of(
    hkl: NDArray[np.int32],
    amplitude: NDArray[np.float64],
    cell: tuple[float, ...],
    spacegroup: str,
    seconds: float,
) -> NDArray[np.complex128]:
    """Return exp(i phi) (m,) of reflections (m, 3) with |F| (m,) and their Friedel mates."""
    reflections = Reflections(hkl=hkl, intensity=np.square(amplitude), cell=cell)
    merged = merge_in_point_group(reflections, cell, spacegroup)
    # Cells of the samples are primitive: their axes are kept, so that indices are theirs.
    data = primitive_reflections(merged, np.eye(3))
    settings = SolveSettings(time_limit=None, threads=1)
    limit = ProcessorLimit(seconds)
    ending = PhaseSearch(data, spacegroup, settings, lambda _: spacegroup, limit).run()
    phase_of = {}
    if ending is not None:
        for index, value in zip(data.hkl.tolist(), np.angle(ending.phased), strict=True):
            phase_of[tuple(index)] = value
            phase_of[tuple(-h for h in index)] = -value
    phases = np.array([phase_of.get(tuple(index), np.nan) for index in hkl.tolist()])
    return np.where(np.isfinite(phases), np.exp(1j * np.nan_to_num(phases)), 0.0)
