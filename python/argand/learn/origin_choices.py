"""Permissible origins of space groups, for each hand, as tensors that losses and metrics search."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from argand.origins import Hand, Origins, permissible_origins
from argand.reflections import hkl_cube
from argand.symmetry import SpaceGroup, group_ops, triplets

__all__ = ["OriginChoices", "OriginSearch"]

# Hands in the order of their axis in `argand.learn.losses.agreements`.
_HANDS: tuple[Hand, ...] = (1, -1)

# Points for each shortest period along a floating axis.
_OVERSAMPLING = 4

# Steps from the best point of the grid to the maximum: the error is squared in each.
_NEWTON_STEPS = 6


class OriginSearch:
    """Compute agreements for all origins that one hand of one space group permits.

    sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h.t), for t = shift + s . axes with real s. Terms
    with equal h . axes are added first; one FFT then gives all s on a grid, and Newton's method
    leads from its best point to the maximum.

    Parameters
    ----------
    origins
        Discrete shifts, and the axes along which the origin floats.
    hkl : (m, 3) or (b, m, 3)
        Miller indices of the terms: one list for all samples, or one for each.
    oversampling
        Points of the grid for each shortest period.
    """

    def __init__(self, origins: Origins, hkl: Tensor, oversampling: int = _OVERSAMPLING) -> None:
        indices = hkl.double()
        self._hkl = indices
        self._shifts = torch.from_numpy(origins.shifts).to(hkl.device)
        self._axes = torch.from_numpy(origins.axes.astype(np.float64)).to(hkl.device)
        angle = -2.0 * math.pi * (self._shifts @ indices.mT)
        self._ramps = torch.polar(torch.ones_like(angle), angle)
        self._along_axes = indices @ self._axes.T
        periods = self._along_axes.abs().flatten(0, -2).amax(dim=0).long().tolist()
        self._grid = tuple(oversampling * (2 * period + 1) for period in periods)
        point = torch.zeros(indices.shape[:-1], dtype=torch.int64, device=hkl.device)
        for column, side in zip(self._along_axes.unbind(-1), self._grid, strict=True):
            point = point * side + column.long() % side
        self._point_of_term = point

    def agreements(self, terms: Tensor) -> Tensor:
        """Compute the agreements (b, candidates) of w exp(i (phi - sigma phi_hat)) (b, m).

        The grid misses the true maximum by a share of about (pi / (2 oversampling))^2 / 6 of the
        outermost terms, for each axis.
        """
        ramps = self._ramps.to(terms)
        turned = terms[:, None] * ramps
        if not self._grid:
            return turned.real.sum(dim=-1)
        points = math.prod(self._grid)
        sums = turned.new_zeros((*turned.shape[:2], points))
        index = self._point_of_term.to(terms.device)
        index = index.expand(turned.shape) if index.ndim == 1 else index[:, None].expand_as(turned)
        sums = sums.scatter_add(2, index, turned)
        on_grid = sums.view(*turned.shape[:2], *self._grid)
        floating = tuple(range(2, 2 + len(self._grid)))
        transform: Tensor = torch.fft.fftn(on_grid, dim=floating)
        return transform.real.flatten(1)

    def origins(self, candidate: Tensor) -> Tensor:
        """Return the origins t (b, 3), fractional, of candidates (b,)."""
        points = math.prod(self._grid)
        shift = self._shifts.to(candidate.device)[candidate // points]
        rest = candidate % points
        for axis, side in reversed(list(zip(self._axes, self._grid, strict=True))):
            along = (rest % side).double() / side
            shift = shift + along[:, None] * axis.to(candidate.device)
            rest = rest // side
        return shift

    def best(self, terms: Tensor) -> tuple[Tensor, Tensor]:
        """Find the largest agreement (b,) of terms (b, m), and its origin (b, 3), fractional.

        The derivative of the agreement is that at the origin that was found, where a floating
        origin is at its maximum.
        """
        if not self._grid:
            value, candidate = self.agreements(terms).max(dim=1)
            return value, self.origins(candidate)
        with torch.no_grad():
            candidate = self.agreements(terms).argmax(dim=1)
            origin = self._refined(terms.to(torch.complex128), self.origins(candidate))
        product = (self._hkl.to(terms.device) @ origin[..., None])[..., 0]
        angle = -2.0 * math.pi * product
        ramp = torch.polar(torch.ones_like(angle), angle)
        value = (terms.to(torch.complex128) * ramp).real.sum(dim=-1)
        return value.to(terms.real.dtype), origin

    def _refined(self, terms: Tensor, origin: Tensor) -> Tensor:
        """Move origins (b, 3) along the floating axes to the maximum of the agreement."""
        along = self._along_axes.to(terms.device).expand(*terms.shape, len(self._grid))
        hkl = self._hkl.to(terms.device)
        axes = self._axes.to(terms.device)
        identity = torch.eye(len(self._grid), dtype=torch.float64, device=terms.device)
        best = terms.real.new_full((len(terms),), -torch.inf)
        best_origin = origin
        for _ in range(_NEWTON_STEPS):
            angle = -2.0 * math.pi * (hkl @ origin[..., None])[..., 0]
            turned = terms * torch.polar(torch.ones_like(angle), angle)
            value = turned.real.sum(dim=-1)
            is_better = value > best
            best = torch.where(is_better, value, best)
            best_origin = torch.where(is_better[:, None], origin, best_origin)
            slope = torch.einsum("bm,bmj->bj", turned.imag, along)
            curvature = torch.einsum("bm,bmj,bmk->bjk", turned.real, along, along)
            # An axis along which no term changes has neither slope nor curvature.
            ridge = 1e-12 * curvature.diagonal(dim1=1, dim2=2).abs().sum(dim=1) + 1e-30
            curvature = curvature + ridge[:, None, None] * identity
            step = torch.linalg.solve(curvature, slope) / (2.0 * math.pi)
            origin = origin + step @ axes
        return best_origin


class OriginChoices:
    """Hold the permissible origins of the space group of each of several crystals, by hand.

    Losses and metrics take it as `origins`, with the number of each sample's crystal as `crystal`,
    which is `SampleBatch.crystal`. A hand that a space group does not permit, as in P 31 1 2, never
    counts; in F d d 2 the other hand has its own origins.

    Parameters
    ----------
    spacegroups
        Names or operations of the space groups, one for each crystal.
    hkl_max
        H of the box of Miller indices -H..H.

    Raises
    ------
    ValueError
        There is no space group, or one is unknown.
    """

    def __init__(self, spacegroups: Sequence[SpaceGroup], hkl_max: int) -> None:
        if isinstance(spacegroups, str) or not len(spacegroups):
            raise ValueError(
                f"spacegroups is {spacegroups!r}, needs a list with one for each crystal"
            )
        self.hkl_max = hkl_max
        self._searches: list[list[OriginSearch | None]] = []
        number_of_group: dict[tuple[str, ...], int] = {}
        group_of_crystal = []
        for spacegroup in spacegroups:
            symops = triplets(group_ops(spacegroup))
            if symops not in number_of_group:
                number_of_group[symops] = len(self._searches)
                self._searches.append([_search(symops, hand, hkl_max) for hand in _HANDS])
            group_of_crystal.append(number_of_group[symops])
        self._group_of_crystal = torch.tensor(group_of_crystal)

    def search(self, terms: Tensor, crystal: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Find the best hand and origin of each sample.

        Parameters
        ----------
        terms : (b, hands, D, D, D)
            w exp(i (phi - sigma phi_hat)), hand sigma = +1 first; one hand means +1 alone.
        crystal : (b,)
            Number of the crystal of each sample; None where there is one crystal.

        Returns
        -------
        The largest agreement (b,), its hand (b,) as +1 or -1, and its origin (b, 3).

        Raises
        ------
        ValueError
            The box is another one, or the numbers are not those of the crystals.
        """
        side = 2 * self.hkl_max + 1
        if terms.shape[2:] != (side, side, side):
            raise ValueError(
                f"phases have shape {tuple(terms.shape[2:])}, "
                f"origins were made for ({side}, {side}, {side})"
            )
        group = self._groups(crystal, len(terms)).to(terms.device)
        flat = terms.flatten(2)
        value = flat.real.new_full((len(flat),), -torch.inf)
        sign = torch.ones_like(value)
        origin = torch.zeros((len(flat), 3), dtype=torch.float64, device=flat.device)
        for number in sorted(set(group.tolist())):
            rows = torch.nonzero(group == number)[:, 0]
            for column in range(flat.shape[1]):
                search = self._searches[number][column]
                if search is None:
                    continue
                best, best_origin = search.best(flat[rows, column])
                better = best.detach() > value[rows].detach()
                origin[rows[better]] = best_origin[better]
                sign[rows[better]] = float(_HANDS[column])
                value = value.index_put((rows,), torch.maximum(value[rows], best))
        return value, sign, origin

    def _groups(self, crystal: Tensor | None, samples: int) -> Tensor:
        """Return the number of the space group of each sample (b,)."""
        count = len(self._group_of_crystal)
        if crystal is None:
            if count > 1:
                raise ValueError(
                    f"crystal is None, needs numbers (b,) of the {count} crystals: batch.crystal"
                )
            return self._group_of_crystal.expand(samples)
        numbers = crystal.cpu()
        if numbers.shape != (samples,) or not bool(((numbers >= 0) & (numbers < count)).all()):
            raise ValueError(
                f"crystal has shape {tuple(numbers.shape)} and values from {int(numbers.min())} to "
                f"{int(numbers.max())}, needs ({samples},) from 0 to {count - 1}"
            )
        return self._group_of_crystal[numbers.long()]


def _search(symops: tuple[str, ...], hand: Hand, hkl_max: int) -> OriginSearch | None:
    """Prepare the origins that a hand permits; None where it permits none."""
    origins = permissible_origins(symops, hand)
    hkl = torch.from_numpy(hkl_cube(hkl_max).astype(np.int64))
    return OriginSearch(origins, hkl) if len(origins.shifts) else None
