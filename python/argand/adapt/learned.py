"""The data of an adaptation, as `adapt` learns them and as they go to disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from argand.adapt.ambiguity import Mirror, ambiguity
from argand.adapt.rung import Rung
from argand.adapt.settings import AdaptationSettings
from argand.adapt.width import WidthCurve
from argand.cell import Cell, FloatArray
from argand.crystal import Crystal
from argand.estimate.models import DisplacementModels, MovableCrystal
from argand.reflections import stol

__all__ = ["Learned"]


@dataclass(frozen=True, eq=False)
class Learned:
    """Hold what was learned of a known crystal with n sites, k modes and m reflections.

    Attributes
    ----------
    crystal : the known structure
    hkl : (m, 3) reflections of the regressions
    modes : (k, n, 3) Cartesian displacements, angstrom; parameters N(0, width^2) are expected
    rungs : the regressions, small widths first
    curve : the width that an R(|Fo|, |F0|) means
    settings : what the samples were, and how a refinement searches
    remarks : numbers to print, such as the seconds of learning; nothing is computed from them
    """

    crystal: Crystal
    hkl: NDArray[np.int32]
    modes: FloatArray
    rungs: tuple[Rung, ...]
    curve: WidthCurve
    settings: AdaptationSettings
    remarks: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def movable(self) -> MovableCrystal:
        """Return the known crystal with its modes free, and an overall B, and extinction if any."""
        return MovableCrystal(
            self.crystal,
            self.modes,
            # Every atom moves on its own, hydrogens as well: none follows another.
            leaders=np.arange(len(self.crystal.types)),
            radiation=self.settings.radiation,
            extinction=self.settings.extinction,
            further_element=self.settings.unmodelled,
        )

    def models(self, hkl: NDArray[np.int32], cell: Cell) -> DisplacementModels:
        """Return the models for reflections hkl (j, 3) of a crystal with this cell."""
        return self.movable.models(hkl, cell)

    @cached_property
    def stol(self) -> FloatArray:
        """Return sin(theta)/lambda (m,) of the learned reflections, 1/angstrom."""
        return stol(self.hkl, self.crystal.cell)

    @cached_property
    def mirror(self) -> Mirror | None:
        """Return what maps an answer to the other one, where the known symmetry makes two."""
        return ambiguity(self.crystal, self.modes)

    @property
    def network_widths(self) -> list[float]:
        """Return the widths whose regression is corrected by a network."""
        return [rung.width for rung in self.rungs if rung.network is not None]

    @property
    def fingerprint(self) -> str:
        """Return a text that differs between adaptations that have learned something else."""
        frac = np.ascontiguousarray(np.round(self.crystal.frac, 6))
        digest = hashlib.sha256(frac.tobytes())
        for rung in self.rungs:
            digest.update(rung.linear.weights.tobytes())
            if rung.network is not None:
                for tensor in rung.network.tensors().values():
                    digest.update(tensor.tobytes())
        return f"adaptation {digest.hexdigest()[:16]}"
