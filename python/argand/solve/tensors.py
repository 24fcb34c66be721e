"""Run dual-space cycles on torch tensors, on any device and in either precision.

The algorithm is that of `argand.solve.dual_space`, whose core is quicker on a CPU; here all starts
are one batch of transforms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from argand.errors import ArgandError
from argand.solve.dual_space import FACTORS, DualSpace, Modification

# The axes of the grids in a batch.
_AXES = (1, 2, 3)
# Below this |G| a phase is rounding; it counts as 0.
_NO_PHASE = 1e-15


class _Places(NamedTuple):
    """Hold where reflections stand in a half spectrum (na, nb, nc / 2 + 1), as flat indices."""

    # (n,): the reflection where l >= 0, else its Friedel mate
    reflection: torch.Tensor
    # (n,) bool: whether the conjugate stands there, as transforms of torch have it
    conjugate: torch.Tensor
    # rows of the reflections of l = 0, and the indices of their mates
    first_plane: torch.Tensor
    mate: torch.Tensor


def run_on_tensors(
    space: DualSpace,
    structure_factors: torch.Tensor,
    origin: torch.Tensor,
    amplitudes: torch.Tensor,
    *,
    cycles: int,
    threshold: float | torch.Tensor,
    modify: Modification = "flip",
    shifted: torch.Tensor | None = None,
    cap: float = math.inf,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run dual-space cycles of all starts on the device of `structure_factors`.

    Parameters
    ----------
    space
        The reflections and the grid.
    structure_factors
        Starts (starts, n), complex64 or complex128; they are not changed.
    origin
        F(000) (starts,), real.
    amplitudes
        Measured amplitudes (measured,), real, not negative.
    cycles, threshold, modify, shifted, cap
        As `DualSpace.run` has them; `threshold` is a number or (starts,).

    Returns
    -------
    tuple of tensors
        Structure factors (starts, n) after the last cycle, the transforms G (starts, n) of its
        changed density, F(000) (starts,), and the residual (starts,).

    Raises
    ------
    ArgandError
        Names the argument, what it is and what it must be.
    """
    _check(space, structure_factors, origin, amplitudes, cycles, modify)
    device, real = structure_factors.device, structure_factors.real.dtype
    places = _places(space, device)
    measured = space.measured
    relative = torch.as_tensor(threshold, dtype=real, device=device).expand(len(origin))
    turned = torch.zeros(measured, dtype=torch.bool, device=device)
    if shifted is not None:
        turned = shifted.to(device=device, dtype=torch.bool)
    targets = amplitudes.to(device=device, dtype=real)
    f = g = structure_factors
    f000 = origin.to(device=device, dtype=real)
    for _ in range(cycles):
        density = _density(space.shape, places, f, f000)
        squares = (f.real**2 + f.imag**2).sum(dim=1)
        delta = relative * torch.sqrt(2 * squares)
        is_low = density < delta[:, None, None, None]
        changed = torch.where(is_low, FACTORS[modify] * density, density)
        g, f000 = _structure_factors(places, changed)
        lengths = torch.abs(g)
        has_phase = lengths > _NO_PHASE
        phase_factors = torch.where(has_phase, g / lengths.clamp_min(_NO_PHASE), 1)
        with_amplitudes = targets * phase_factors[:, :measured]
        known = torch.where(turned, 1j * g[:, :measured], with_amplitudes)
        carried_lengths = lengths[:, measured:].clamp_max(cap)
        carried = carried_lengths * phase_factors[:, measured:]
        f = torch.cat([known, carried], dim=1)
    residual = _residuals(targets, torch.abs(g[:, :measured]))
    return f, g, f000, residual


def _check(
    space: DualSpace,
    structure_factors: torch.Tensor,
    origin: torch.Tensor,
    amplitudes: torch.Tensor,
    cycles: int,
    modify: str,
) -> None:
    reflections = len(space.hkl)
    shape = tuple(structure_factors.shape)
    if len(shape) != 2 or shape[1] != reflections:
        raise ArgandError(f"structure_factors has shape {shape}, needs (starts, {reflections})")
    if not structure_factors.is_complex():
        raise ArgandError(f"structure_factors is {structure_factors.dtype}, needs complex numbers")
    if tuple(origin.shape) != shape[:1]:
        raise ArgandError(f"origin has shape {tuple(origin.shape)}, needs {shape[:1]}")
    if tuple(amplitudes.shape) != (space.measured,):
        raise ArgandError(
            f"amplitudes has shape {tuple(amplitudes.shape)}, needs ({space.measured},)"
        )
    if cycles < 1:
        raise ArgandError(f"cycles is {cycles}, needs at least 1")
    if modify not in FACTORS:
        raise ArgandError(f"modify is {modify!r}, needs {' or '.join(map(repr, FACTORS))}")


def _places(space: DualSpace, device: torch.device) -> _Places:
    """Find the places of the reflections of a space in half spectra of its grid."""
    hkl = torch.as_tensor(space.hkl, device=device)
    conjugate = hkl[:, 2] >= 0
    upper = torch.where(conjugate[:, None], hkl, -hkl)
    first_plane = torch.nonzero(upper[:, 2] == 0)[:, 0]
    return _Places(
        _flat(upper, space.shape),
        conjugate,
        first_plane,
        _flat(-upper[first_plane], space.shape),
    )


def _flat(hkl: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Return the index of each hkl (n, 3), l >= 0, in a flattened half spectrum."""
    na, nb, nc = shape
    h, k, l = hkl.unbind(dim=1)
    row = torch.remainder(h, na) * nb + torch.remainder(k, nb)
    index: torch.Tensor = row * (nc // 2 + 1) + l
    return index


def _density(
    shape: tuple[int, int, int],
    places: _Places,
    f: torch.Tensor,
    f000: torch.Tensor,
) -> torch.Tensor:
    """Transform structure factors (starts, n) to densities (starts, na, nb, nc)."""
    na, nb, nc = shape
    depth = nc // 2 + 1
    half = f.new_zeros((len(f), na * nb * depth))
    stored = torch.where(places.conjugate, f.conj(), f)
    half[:, places.reflection] = stored
    half[:, places.mate] = stored[:, places.first_plane].conj()
    half[:, 0] = f000.to(f.dtype)
    spectrum = half.reshape(len(f), na, nb, depth)
    density: torch.Tensor = torch.fft.irfftn(spectrum, s=shape, dim=_AXES, norm="forward")
    return density


def _structure_factors(places: _Places, density: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Transform densities to structure factors (starts, n) and F(000) (starts,)."""
    spectrum = torch.fft.rfftn(density, dim=_AXES, norm="forward")
    half = spectrum.flatten(start_dim=1)
    stored = half[:, places.reflection]
    f = torch.where(places.conjugate, stored.conj(), stored)
    return f, half[:, 0].real


def _residuals(amplitudes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Compute sum |A - k |G|| / sum A of each start, k by least squares."""
    squares = (lengths**2).sum(dim=1)
    products = (lengths * amplitudes).sum(dim=1)
    scale = products / squares.clamp_min(torch.finfo(squares.dtype).tiny)
    differences = torch.abs(amplitudes - scale[:, None] * lengths).sum(dim=1)
    residuals: torch.Tensor = differences / amplitudes.sum()
    return residuals
