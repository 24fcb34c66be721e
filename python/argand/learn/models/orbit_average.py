"""Tie equivalent reflections: one value for each set, and the values of all its members from it."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["OrbitAverage"]


class OrbitAverage:
    """Lead from the box of Miller indices to sets of equivalent reflections that are measured.

    The sets of a sample are numbered anew, from 0, so that R is the largest number of them in the
    batch. A sample with fewer has empty sets at the end.

    Parameters
    ----------
    orbit : (b, V)
        Number of the set of equivalents of each reflection; negative where it is absent.
    turn : (b, V)
        Radians by which the phase of a reflection is behind that of its set.
    mate : (b, V)
        1 where the phase then takes the opposite sign, 0 elsewhere.
    restricted : (b, V)
        Phase in radians that symmetry restricts the set to, up to pi; negative where it is free.
    mask : (b, V)
        1 for reflections that are measured, 0 for others.
    """

    def __init__(
        self, orbit: Tensor, turn: Tensor, mate: Tensor, restricted: Tensor, mask: Tensor
    ) -> None:
        measured = (orbit >= 0.0) & (mask > 0.0)
        number = orbit.clamp_min(0.0).long()
        is_set = torch.zeros_like(orbit).scatter_add(1, number, measured.to(orbit.dtype)) > 0.0
        renumbered = (is_set.cumsum(dim=1) - 1).clamp_min(0)
        self.sets = max(int(is_set.sum(dim=1).max()), 1)
        self._orbit = renumbered.gather(1, number).clamp_max(self.sets - 1)
        #: (b, V) 1 for the reflections of sets
        self.measured = measured.to(turn.dtype)
        self._ramp = torch.polar(self.measured, turn)
        self._is_mate = mate > 0.5
        #: (b, R) 1 for the sets there are, 0 behind the last one
        self.exists = (self.mean(self.measured) > 0.0).to(turn.dtype)
        phase = self.mean(restricted)
        self._is_restricted = self.mean((restricted >= 0.0).to(turn.dtype)) > 0.5
        self._direction = torch.polar(torch.ones_like(phase), phase)

    def half(self, voxels: Tensor) -> OrbitAverage:
        """Return the same sets, averaged over and spread to some of the reflections of the box."""
        part = object.__new__(OrbitAverage)
        part.sets, part.exists = self.sets, self.exists
        part._orbit = self._orbit[:, voxels]
        part.measured = self.measured[:, voxels]
        part._ramp = self._ramp[:, voxels]
        part._is_mate = self._is_mate[:, voxels]
        part._is_restricted, part._direction = self._is_restricted, self._direction
        return part

    def mean(self, values: Tensor) -> Tensor:
        """Average real or complex values (..., V) that are equal in a set, (b, R); not turned."""
        counted = self.measured
        total = values.new_zeros(len(values), self.sets)
        total = total.scatter_add(1, self._orbit, values * counted)
        members = counted.new_zeros(len(values), self.sets)
        members = members.scatter_add(1, self._orbit, counted)
        return total / members.clamp_min(1.0)

    def collapse(self, values: Tensor) -> Tensor:
        """Average complex values (b, n, V) over equivalents to those of the sets (b, n, R)."""
        aligned = torch.where(self._is_mate[:, None], values.conj(), values) * self._ramp[:, None]
        index = self._orbit[:, None].expand_as(aligned)
        total = aligned.new_zeros(*aligned.shape[:2], self.sets).scatter_add(2, index, aligned)
        members = self.measured.new_zeros(len(values), self.sets)
        members = members.scatter_add(1, self._orbit, self.measured).clamp_min(1.0)
        return self.restrict(total / members[:, None])

    def restrict(self, values: Tensor) -> Tensor:
        """Return the parts of values (b, n, R) of sets along the phases that symmetry allows."""
        direction = self._direction[:, None]
        along = (values * direction.conj()).real
        return torch.where(self._is_restricted[:, None], along * direction, values)

    def undecided(self, values: Tensor) -> Tensor:
        """Give restricted values z (b, R) of modulus below 1 a part at right angles, to modulus 1.

        The direction of a sign has no derivative. With this part the cosine of the phase error is z
        times the true sign: its expectation, where z is what is expected of the sign.
        """
        across = (1.0 - values.real.square() - values.imag.square()).clamp_min(1e-6).sqrt()
        turned = values + 1j * self._direction * across
        return torch.where(self._is_restricted, turned, values)

    def spread(self, values: Tensor) -> Tensor:
        """Return the values (b, n, V) of all equivalents from those of the sets (b, n, R)."""
        index = self._orbit[:, None].expand(-1, values.shape[1], -1)
        turned = values.gather(2, index) * self._ramp[:, None].conj()
        return torch.where(self._is_mate[:, None], turned.conj(), turned)

    def symmetry_map(self, values: Tensor, hkl: Tensor, points: int) -> Tensor:
        """Map how well values obey the symmetry about each origin.

        Values F(h) become F(h) exp(2 pi i h.t) where the origin moves by -t. The power of their
        averages over equivalents is a sum of products of pairs, F(h) F(h') or F(h) F(h')*, so that
        one Fourier transform gives it for all t.

        Parameters
        ----------
        values : (b, V)
            Complex values that obey Friedel's law, of the reflections which these sets have.
        hkl : (V, 3)
            Miller indices of the reflections, int64.
        points
            Points N of the map along each axis.

        Returns
        -------
        Sum over reflections of the power of averages, (b, N, N, N), real; t is a grid point over N.
        """
        member = torch.where(self._is_mate, values.conj(), values) * self._ramp
        sign = torch.where(self._is_mate, -1, 1)
        # Reflections that are not measured come last.
        order = torch.where(self.measured > 0.0, self._orbit, self.sets).argsort(dim=1)
        orbit, member = self._orbit.gather(1, order), member.gather(1, order)
        counted = self.measured.gather(1, order)
        index = (sign[..., None] * hkl).gather(1, order[..., None].expand(-1, -1, 3))
        members = counted.new_zeros(len(values), self.sets).scatter_add(1, orbit, counted)
        share = counted / members.gather(1, orbit).clamp_min(1.0)
        is_restricted = self._is_restricted.gather(1, orbit)
        half = torch.where(is_restricted, 0.5, 1.0)
        turned_back = self._direction.gather(1, orbit).conj()
        grid = member.new_zeros(len(values), points**3)
        reflections = member.shape[1]
        for apart in range(int(members.max())):
            first, second = slice(0, reflections - apart), slice(apart, reflections)
            is_pair = (orbit[:, first] == orbit[:, second]) & (counted[:, second] > 0.0)
            # A pair of different members stands for both of its orders.
            factor = is_pair * share[:, first] * (1.0 if apart == 0 else 2.0)
            product = member[:, first] * member[:, second].conj() * (factor * half[:, first])
            place = _grid_places(index[:, first] - index[:, second], points)
            grid.scatter_add_(1, place, product)
            along = member[:, first] * member[:, second] * turned_back[:, first].square()
            along = along * (0.5 * factor * is_restricted[:, first])
            place = _grid_places(index[:, first] + index[:, second], points)
            grid.scatter_add_(1, place, along)
        grid = grid.view(-1, points, points, points)
        power: Tensor = torch.fft.ifftn(grid, dim=(1, 2, 3), norm="forward").real
        return power


def _grid_places(index: Tensor, points: int) -> Tensor:
    """Return the places (...) of indices (..., 3) on a grid of N points along each axis."""
    h, k, l = (index % points).unbind(dim=-1)
    return (h * points + k) * points + l
