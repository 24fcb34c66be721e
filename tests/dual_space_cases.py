"""Random starts for dual-space cycles, and their slow truth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import oracles

FACTORS = {"flip": -1.0, "eliminate": 0.0}
# Fractions of random reflections that are measured, and of measured ones that are shifted.
MEASURED = 0.7
SHIFTED = 0.2


class CycleCase(NamedTuple):
    """Hold two starts of one list of reflections."""

    # (n, 3), of either half of reciprocal space
    hkl: NDArray[np.int64]
    measured: int
    # (2, n)
    structure_factors: NDArray[np.complex64]
    # (2,)
    origin: NDArray[np.float32]
    # (measured,)
    amplitudes: NDArray[np.float32]
    # (measured,) bool
    shifted: NDArray[np.bool_]
    # (2,)
    threshold: NDArray[np.float32]
    cap: float


def random_reflections(
    rng: np.random.Generator, reach: tuple[int, int, int], count: int
) -> NDArray[np.int64]:
    """Draw one of each Friedel pair from a box, in any order; the corners are among them."""
    h, k, l = reach
    everything = oracles.box(reach).astype(np.int64)
    # The box is symmetric: its first half has one of each pair.
    half = everything[: len(everything) // 2]
    drawn = rng.permutation(half)[:count]
    corners = np.array([(-h, -k, -l), (-h, k, l), (0, 0, -l), (-h, 0, 0), (-h, k, 0)])
    corners = corners[(corners != 0).any(axis=1)]
    reflections = np.unique(np.concatenate([drawn, corners]), axis=0)
    reflections = one_of_each_pair(reflections)
    signs = rng.choice([-1, 1], len(reflections))
    return rng.permutation(reflections * signs[:, None])


def one_of_each_pair(hkl: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the reflections whose first index that is not 0 is negative, once each."""
    first = np.take_along_axis(hkl, (hkl != 0).argmax(axis=1)[:, None], axis=1)
    return np.unique(np.where(first > 0, -hkl, hkl), axis=0)


def random_case(seed: int, reach: tuple[int, int, int], count: int = 4000) -> CycleCase:
    """Draw reflections up to a reach, and two starts."""
    rng = np.random.default_rng(seed)
    hkl = random_reflections(rng, reach, count)
    measured = max(1, int(MEASURED * len(hkl)))
    parts = rng.normal(size=(2, 2, len(hkl)))
    return CycleCase(
        hkl,
        measured,
        (parts[0] + 1j * parts[1]).astype(np.complex64),
        origin=np.array([0.0, 3.0], np.float32),
        amplitudes=rng.uniform(0.1, 2, measured).astype(np.float32),
        shifted=rng.random(measured) < SHIFTED,
        threshold=np.array([1.1, 0.6], np.float32),
        cap=0.5,
    )


def true_cycle(
    case: CycleCase, start: int, shape: tuple[int, int, int], modify: str
) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Make one cycle of a start by the oracle: F (n,), G (n,) and F(000)."""
    return oracles.dual_space_cycle(
        case.hkl,
        case.structure_factors[start],
        float(case.origin[start]),
        case.amplitudes,
        shape=shape,
        threshold=float(case.threshold[start]),
        factor=FACTORS[modify],
        shifted=case.shifted,
        cap=case.cap,
    )


def worst_deviation(
    case: CycleCase, shape: tuple[int, int, int], modify: str, answer: Any
) -> float:
    """Return the largest deviation of F, G and F(000) from the oracle, over the largest |G|.

    `answer` holds F (2, n), G (2, n) and F(000) (2,). The deviation of F follows from that of G,
    by which its phase turns.
    """
    worst = 0.0
    f, g, origin = answer
    for start in (0, 1):
        true_f, true_g, true_origin = true_cycle(case, start, shape, modify)
        scale = np.abs(true_g).max()
        gain = np.maximum(1, np.abs(true_f) / np.abs(true_g))
        deviations = (
            np.abs(g[start] - true_g),
            np.abs(f[start] - true_f) / gain,
            np.abs(origin[start] - true_origin),
        )
        worst = max(worst, *(float(np.max(deviation) / scale) for deviation in deviations))
    return worst
