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
        self._measured = measured.to(turn.dtype)
        self._ramp = torch.polar(self._measured, turn)
        self._is_mate = mate > 0.5
        #: (b, R) 1 for the sets there are, 0 behind the last one
        self.exists = (self.mean(self._measured) > 0.0).to(turn.dtype)
        phase = self.mean(restricted)
        self._is_restricted = self.mean((restricted >= 0.0).to(turn.dtype)) > 0.5
        self._direction = torch.polar(torch.ones_like(phase), phase)

    def half(self, voxels: Tensor) -> OrbitAverage:
        """Return the same sets, averaged over and spread to some of the reflections of the box."""
        part = object.__new__(OrbitAverage)
        part.sets, part.exists = self.sets, self.exists
        part._orbit = self._orbit[:, voxels]
        part._measured = self._measured[:, voxels]
        part._ramp = self._ramp[:, voxels]
        part._is_mate = self._is_mate[:, voxels]
        part._is_restricted, part._direction = self._is_restricted, self._direction
        return part

    def mean(self, values: Tensor) -> Tensor:
        """Average real or complex values (..., V) that are equal in a set, (b, R); not turned."""
        counted = self._measured
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
        members = self._measured.new_zeros(len(values), self.sets)
        members = members.scatter_add(1, self._orbit, self._measured).clamp_min(1.0)
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
