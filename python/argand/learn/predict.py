"""Phases of measured amplitudes from trained weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from argand.domain import outside_words
from argand.errors import ArgandError, ArgandWarning
from argand.form_factors import form_factors
from argand.learn.domain import outside_training
from argand.learn.orbits import Orbits
from argand.learn.samples import EXTINCT, features
from argand.learn.weights import PhaseModel, load_weights
from argand.radiation import reachable, wavelength
from argand.reflections import as_hkl, hkl_cube, stol
from argand.symmetry import SpaceGroup, group_ops, operations, triplets

__all__ = ["predict", "predict_box"]

# |F| above this share of the sum of all form factors is not in electrons; noise may reach a little
# above 1.
_TOO_LARGE = 1.1

# A mean |F|^2 below this share of sum f^2, which atoms at random places have, is not in electrons;
# vibration alone, B = 2 A^2, leaves a third of it.
_TOO_SMALL = 0.1


@torch.no_grad()
def predict_box(
    model: PhaseModel,
    amplitude: Tensor,
    mask: Tensor,
    stol2: Tensor,
    spacegroup: SpaceGroup = "P 1",
) -> Tensor:
    """Predict phases in radians on the box of Miller indices, (b, D, D, D), 0 where not measured.

    Parameters
    ----------
    model
        A trained network.
    amplitude, mask, stol2 : (b, D, D, D)
        |F| / sum_j occ_j |f_j|, whether measured, and (sin(theta)/lambda)^2 in 1/angstrom^2.
    spacegroup
        Of all samples, for networks that are shown which reflections are equivalent.

    Raises
    ------
    ValueError
        The shape is not that of the box of the network.
    """
    side = 2 * model.settings.hkl_max + 1
    if amplitude.ndim != 4 or amplitude.shape[1:] != (side, side, side):
        raise ValueError(
            f"amplitude has shape {tuple(amplitude.shape)}, needs (b, {side}, {side}, {side})"
        )
    crystal = torch.zeros(len(mask), dtype=torch.int64, device=mask.device)
    symops = triplets(group_ops(spacegroup))
    orbits = Orbits((symops,), model.settings.hkl_max).channels(crystal)
    channels = features(amplitude, mask, stol2, model.settings.inputs, orbits)
    c, s = model.net(channels).unbind(dim=1)
    phases: Tensor = torch.atan2(s, c) * mask
    return phases


def predict(
    weights: str | Path | PhaseModel,
    hkl: ArrayLike,
    amplitude: ArrayLike,
    cell: Sequence[float],
    contents: Mapping[str, float],
    spacegroup: SpaceGroup = "P 1",
    *,
    force: bool = False,
) -> NDArray[np.float64]:
    """Predict phases in radians of a list of reflections, in a hand and origin of its choice.

    A crystal unlike those of the training is refused, since a network answers it with phases that
    are no better than random ones and look like any others. Reflections beyond the resolution of
    the training are left out, with an `ArgandWarning`.

    Parameters
    ----------
    weights
        What `train` wrote, or `load_weights` read.
    hkl : (m, 3)
        Miller indices; equivalents under the space group and Friedel mates are filled in. Of
        equivalents that are listed with several amplitudes, the network is shown the mean.
    amplitude : (m,)
        |F| in electrons; NaN where not measured.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    contents
        Atoms in the cell, {"Al": 4}.
    spacegroup
        Space group of the reflections.
    force
        Ask the network whatever it was trained on, with all reflections of its box.

    Returns
    -------
    (m,) phases; NaN where a reflection is not measured, is extinct (|F| = 0), or lies outside the
    box or the resolution that the network was trained on.

    Raises
    ------
    ArgandError
        Shapes do not fit, a type is unknown, no reflection is inside the box, the weights cannot be
        read, or the crystal is unlike those of the training and `force` is False.
    """
    model = weights if isinstance(weights, PhaseModel) else load_weights(weights)
    indices = as_hkl(hkl)
    modulus = np.asarray(amplitude, dtype=np.float64)
    if modulus.shape != indices.shape[:1]:
        raise ArgandError(f"amplitude has shape {modulus.shape}, needs ({len(indices)},) like hkl")
    if not contents:
        raise ArgandError("contents is empty, needs the atoms in the cell such as {'Al': 4}")
    hkl_max = model.settings.hkl_max
    side = 2 * hkl_max + 1
    types = list(contents)
    counts = np.array([contents[symbol] for symbol in types], dtype=np.float64)
    form = form_factors(types, stol(indices, cell))
    in_phase = counts @ form
    normalised = modulus / in_phase
    usable = np.isfinite(modulus) & (normalised > EXTINCT) & indices.any(axis=1)
    if np.any(normalised[usable] > _TOO_LARGE):
        warnings.warn(
            "|F| is larger than all atoms together give: not in electrons?",
            ArgandWarning,
            stacklevel=2,
        )
    if not force:
        usable = _within_resolution(model, indices, usable, cell)
    box = _normalised_box(indices, usable, normalised, spacegroup, hkl_max)
    if not box.any():
        raise ArgandError(
            f"hkl has no measured reflection within -{hkl_max}..{hkl_max}, where the network works"
        )
    if not force:
        _, inside = _voxels(indices, usable, hkl_max)
        _refuse_unlike_training(model, contents, cell, spacegroup, indices[inside])
    at_random = counts @ np.square(form)
    if np.square(modulus[usable]).sum() < _TOO_SMALL * at_random[usable].sum():
        warnings.warn(
            "|F| is far smaller than the atoms give: not in electrons, but on another scale?",
            ArgandWarning,
            stacklevel=2,
        )
    values = torch.from_numpy(box)[None]
    stol2 = stol(hkl_cube(hkl_max), cell) ** 2
    stol2_box = torch.from_numpy(stol2.astype(np.float32))
    stol2_box = stol2_box.view(1, side, side, side)
    phase_box = predict_box(model, values, values > 0, stol2_box, spacegroup)[0].numpy()
    phases = np.full(len(indices), np.nan)
    voxel, inside = _voxels(indices, usable, hkl_max)
    phases[inside] = phase_box[voxel]
    return phases


def _within_resolution(
    model: PhaseModel,
    hkl: NDArray[np.int32],
    usable: NDArray[np.bool_],
    cell: Sequence[float],
) -> NDArray[np.bool_]:
    """Return which usable reflections (m,) the photons of the training could reach; warn of others.

    The network has never seen a reflection beyond that.
    """
    data = model.settings.data
    if data is None or data.energy_kev is None:
        return usable
    _, inside = _voxels(hkl, usable, data.hkl_max)
    reached = reachable(hkl, cell, data.energy_kev)
    beyond = int((inside & ~reached).sum())
    if beyond:
        limit = 0.5 * wavelength(data.energy_kev)
        warnings.warn(
            f"{beyond} reflections beyond {limit:.2f} Å, where the training of the network ended, "
            "are left out",
            ArgandWarning,
            stacklevel=3,
        )
    return usable & reached


def _normalised_box(
    hkl: NDArray[np.int32],
    usable: NDArray[np.bool_],
    normalised: NDArray[np.float64],
    spacegroup: SpaceGroup,
    hkl_max: int,
) -> NDArray[np.float32]:
    """Return the mean amplitude of all equivalents on the box -H..H, (D, D, D), 0 elsewhere."""
    side = 2 * hkl_max + 1
    total = np.zeros((side, side, side))
    count = np.zeros((side, side, side))
    rotations = np.array([rotation for rotation, _ in operations(spacegroup)])
    for rotation in np.concatenate([rotations, -rotations]):
        voxel, inside = _voxels(hkl @ rotation, usable, hkl_max)
        np.add.at(total, voxel, normalised[inside])
        np.add.at(count, voxel, 1.0)
    mean = total / np.maximum(count, 1.0)
    return mean.astype(np.float32)


def _refuse_unlike_training(
    model: PhaseModel,
    contents: Mapping[str, float],
    cell: Sequence[float],
    spacegroup: SpaceGroup,
    measured: NDArray[np.int32],
) -> None:
    """Raise an ArgandError that says in what a crystal is unlike those of the training."""
    data = model.settings.data
    if data is None:
        raise ArgandError(
            "the weights do not say what they were trained on, so that it cannot be compared with "
            "this crystal; force=True (--force) asks them anyway"
        )
    differences = outside_training(data, contents, cell, spacegroup, measured)
    if differences:
        raise ArgandError(
            outside_words(
                "the network was not trained for this crystal",
                differences,
                "Its phases would be as good as random ones",
            )
        )


def _voxels(
    hkl: NDArray[np.int32],
    usable: NDArray[np.bool_],
    hkl_max: int,
) -> tuple[tuple[NDArray[np.int32], ...], NDArray[np.bool_]]:
    """Return the voxels of the usable reflections inside the box -H..H, and their mask (m,)."""
    inside = usable & (np.abs(hkl).max(axis=1, initial=0) <= hkl_max)
    shifted = hkl[inside] + hkl_max
    return tuple(shifted.T), inside
