"""Samples as tensors: what a batch holds, what makes it, what of it a network is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from argand.learn.orbits import ORBIT_CHANNELS, Orbits
from argand.learn.origin_choices import OriginChoices
from argand.simulate.random import Purpose, uniforms

__all__ = [
    "CHANNELS",
    "EXTINCT",
    "SampleBatch",
    "SampleDataset",
    "SampleList",
    "batch_features",
    "cut_resolution",
    "features",
]

#: Channels of any sample: |F| / sum_j occ_j |f_j|, whether measured, and (sin(theta)/lambda)^2
CHANNELS = ("amplitude", "mask", "stol2")

#: |F| below this share of the sum of all form factors counts as zero: rounding, not a reflection
EXTINCT = 1e-5


class SampleBatch(NamedTuple):
    """Hold b samples on the box of Miller indices -H..H, D = 2H + 1; a single sample has no axis b.

    Reflections that are not measured (out of reach, 000, or |F| = 0) have amplitude, phase and
    weight 0.
    """

    #: (b, D, D, D) |F| / sum_j occ_j |f_j|: 1 where every atom scatters in phase
    amplitude: Tensor
    #: (b, D, D, D) radians, from -pi to pi
    phase: Tensor
    #: (b, D, D, D) bool, True where measured
    mask: Tensor
    #: (b, D, D, D) (sin(theta)/lambda)^2, 1/angstrom^2
    stol2: Tensor
    #: (b, D, D, D) true |F|, electrons
    weight: Tensor
    #: (b,) int64, number of the crystal within the data set
    crystal: Tensor
    #: (b, moved, 3) fractional; 0 for atoms that a smaller crystal lacks
    displacement: Tensor
    #: (b,) int64, index of the sample
    sample: Tensor


class SampleList(list[SampleBatch]):
    """Hold samples without a batch axis, as torch's `default_collate` stacks them, and their batch.

    `collate` takes the batch as it is, which spares the copy.
    """

    def __init__(self, batch: SampleBatch) -> None:
        super().__init__(SampleBatch(*fields) for fields in zip(*batch, strict=True))
        self.batch = batch


class SampleDataset(Dataset[SampleBatch]):
    """Simulate samples by index; sample i is a pure function of (seed, i).

    Parameters
    ----------
    seed
        Seed of all random numbers.
    length
        Number of samples that `len` and loaders see; every index >= 0 can be simulated.
    """

    def __init__(self, seed: int, length: int) -> None:
        self.seed = seed
        self.length = length

    def simulate(self, indices: Sequence[int] | NDArray[np.int64]) -> SampleBatch:
        """Simulate the samples of the indices (b,)."""
        raise NotImplementedError

    def origins(self) -> OriginChoices | None:
        """Return the origins that losses allow, by `SampleBatch.crystal`; None: the given one."""
        return None

    def orbits(self) -> Orbits | None:
        """Return which reflections are equivalent, by `SampleBatch.crystal`; None: as in P 1."""
        return None

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> SampleBatch:
        """Simulate one sample, without the batch axis."""
        if not 0 <= index < self.length:
            raise IndexError(f"index is {index}, needs to be from 0 to {self.length - 1}")
        batch = self.simulate([index])
        return SampleBatch(*(field[0] for field in batch))

    def __getitems__(self, indices: Sequence[int]) -> SampleList:
        """Simulate many samples in one call, as a torch `DataLoader` asks for them."""
        return SampleList(self.simulate(indices))


def features(
    amplitude: Tensor,
    mask: Tensor,
    stol2: Tensor,
    inputs: Sequence[str] = CHANNELS,
    orbits: Tensor | None = None,
) -> Tensor:
    """Stack the channels named by `inputs`: tensors (b, D, D, D) to (b, channels, D, D, D).

    `orbits` (b, 4, D, D, D) has the channels `ORBIT_CHANNELS`, see `Orbits.channels`; None stands
    for those of P 1.

    Raises
    ------
    ValueError
        `inputs` is empty or names no channel.
    """
    names = (*CHANNELS, *ORBIT_CHANNELS)
    if set(inputs) - set(names) or not inputs:
        raise ValueError(f"inputs is {tuple(inputs)}, needs names among {names}")
    channels = {"amplitude": amplitude, "mask": mask.to(amplitude.dtype), "stol2": stol2}
    if set(inputs) & set(ORBIT_CHANNELS):
        if orbits is None:
            crystal = torch.zeros(len(mask), dtype=torch.int64, device=mask.device)
            orbits = Orbits(("P 1",), mask.shape[-1] // 2).channels(crystal)
        channels |= dict(zip(ORBIT_CHANNELS, orbits.unbind(dim=1), strict=True))
    return torch.stack([channels[name] for name in inputs], dim=1)


def batch_features(
    batch: SampleBatch, mask: Tensor, inputs: Sequence[str], orbits: Orbits | None
) -> Tensor:
    """Stack the channels (b, channels, D, D, D) of a batch, of which `mask` is shown.

    `orbits` are those of the data set, see `SampleDataset.orbits`.
    """
    of_batch = None
    if orbits is not None and set(inputs) & set(ORBIT_CHANNELS):
        of_batch = orbits.channels(batch.crystal)
    return features(batch.amplitude * mask, mask, batch.stol2, inputs, of_batch)


def cut_resolution(mask: Tensor, stol2: Tensor, sample: Tensor, seed: int, lowest: float) -> Tensor:
    """Return the mask (b, D, D, D) of reflections up to a random resolution limit.

    The limit of each sample lies between `lowest` and 1 times its largest measured stol. Crystals
    differ in how far they can be measured; a network that was trained at every limit does not take
    it for a property of the element.
    """
    indices = sample.cpu().numpy()
    uniform = uniforms(seed, indices, 1, Purpose.RESOLUTION_CUT)[:, 0]
    share = lowest + (1.0 - lowest) * uniform
    share_of_stol = torch.from_numpy(share.astype(np.float32)).to(stol2.device)
    largest = (stol2 * mask).amax(dim=(1, 2, 3))
    limit = largest * share_of_stol.square()
    return mask & (stol2 <= limit[:, None, None, None])
