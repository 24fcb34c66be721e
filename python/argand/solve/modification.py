"""Modify densities between the iterations and the figures: polishing, and recycling in a group.

All functions here work on several starts at once: arrays (starts, n), whose first reflections are
those of the data.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argand.reflections import index_codes, miller_indices
from argand.solve.dual_space import DualSpace, Modification
from argand.solve.group_fit import GroupAverage, GroupFit
from argand.solve.primitive import PrimitiveReflections, normalised_amplitudes
from argand.solve.settings import PhasingRecipe

__all__ = ["DensityModification", "unit"]

ComplexArray = npt.NDArray[np.complexfloating]
RealArray = npt.NDArray[np.floating]

# Threshold of polishing, in standard deviations. A lower one loses light atoms beside heavy ones.
_POLISH_THRESHOLD = 1.1

# Unmeasured reflections carry no more than this quantile of the measured amplitudes ...
_CARRIED_QUANTILE = 0.9

# ... and, where |E| is flipped, no more than this |E|.
_CARRIED_E = 3.0

# This share of the reflections, the weakest, is shifted by pi/2 in every flipping cycle.
_WEAK_SHARE = 0.2

# Recycling in the group: rounds, cycles of a round, cycles between two averages, threshold.
_ROUNDS = 2
_ROUND_CYCLES = 60
_AVERAGE_EVERY = 3
_RECYCLE_THRESHOLD = 1.0

# Restoring of known phases: cycles, and threshold. Of the thresholds .3, .7 and 1 this one keeps
# most of them and gains most where a third of the atoms is known.
_RESTORE_CYCLES = 48
_RESTORE_THRESHOLD = 0.7


class DensityModification:
    """Run flipping and elimination for one set of reflections.

    Parameters
    ----------
    data
        Reflections in P 1.
    recipe
        To which resolution unmeasured reflections are carried.
    threads
        Threads of the iterations; None takes `argand.num_threads()`.
    """

    def __init__(
        self, data: PrimitiveReflections, recipe: PhasingRecipe, threads: int | None = None
    ) -> None:
        carried = _unmeasured(data, recipe.extension * data.d_min)
        self.data = data
        self.space = DualSpace(np.concatenate([data.hkl, carried]), len(data.hkl))
        self._threads = threads
        self._normalised = data.normalised.astype(np.float32)
        self._amplitude = data.amplitude.astype(np.float32)
        self._largest_carried = float(np.quantile(data.amplitude, _CARRIED_QUANTILE))
        order = np.argsort(data.normalised, kind="stable")
        self._weak = np.zeros(len(order), bool)
        self._weak[order[: int(_WEAK_SHARE * len(order))]] = True

    def flip(
        self,
        structure_factors: ComplexArray,
        origin: RealArray,
        cycles: int,
        threshold: npt.ArrayLike,
    ) -> tuple[ComplexArray, RealArray, ComplexArray]:
        """Flip |E| maps for some cycles.

        Parameters
        ----------
        structure_factors, origin : (starts, n), (starts,)
            F of measured and carried reflections, and F(000).
        cycles
            How many.
        threshold : (starts,) or float
            In standard deviations of the map.

        Returns
        -------
        F (starts, n) and F(000) (starts,) to go on with, and the calculated G (starts, n).
        """
        result = self.space.run(
            structure_factors,
            origin,
            self._normalised,
            cycles=cycles,
            threshold=threshold,
            modify="flip",
            shifted=self._weak,
            cap=_CARRIED_E,
            threads=self._threads,
        )
        return result.structure_factors, result.origin, result.calculated

    def polish(
        self,
        phased: ComplexArray,
        flips: int = 6,
        eliminations: int = 6,
        threshold: float = _POLISH_THRESHOLD,
    ) -> ComplexArray:
        """Return |F| (starts, n measured) with phases after flips, then eliminations, on |F|.

        Parameters
        ----------
        phased : (starts, n measured)
            Any modulus; only phases are used.
        flips, eliminations
            Cycles of each kind.
        threshold
            In standard deviations of the map.
        """
        f = self._with_carried(self._amplitude * unit(phased))
        origin = np.zeros(len(f), np.float32)
        steps: list[tuple[Modification, int]] = [("flip", flips), ("eliminate", eliminations)]
        for modify, cycles in steps:
            if not cycles:
                continue
            result = self.space.run(
                f,
                origin,
                self._amplitude,
                cycles=cycles,
                threshold=threshold,
                modify=modify,
                cap=self._largest_carried,
                threads=self._threads,
            )
            f = result.structure_factors
            origin = result.origin
        return self._amplitude * unit(result.calculated[:, : self.space.measured])

    def settle(self, phased: ComplexArray, average: GroupAverage, fit: GroupFit) -> ComplexArray:
        """Return |F| (n measured) with phases that obey the group, eliminated and averaged in turn.

        Parameters
        ----------
        phased : (n measured,)
            Phases in P 1.
        average, fit
            The group's average, and where its origin lies.
        """
        f = self._amplitude * unit(average(phased, fit.shift))
        for _ in range(3):
            eliminated = self.polish(f[None], flips=0, eliminations=4)[0]
            f = self._amplitude * unit(average(eliminated, fit.shift))
        return f

    def recycle(self, phased: ComplexArray, average: GroupAverage, fit: GroupFit) -> ComplexArray:
        """Return |F| (n measured) with phases flipped again under the symmetry of the group.

        |E| is flipped in P 1, averaged in the group every few cycles, and polished.
        """
        measured = self.space.measured
        f_measured = phased
        for _ in range(_ROUNDS):
            f = self._with_carried((self._normalised * unit(average(f_measured, fit.shift)))[None])
            origin: RealArray = np.zeros(1, np.float32)
            for _ in range(_ROUND_CYCLES // _AVERAGE_EVERY):
                f, origin, calculated = self.flip(f, origin, _AVERAGE_EVERY, _RECYCLE_THRESHOLD)
                f[0, :measured] = average(f[0, :measured], fit.shift)
            averaged = average(calculated[0, :measured], fit.shift)
            polished = self.polish(averaged[None], threshold=_RECYCLE_THRESHOLD)[0]
            f_measured = self._amplitude * unit(average(polished, fit.shift))
        return f_measured

    def restore(
        self, phased: ComplexArray, average: GroupAverage | None, fit: GroupFit
    ) -> ComplexArray:
        """Return weighted |F| (n measured) with phases that grew from those of a part of a crystal.

        Low density is eliminated, every few cycles under the symmetry of the group. Unlike flipping
        this moves little away from where it begins: of each reflection counts what the density
        predicts, by the weight tanh(|Eo| |Ec| / 2) of centric distributions.

        Source: J. Yao, M. M. Woolfson, K. S. Wilson and E. J. Dodson, Acta Cryst. D61 (2005) 1465.

        Parameters
        ----------
        phased : (n measured,)
            |F| with phases, weighted by how certain they are.
        average, fit
            The group's average, None where the phases do not obey it, and where its origin lies.
        """
        measured = self.space.measured
        f = self._with_carried(phased[None])
        origin: RealArray = np.zeros(1, np.float32)
        for cycle in range(_RESTORE_CYCLES):
            result = self.space.run(
                f,
                origin,
                self._amplitude,
                cycles=1,
                threshold=_RESTORE_THRESHOLD,
                modify="eliminate",
                cap=self._largest_carried,
                threads=self._threads,
            )
            f = result.structure_factors
            origin = result.origin
            calculated = result.calculated[0, :measured]
            if average is not None and (cycle + 1) % _AVERAGE_EVERY == 0:
                calculated = average(calculated, fit.shift)
            modulus = np.abs(calculated).astype(np.float64)
            predicted = normalised_amplitudes(modulus, self.data.spacing)
            weight = np.tanh(0.5 * self._normalised * predicted)
            f[0, :measured] = weight * self._amplitude * unit(calculated)
        return np.asarray(f[0, :measured])

    def residual(self, phased: ComplexArray) -> RealArray:
        """Return R (starts,) of |F| (starts, n measured) with phases, after one elimination."""
        result = self.space.run(
            self._with_carried(phased),
            np.zeros(len(phased), np.float32),
            self._amplitude,
            cycles=1,
            threshold=_RECYCLE_THRESHOLD,
            modify="eliminate",
            threads=self._threads,
        )
        return result.residual

    def predicted(self, phased: ComplexArray, threshold: float) -> npt.NDArray[np.float64]:
        """Return |F|^2 (n measured) of the density of F (n measured) without its low values."""
        result = self.space.run(
            self._with_carried(phased[None]),
            np.zeros(1, np.float32),
            self._amplitude,
            cycles=1,
            threshold=threshold,
            modify="eliminate",
            threads=self._threads,
        )
        return np.square(np.abs(result.calculated[0, : self.space.measured]).astype(np.float64))

    def _with_carried(self, measured: ComplexArray) -> ComplexArray:
        """Return F (starts, n) of measured (starts, n measured), with 0 for what is carried."""
        f = np.zeros((len(measured), len(self.space.hkl)), np.complex64)
        f[:, : self.space.measured] = measured
        return f


def unit(f: ComplexArray) -> ComplexArray:
    """Return f / |f|, and 1 where f is 0."""
    modulus = np.abs(f)
    is_zero = modulus == 0
    phase = np.where(is_zero, 1.0, f) / np.where(is_zero, 1.0, modulus)
    return np.asarray(phase)


def _unmeasured(data: PrimitiveReflections, d_min: float) -> npt.NDArray[np.int64]:
    """Return reflections (m, 3) to a spacing d_min, angstrom, that are not among the data."""
    possible = miller_indices(data.cell, "P 1", d_min=d_min * (1.0 - 1e-9)).astype(np.int64)
    possible = possible[possible.any(axis=1)]
    both = np.concatenate([data.hkl, -data.hkl, possible])
    codes = index_codes(both)
    count = 2 * len(data.hkl)
    return possible[~np.isin(codes[count:], codes[:count])]
