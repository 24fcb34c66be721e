"""Artificial crystals as tensors on the box of Miller indices, for networks that read boxes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from argand.learn.origin_choices import OriginChoices
from argand.learn.samples import SampleBatch, SampleDataset
from argand.learn.unique import unique_batch
from argand.reflections import hkl_cube, stol_squares
from argand.simulate.artificial import ArtificialData, ReflectionTable
from argand.symmetry import operation_arrays

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
            table, row, turns, is_mate = _box_map(batch.operations.spacegroup, self.hkl_max)
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


@lru_cache(maxsize=256)
def _box_map(
    spacegroup: str, hkl_max: int
) -> tuple[ReflectionTable, NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the unique reflections of a box, and how the others of the box (D^3,) follow.

    The phase of a voxel is that of row `row` of the table less `turns` radians, with the opposite
    sign where it is a Friedel mate; row -1 stands for no reflection.
    """
    cube = hkl_cube(hkl_max)
    table = ReflectionTable(spacegroup, cube)
    side = 2 * hkl_max + 1
    row = np.full(side**3, -1, np.int64)
    turns = np.zeros(side**3, np.float32)
    is_mate = np.zeros(side**3, np.bool_)
    rotations, translations = operation_arrays(spacegroup)
    hkl = table.hkl.astype(np.int64)
    for sign in (1, -1):
        for rotation, translation in zip(rotations, translations, strict=True):
            images = sign * (hkl @ rotation)
            inside = np.flatnonzero((np.abs(images) <= hkl_max).all(axis=1))
            h, k, l = (images[inside] + hkl_max).T
            voxel = (h * side + k) * side + l
            is_new = row[voxel] < 0
            voxel, inside = voxel[is_new], inside[is_new]
            row[voxel] = inside
            turns[voxel] = 2.0 * np.pi * ((hkl[inside] @ translation) % 1.0)
            is_mate[voxel] = sign < 0
    return table, row, turns, is_mate
