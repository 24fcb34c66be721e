"""Phases of measured amplitudes from trained weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from argand.errors import ArgandError, ArgandWarning
from argand.form_factors import form_factors
from argand.learn.samples import EXTINCT, features
from argand.learn.weights import PhaseModel, load_weights
from argand.reflections import as_hkl, hkl_cube, stol
from argand.symmetry import SpaceGroup, operations

__all__ = ["predict", "predict_box"]

# |F| above this share of the sum of all form factors is not in electrons; noise may reach a little
# above 1.
_TOO_LARGE = 1.1


@torch.no_grad()
def predict_box(model: PhaseModel, amplitude: Tensor, mask: Tensor, stol2: Tensor) -> Tensor:
    """Predict phases in radians on the box of Miller indices, (b, D, D, D), 0 where not measured.

    Parameters
    ----------
    model
        A trained network.
    amplitude, mask, stol2 : (b, D, D, D)
        |F| / sum_j occ_j |f_j|, whether measured, and (sin(theta)/lambda)^2 in 1/angstrom^2.

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
    channels = features(amplitude, mask, stol2, model.settings.inputs)
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
) -> NDArray[np.float64]:
    """Predict phases in radians of a list of reflections, in a hand and origin of its choice.

    Parameters
    ----------
    weights
        What `train` wrote, or `load_weights` read.
    hkl : (m, 3)
        Miller indices; equivalents under the space group and Friedel mates are filled in.
    amplitude : (m,)
        |F| in electrons; NaN where not measured.
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    contents
        Atoms in the cell, {"Al": 4}.
    spacegroup
        Space group of the reflections.

    Returns
    -------
    (m,) phases; NaN where a reflection is not measured, is extinct (|F| = 0), or lies outside the
    box that the network was trained on.

    Raises
    ------
    ArgandError
        Shapes do not fit, a type is unknown, no reflection is inside the box, or the weights cannot
        be read.
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
    in_phase = counts @ form_factors(types, stol(indices, cell))
    normalised = modulus / in_phase
    usable = np.isfinite(modulus) & (normalised > EXTINCT) & indices.any(axis=1)
    if np.any(normalised[usable] > _TOO_LARGE):
        warnings.warn(
            "|F| is larger than all atoms together give: not in electrons?",
            ArgandWarning,
            stacklevel=2,
        )
    box = np.zeros((side, side, side), np.float32)
    rotations = np.array([rotation for rotation, _ in operations(spacegroup)])
    for rotation in np.concatenate([rotations, -rotations]):
        voxel, inside = _voxels(indices @ rotation, usable, hkl_max)
        box[voxel] = normalised[inside]
    if not box.any():
        raise ArgandError(
            f"hkl has no measured reflection within -{hkl_max}..{hkl_max}, where the network works"
        )
    values = torch.from_numpy(box)[None]
    stol2 = stol(hkl_cube(hkl_max), cell) ** 2
    stol2_box = torch.from_numpy(stol2.astype(np.float32))
    stol2_box = stol2_box.view(1, side, side, side)
    phase_box = predict_box(model, values, values > 0, stol2_box)[0].numpy()
    phases = np.full(len(indices), np.nan)
    voxel, inside = _voxels(indices, usable, hkl_max)
    phases[inside] = phase_box[voxel]
    return phases


def _voxels(
    hkl: NDArray[np.int32],
    usable: NDArray[np.bool_],
    hkl_max: int,
) -> tuple[tuple[NDArray[np.int32], ...], NDArray[np.bool_]]:
    """Return the voxels of the usable reflections inside the box -H..H, and their mask (m,)."""
    inside = usable & (np.abs(hkl).max(axis=1) <= hkl_max)
    shifted = hkl[inside] + hkl_max
    return tuple(shifted.T), inside
