"""W6: a cycle of full-matrix least squares on F^2 of an anisotropic molecular crystal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

import argand
from argand.symmetry import operation_arrays
from workloads.common import Cell, Floats, relative_error, six_products


class Cycle(NamedTuple):
    """The shifts of a cycle, and what is only checked.

    Shifts and uncertainties (64, 9) are those of x, y, z along Cartesian axes in angstrom, and of
    U11, U22, U33, U12, U13, U23 in square angstrom.
    """

    shift: Floats
    # Returns R1 before the cycle, and standard uncertainties (64, 9).
    figures: Callable[[], tuple[float, Floats]]


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """W6: one cycle on F^2, 64 anisotropic sites in P 1 21/c 1, 4,228 reflections.

    Sites (seed 6) are at random, U is near 0.03; I_obs is that of sites 0.004 A away, with
    sigma = 0.02 I + 0.01 <I> and noise of that size. All 576 coordinates and U are free, and the
    scale. The cell has right angles, so that fractional and Cartesian shifts are proportional.
    """

    workload: ClassVar[str] = "W6"
    name: ClassVar[str] = "W6"
    title: ClassVar[str] = (
        "a cycle of full-matrix least squares on F^2: 64 anisotropic sites in P 1 21/c 1, "
        "4,228 reflections, 576 parameters and the scale"
    )
    seed: ClassVar[int] = 6
    cell: ClassVar[Cell] = (11.0, 12.0, 12.5, 90.0, 90.0, 90.0)
    spacegroup: ClassVar[str] = "P 1 21/c 1"
    reflections: ClassVar[int] = 4228
    types: ClassVar[tuple[str, ...]] = ("C",) * 48 + ("N",) * 8 + ("O",) * 8

    # Fractional coordinates (64, 3) and U (64, 6) in square angstrom where the cycle begins.
    frac: Floats
    u_aniso: Floats

    @classmethod
    def make(cls) -> LeastSquares:
        """Draw the sites."""
        rng = np.random.default_rng(cls.seed)
        n = len(cls.types)
        u_aniso = np.zeros((n, 6))
        u_aniso[:, :3] = rng.uniform(0.02, 0.04, (n, 3))
        u_aniso[:, 3:] = rng.uniform(-0.005, 0.005, (n, 3))
        return cls(rng.uniform(0.02, 0.48, (n, 3)), u_aniso)

    @property
    def crystal(self) -> argand.Crystal:
        """Return the structure where the cycle begins."""
        return self._crystal(self.frac)

    def _crystal(self, frac: Floats) -> argand.Crystal:
        return argand.Crystal(
            self.cell,
            types=list(self.types),
            frac=frac,
            u_aniso=self.u_aniso,
            spacegroup=self.spacegroup,
        )

    @cached_property
    def hkl(self) -> NDArray[np.int32]:
        """Return the reflections of lowest angle, (4228, 3)."""
        hkl = argand.miller_indices(self.cell, self.spacegroup, d_min=0.72)
        order = np.argsort(argand.stol(hkl, self.cell), kind="stable")
        return np.ascontiguousarray(hkl[order[: self.reflections]])

    @cached_property
    def observations(self) -> tuple[Floats, Floats]:
        """Draw intensities and their standard uncertainties, (4228,) each."""
        rng = np.random.default_rng(self.seed + 1)
        moved = self.frac + rng.normal(size=self.frac.shape) * 0.004 / np.array(self.cell[:3])
        intensity = np.square(np.abs(argand.structure_factors(self._crystal(moved), self.hkl)))
        sigma = 0.02 * intensity + 0.01 * intensity.mean()
        return intensity + sigma * rng.normal(size=len(sigma)), sigma

    @cached_property
    def truth(self) -> Cycle:
        """Calculate the cycle with derivatives summed operation by operation."""
        intensity_calc, by_parameter = self._intensity()
        intensity, sigma = self.observations
        weight = sigma**-2.0
        weighted = weight * intensity_calc
        scale = (weighted @ intensity) / (weighted @ intensity_calc)
        residual = intensity - scale * intensity_calc
        design = np.concatenate([scale * by_parameter, intensity_calc[:, None]], axis=1)
        inverse = np.linalg.inv(design.T @ (weight[:, None] * design))
        shift = inverse @ (design.T @ (weight * residual))
        # The residual decides the scale of sigma; the scale is a parameter too.
        variance = (weight @ np.square(residual)) / (len(residual) - len(shift))
        sigmas = np.sqrt(variance * np.diag(inverse))
        f_obs = np.sqrt(np.maximum(intensity, 0.0))
        r1 = np.abs(f_obs - np.sqrt(scale * intensity_calc)).sum() / f_obs.sum()
        of_sites = (-1, 9)
        figures = (float(r1), sigmas[:-1].reshape(of_sites))
        return Cycle(shift[:-1].reshape(of_sites), lambda: figures)

    def _intensity(self) -> tuple[Floats, Floats]:
        """Return |F|^2 (m,) and its derivatives (m, 576)."""
        lengths = np.array(self.cell[:3])
        rotations, translations = operation_arrays(self.crystal.symops)
        form = argand.form_factors(list(self.types), argand.stol(self.hkl, self.cell))
        f = np.zeros(len(self.hkl), complex)
        by_f = np.zeros((len(self.hkl), len(self.types), 9), complex)
        for rotation, translation in zip(rotations, translations, strict=True):
            orders = self.hkl @ rotation
            # 2 pi^2 U_ij a*_i a*_j h_i h_j, whose mixed terms stand twice.
            scaled = orders / lengths
            products = -2 * np.pi**2 * np.stack(six_products(*scaled.T), axis=1)
            phases = orders @ self.frac.T + (self.hkl @ translation)[:, None]
            term = form.T * np.exp(2j * np.pi * phases + products @ self.u_aniso.T)
            f += term.sum(axis=1)
            by_f[:, :, :3] += term[:, :, None] * (2j * np.pi * scaled)[:, None]
            by_f[:, :, 3:] += term[:, :, None] * products[:, None]
        by_parameter = 2 * (f.conj()[:, None, None] * by_f).real
        return np.square(np.abs(f)), by_parameter.reshape(len(f), -1)

    def error(self, answer: Cycle) -> float:
        """Return the largest of the relative errors of shifts, R1 and uncertainties."""
        r1, sigmas = answer.figures()
        true_r1, true_sigmas = self.truth.figures()
        of_sigmas = float(np.abs(sigmas / true_sigmas - 1).max())
        of_shift = relative_error(answer.shift, self.truth.shift)
        return max(of_shift, abs(r1 / true_r1 - 1), of_sigmas)
