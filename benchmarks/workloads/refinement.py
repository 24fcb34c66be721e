"""W5: value and gradient of a least-squares loss on the isotropic molecule of W2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.common import relative_error
from workloads.molecule import Floats, Molecule


class Gradient(NamedTuple):
    """A loss and its derivatives by fractional coordinates and B."""

    loss: float
    frac: Any  # (atoms, 3)
    b_iso: Any  # (atoms,)


@dataclass(frozen=True, eq=False)
class Refinement:
    """W5: L = sum (|F| - F_obs)^2 and its gradient by x, y, z and B of the isotropic molecule of W2.

    F_obs = |F| (1 + 0.1 n), n normal (seed 5). `error` is the largest of the relative errors of L, of the gradient by
    position and of that by B.
    """

    workload: ClassVar[str] = "W5"
    name: ClassVar[str] = "W5"
    title: ClassVar[str] = (
        "value and gradient by xyz and B of sum (|F| - F_obs)^2, W2 isotropic, form factors given"
    )
    seed: ClassVar[int] = 5
    flops_a_term: ClassVar[int] = (
        24  # 8 forward; 16 backward: a term more and its products with 1 and l, twice
    )

    molecule: Molecule

    @classmethod
    def make(cls) -> Refinement:
        return cls(Molecule.make())

    @property
    def flops(self) -> float:
        return self.flops_a_term * len(self.molecule.types) * len(self.molecule.hkl)

    @cached_property
    def f_obs(self) -> Floats:
        noise = np.random.default_rng(self.seed).normal(size=len(self.molecule.hkl))
        return np.abs(self.molecule.truth) * (1 + 0.1 * noise)

    @cached_property
    def truth(self) -> Gradient:
        work = self.molecule
        waves = np.exp(2j * np.pi * work.frac @ work.hkl.T - np.outer(work.b_iso, work.stol2))
        term: NDArray[np.complex128] = work.f0[work.kind] * waves
        f = term.sum(axis=0)
        amplitude = np.abs(f)
        by_f = 2 * (amplitude - self.f_obs) * f / amplitude  # dL = Re conj(by_f) dF
        change = by_f.conj() * term
        loss = float(np.square(amplitude - self.f_obs).sum())
        return Gradient(loss, -2 * np.pi * change.imag @ work.hkl, -change.real @ work.stol2)

    def error(self, answer: Gradient) -> float:
        return max(
            relative_error(ours, np.asarray(true))
            for ours, true in zip(answer, self.truth, strict=True)
        )
