"""W5: value and gradient of a least-squares loss on the isotropic molecule of W2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from workloads.common import Complexes, Floats, relative_error
from workloads.molecule import Molecule


class Gradient(NamedTuple):
    """A loss and its derivatives by fractional coordinates (atoms, 3) and B (atoms,)."""

    loss: float
    frac: Any
    b_iso: Any


@dataclass(frozen=True, eq=False)
class LossGradient:
    """W5: L = sum (|F| - F_obs)^2 and its gradient by x, y, z and B of the isotropic molecule.

    F_obs = |F| (1 + 0.1 n), n normal (seed 5).
    """

    workload: ClassVar[str] = "W5"
    name: ClassVar[str] = "W5"
    title: ClassVar[str] = (
        "value and gradient by xyz and B of sum (|F| - F_obs)^2, W2 isotropic, form factors given"
    )
    seed: ClassVar[int] = 5
    # 8 forward; 16 backward: the term once more, and its products with 1 and l, twice.
    flops_a_term: ClassVar[int] = 24

    molecule: Molecule

    @classmethod
    def make(cls) -> LossGradient:
        """Take the isotropic molecule of W2."""
        return cls(Molecule.make())

    @property
    def flops(self) -> float:
        """Return the fewest flops of value and gradient."""
        return self.flops_a_term * len(self.molecule.types) * len(self.molecule.hkl)

    @cached_property
    def f_obs(self) -> Floats:
        """Draw the measured amplitudes, (4851,)."""
        rng = np.random.default_rng(self.seed)
        noise = rng.normal(size=len(self.molecule.hkl))
        return np.abs(self.molecule.truth) * (1 + 0.1 * noise)

    @cached_property
    def truth(self) -> Gradient:
        """Calculate loss and gradient term by term."""
        work = self.molecule
        phases = 2j * np.pi * work.frac @ work.hkl.T
        waves = np.exp(phases - np.outer(work.b_iso, work.stol2))
        term: Complexes = work.f0[work.kind] * waves
        f = term.sum(axis=0)
        amplitude = np.abs(f)
        residual = amplitude - self.f_obs
        # The change of the loss is dL = Re conj(by_f) dF.
        by_f = 2 * residual * f / amplitude
        change = by_f.conj() * term
        by_frac = -2 * np.pi * change.imag @ work.hkl
        by_b_iso = -change.real @ work.stol2
        return Gradient(float(np.square(residual).sum()), by_frac, by_b_iso)

    def error(self, answer: Gradient) -> float:
        """Return the largest of the relative errors of L and of its gradients."""
        errors = []
        for part, expected in zip(answer, self.truth, strict=True):
            errors.append(relative_error(part, np.asarray(expected)))
        return max(errors)
