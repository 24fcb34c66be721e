"""Unique reflections of many space groups as tensors, with all that symmetry says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from argand.learn.samples import EXTINCT
from argand.simulate.artificial import ArtificialData, UniqueReflections

__all__ = ["ArtificialUnique", "UniqueBatch", "unique_batch"]


class UniqueBatch(NamedTuple):
    """Hold b samples of up to m unique reflections, of any space groups.

    Lists are filled up to the longest: entries behind the last reflection have mask False and
    multiplicity 0. Entries that are not measured have amplitude, e, phase and weight 0.
    """

    #: (b, m, 3) int32, Miller indices in the asymmetric unit of the Laue group
    hkl: Tensor
    #: (b, m) |F| over the sum of all form factors: 1 where every atom scatters in phase
    amplitude: Tensor
    #: (b, m) |E|, with a mean of |E|^2 of 1 in each shell of resolution
    e: Tensor
    #: (b, m) true phase, radians
    phase: Tensor
    #: (b, m) true |F|, electrons
    weight: Tensor
    #: (b, m) bool, whether measured
    mask: Tensor
    #: (b, m) (sin(theta)/lambda)^2, 1/A^2
    stol2: Tensor
    #: (b, m) number of equivalent reflections, Friedel mates included
    multiplicity: Tensor
    #: (b, m) operations, without centring, that map the reflection onto itself
    epsilon: Tensor
    #: (b, m) bool, whether the phase has two possible values
    centric: Tensor
    #: (b, m) one of the two phases of centric reflections, radians
    restricted: Tensor
    #: (b,) int64, number of the space group in the list of groups of the data set
    group: Tensor
    #: (b,) int64, index of the sample
    sample: Tensor


def unique_batch(reflections: UniqueReflections) -> UniqueBatch:
    """Turn measured unique reflections into tensors; real numbers are float32."""
    modulus = np.abs(reflections.f)
    mask = reflections.mask & (modulus > EXTINCT * reflections.in_phase)
    in_phase = np.where(reflections.in_phase > 0.0, reflections.in_phase, 1.0)
    numbers: dict[str, NDArray[Any]] = {
        "amplitude": reflections.amplitude / in_phase * mask,
        "e": reflections.e * mask,
        "phase": np.angle(reflections.f) * mask,
        "weight": modulus * mask,
        "stol2": reflections.stol2,
        "multiplicity": reflections.multiplicity,
        "epsilon": reflections.epsilon,
        "restricted": reflections.restricted,
    }
    tensors = {}
    for name, array in numbers.items():
        tensors[name] = torch.from_numpy(array.astype(np.float32, copy=False))
    return UniqueBatch(
        hkl=torch.from_numpy(reflections.hkl),
        mask=torch.from_numpy(mask),
        centric=torch.from_numpy(reflections.centric),
        group=torch.from_numpy(reflections.group.astype(np.int64)),
        sample=torch.from_numpy(reflections.sample),
        **tensors,
    )


class ArtificialUnique(Dataset[UniqueBatch]):
    """Make batches of artificial crystals as `UniqueBatch`; sample i depends on seed and i alone.

    Parameters
    ----------
    data
        The crystals and how they are measured.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be made.
    """

    def __init__(self, data: ArtificialData, length: int = 1 << 40) -> None:
        self.data = data
        self.length = length

    @property
    def spacegroups(self) -> tuple[str, ...]:
        """Return the space groups that `UniqueBatch.group` numbers."""
        return self.data.spacegroups

    def simulate(self, indices: Sequence[int] | NDArray[np.int64]) -> UniqueBatch:
        """Make the samples of the indices (b,), in their order."""
        return unique_batch(self.data.draw(indices))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> UniqueBatch:
        """Make one sample, without the batch axis."""
        if not 0 <= index < self.length:
            raise IndexError(f"index is {index}, needs to be from 0 to {self.length - 1}")
        batch = self.simulate([index])
        return UniqueBatch(*(field[0] for field in batch))
