"""Find phases by cycles between amplitudes and a positive density, as in P 1; nothing is learned.

Densities live on N points along each axis of the cell, values of reflections on the half l >= 0 of
the box of Miller indices; Friedel's law gives the other half.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = [
    "THRESHOLD",
    "certainty",
    "complete",
    "density_of",
    "free_cycles",
    "grid_places",
    "grid_points",
    "soft",
    "spectrum_of",
    "unit",
]

#: Density, in units of its root mean square, that a cycle takes off; what is then negative is zero
THRESHOLD = 0.1

# Factor on the certainty of phases, at |E| = 1. A larger one ends in the first best density.
_GAIN = 0.8

# Points of the density for the largest index: squares of densities do not fold back.
_POINTS_OF_INDEX = 3

# Axes of a density.
_CELL = (-3, -2, -1)


def grid_points(hkl_max: int) -> int:
    """Return N for indices up to H: even, so that halves of the cell are whole numbers."""
    return 2 * math.ceil(_POINTS_OF_INDEX * max(hkl_max, 1) / 2)


def grid_places(shape: tuple[int, int, int], points: int) -> Tensor:
    """Return where the reflections with l >= 0 of a box stand in a half spectrum of N points."""
    side_h, side_k, side_l = shape
    h = (torch.arange(side_h) - side_h // 2) % points
    k = (torch.arange(side_k) - side_k // 2) % points
    l = torch.arange(side_l // 2 + 1)
    rows = (h[:, None, None] * points + k[:, None]) * (points // 2 + 1) + l
    return rows.flatten()


def unit(values: Tensor) -> Tensor:
    """Return complex values with modulus 1, and zero where they are zero."""
    return values / values.abs().clamp_min(1e-6)


def soft(values: Tensor) -> Tensor:
    """Bring complex values below 1 in modulus, with their phases as they are."""
    return values * torch.rsqrt(1.0 + values.real.square() + values.imag.square())


def certainty(e: Tensor) -> Tensor:
    """Return factors on values that `soft` makes certain: phases of larger |E| are surer."""
    return _GAIN * e.sqrt()


def complete(half: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return values of the whole box, flattened (..., V), from those with l >= 0 (..., U)."""
    side_h, side_k, side_l = shape
    box = half.reshape(*half.shape[:-1], side_h, side_k, side_l // 2 + 1)
    mates = box[..., 1:].flip(_CELL).conj()
    return torch.cat([mates, box], dim=-1).flatten(-3)


def density_of(half: Tensor, places: Tensor, points: int) -> Tensor:
    """Transform values (b, n, U) to densities (b, n, N, N, N) with mean square 1."""
    return _density(_on_grid(half, places, points), points)


def spectrum_of(density: Tensor, places: Tensor) -> Tensor:
    """Transform densities (b, n, N, N, N) to values (b, n, U)."""
    spectrum: Tensor = torch.fft.rfftn(density, dim=_CELL, norm="ortho")
    return spectrum.flatten(-3)[..., places]


def free_cycles(
    values: Tensor, e: Tensor, measured: Tensor, places: Tensor, points: int, cycles: int
) -> tuple[Tensor, Tensor]:
    """Improve phases by cycles: take a threshold off the density, and keep what is positive.

    A value is the expectation of exp(i phi): its modulus, below 1, says how certain the phase is.

    Parameters
    ----------
    values : (b, U)
        Complex values of the reflections with l >= 0, which obey Friedel's law.
    e, measured : (b, U)
        |E|, and 1 where it is measured, else 0.
    places, points
        See `grid_places` and `grid_points`.
    cycles
        How many, at least 1.

    Returns
    -------
    Values (b, U), and the correlations (b,) of |E| with the moduli that the last density has.
    """
    grid = _on_grid(values, places, points)
    amplitude = _on_grid(e * measured, places, points)
    is_measured = _on_grid(measured, places, points)
    gain = certainty(amplitude) * is_measured
    # Friedel mates count once; those with l = 0 are both in the half spectrum.
    counted = is_measured.clone()
    counted[..., 0] *= 0.5
    reflections = counted.sum(dim=_CELL, keepdim=True).clamp_min(1.0)
    returned = grid
    for _ in range(cycles):
        density = _density(grid * amplitude, points)
        positive = torch.relu(density - THRESHOLD)
        returned = torch.fft.rfftn(positive, dim=_CELL, norm="ortho") * is_measured
        power = returned.real.square() + returned.imag.square()
        mean_power = (power * counted).sum(dim=_CELL, keepdim=True) / reflections
        grid = soft(returned * (torch.rsqrt(mean_power + 1e-6) * gain))
    correlation = _correlation(returned.abs(), amplitude, counted)
    return grid.flatten(-3)[..., places], correlation


def _on_grid(half: Tensor, places: Tensor, points: int) -> Tensor:
    """Put values (..., U) into half spectra (..., N, N, N / 2 + 1)."""
    grid = half.new_zeros(*half.shape[:-1], points * points * (points // 2 + 1))
    grid = grid.index_copy(-1, places, half)
    return grid.view(*half.shape[:-1], points, points, points // 2 + 1)


def _density(spectrum: Tensor, points: int) -> Tensor:
    """Transform half spectra (..., N, N, N / 2 + 1) to densities (..., N, N, N), mean square 1."""
    density = torch.fft.irfftn(spectrum, s=(points, points, points), dim=_CELL)
    mean_square = density.square().mean(dim=_CELL, keepdim=True)
    normalised: Tensor = density * torch.rsqrt(mean_square + 1e-12)
    return normalised


def _correlation(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """Return the correlations (b,) of real numbers (b, N, N, N / 2 + 1) with weights."""
    total = weight.sum(dim=_CELL, keepdim=True).clamp_min(1.0)
    deviations = []
    for numbers in (first, second):
        mean = (numbers * weight).sum(dim=_CELL, keepdim=True) / total
        deviations.append((numbers - mean) * weight)
    product = (deviations[0] * deviations[1]).sum(dim=_CELL)
    squares = [deviation.square().sum(dim=_CELL) for deviation in deviations]
    correlation: Tensor = product * torch.rsqrt(squares[0] * squares[1] + 1e-12)
    return correlation
