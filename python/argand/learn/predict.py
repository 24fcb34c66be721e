"""Phases of measured amplitudes from trained weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from argand.errors import ArgandError, ArgandWarning
from argand.form_factors import form_factors
from argand.learn.dataset import EXTINCT
from argand.learn.features import features
from argand.learn.weights import PhaseModel, load_weights
from argand.reflections import as_hkl, hkl_cube, stol
from argand.symmetry import SpaceGroup, operations

__all__ = ["predict", "predict_box"]


@torch.no_grad()
def predict_box(model: PhaseModel, amplitude: Tensor, mask: Tensor, stol2: Tensor) -> Tensor:
    """Phases in radians on the cube of Miller indices, (b, D, D, D), 0 where not measured.

    The arguments, (b, D, D, D) each, are as in `Batch`: |F| / sum f, measured or not, (sin(theta)/lambda)^2.
    """
    side = 2 * model.hkl_max + 1
    if amplitude.ndim != 4 or amplitude.shape[1:] != (side, side, side):
        raise ValueError(
            f"amplitude has shape {tuple(amplitude.shape)}, needs (b, {side}, {side}, {side})"
        )
    c, s = model.net(features(amplitude, mask, stol2, model.inputs)).unbind(dim=1)
    phases: Tensor = torch.atan2(s, c) * mask
    return phases


def predict(
    weights: str | Path | PhaseModel,
    hkl: npt.ArrayLike,
    amplitude: npt.ArrayLike,
    cell: Sequence[float],
    contents: Mapping[str, float],
    spacegroup: SpaceGroup = "P 1",
) -> npt.NDArray[np.float64]:
    """Phases in radians of a list of reflections; the hand and the origin are the network's choice.

    Parameters
    ----------
    weights
        What `train` wrote, or `load_weights` read.
    hkl, amplitude
        Miller indices (m, 3) and |F| (m,) in electrons; equivalents under the space group and Friedel mates are
        filled in. NaN amplitudes count as not measured.
    cell
        Angstrom and degrees.
    contents
        Atoms in the cell, {"Al": 4}.

    Returns
    -------
    (m,) phases; NaN where a reflection is not measured, is extinct (|F| = 0), or lies outside the cube that the
    network was trained on.

    Raises
    ------
    ArgandError
        Shapes do not fit, a type is unknown, no reflection is inside the cube, or the weights cannot be read.
    """
    model = weights if isinstance(weights, PhaseModel) else load_weights(weights)
    indices, modulus = as_hkl(hkl), np.asarray(amplitude, dtype=np.float64)
    if modulus.shape != indices.shape[:1]:
        raise ArgandError(f"amplitude has shape {modulus.shape}, needs ({len(indices)},) like hkl")
    if not contents:
        raise ArgandError("contents is empty, needs the atoms in the cell such as {'Al': 4}")
    reach = model.hkl_max
    side = 2 * reach + 1
    grid = hkl_cube(reach)
    s = stol(grid, cell)
    counts = np.array(list(contents.values()), dtype=np.float64)
    normalised = modulus / (counts @ form_factors(list(contents), stol(indices, cell)))
    usable = np.isfinite(modulus) & (normalised > EXTINCT) & indices.any(axis=1)
    if np.any(normalised[usable] > 1.1):
        warnings.warn(
            "|F| is larger than all atoms together give: not in electrons?",
            ArgandWarning,
            stacklevel=2,
        )
    box = np.zeros((side, side, side), np.float32)
    rotations = np.array([rotation for rotation, _ in operations(spacegroup)])
    for rotation in np.concatenate([rotations, -rotations]):
        place = indices @ rotation + reach
        inside = usable & ((place >= 0) & (place < side)).all(axis=1)
        box[tuple(place[inside].T)] = normalised[inside]
    if not box.any():
        raise ArgandError(
            f"hkl has no measured reflection within -{reach}..{reach}, where the network works"
        )
    values = torch.from_numpy(box)[None]
    stol2 = torch.from_numpy((s**2).astype(np.float32)).view(1, side, side, side)
    phases = predict_box(model, values, values > 0, stol2)[0].numpy()
    place = indices + reach
    inside = usable & ((place >= 0) & (place < side)).all(axis=1)
    out = np.full(len(indices), np.nan)
    out[inside] = phases[tuple(place[inside].T)]
    return out
