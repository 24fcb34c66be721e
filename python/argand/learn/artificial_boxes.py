"""Artificial crystals as tensors on the box of Miller indices, for networks that read boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from argand.learn.orbits import Orbits, box_orbits
from argand.learn.origin_choices import OriginChoices
from argand.learn.samples import SampleBatch, SampleDataset
from argand.learn.unique import unique_batch
from argand.reflections import hkl_cube, stol_squares
from argand.simulate.artificial import ArtificialData

__all__ = ["ArtificialBoxes"]


class ArtificialBoxes(SampleDataset):
    """Put artificial crystals on the box of Miller indices -H..H; sample i depends on (seed, i).

    Equivalent reflections and Friedel mates are filled in; reflections beyond the resolution, the
    measurement or the symmetry have mask False. `SampleBatch.crystal` is the number of the space
    group, so that `origins` are what losses and metrics take. Nothing is displaced:
    `SampleBatch.displacement` is (b, 0, 3).

    Parameters
    ----------
    data
        The crystals and how they are measured.
    hkl_max
        H of the box.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be made.

    Raises
    ------
    ValueError
        `hkl_max` is below 1.
    """

    def __init__(self, data: ArtificialData, hkl_max: int = 6, length: int = 1 << 40) -> None:
        if hkl_max < 1:
            raise ValueError(f"hkl_max is {hkl_max}, needs to be 1 or more")
        super().__init__(data.crystals.seed, length)
        self.data = data
        self.hkl_max = hkl_max
        self._cube = hkl_cube(hkl_max)

    def origins(self) -> OriginChoices:
        """Return the permissible origins of the space groups, for losses and metrics."""
        return OriginChoices(self.data.spacegroups, self.hkl_max)

    def orbits(self) -> Orbits:
        """Return which reflections the space groups make equivalent, as channels for networks."""
        return Orbits(self.data.spacegroups, self.hkl_max)

    def simulate(self, indices: Sequence[int] | NDArray[np.int64]) -> SampleBatch:
        """Make the samples of the indices (b,), in their order."""
        index = np.asarray(indices, np.int64)
        place_of_sample = {int(sample): place for place, sample in enumerate(index)}
        side = 2 * self.hkl_max + 1
        shape = (len(index), side**3)
        fields = {name: np.zeros(shape, np.float32) for name in ("amplitude", "phase", "weight")}
        mask = np.zeros(shape, np.bool_)
        stol2 = np.zeros(shape, np.float32)
        group = np.zeros(len(index), np.int64)
        for batch in self.data.crystals.draw(np.unique(index)):
            places = np.array([place_of_sample[int(sample)] for sample in batch.sample])
            orbits = box_orbits(batch.operations.spacegroup, self.hkl_max)
            table, row, turns, is_mate = orbits
            reflections, rows = self.data.measure(batch, table)
            tensors = unique_batch(reflections)
            group[places] = reflections.group
            samples, entries = np.nonzero(rows >= 0)
            listed = rows[samples, entries]
            on_table = np.zeros((len(places), len(table.hkl) + 1), np.float32)
            for name, values in fields.items():
                on_table[samples, listed] = getattr(tensors, name).numpy()[samples, entries]
                # Voxels without a reflection have row -1, which is the last column.
                values[places] = on_table[:, row]
            on_table[samples, listed] = tensors.mask.numpy()[samples, entries]
            mask[places] = on_table[:, row] > 0.0
            phase = fields["phase"][places] - turns
            fields["phase"][places] = np.where(is_mate, -phase, phase)
            stol2[places] = self._squares(reflections.cell)
        phase = np.remainder(fields["phase"] + np.pi, 2.0 * np.pi) - np.pi
        fields["phase"] = np.where(mask, phase, 0.0).astype(np.float32)
        repeated = np.array([place_of_sample[int(sample)] for sample in index])
        boxes = {name: torch.from_numpy(values[repeated]) for name, values in fields.items()}
        box = (len(index), side, side, side)
        return SampleBatch(
            amplitude=boxes["amplitude"].view(box),
            phase=boxes["phase"].view(box),
            mask=torch.from_numpy(mask[repeated]).view(box),
            stol2=torch.from_numpy(stol2[repeated]).view(box),
            weight=boxes["weight"].view(box),
            crystal=torch.from_numpy(group[repeated]),
            displacement=torch.zeros(len(index), 0, 3),
            sample=torch.from_numpy(index),
        )

    def _squares(self, cell: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return stol^2 (b, D^3), 1/A^2, of the box in cells (b, 6)."""
        squares = np.empty((len(cell), len(self._cube)), np.float32)
        for row, parameters in enumerate(cell):
            squares[row] = stol_squares(self._cube, tuple(parameters))
        return squares
