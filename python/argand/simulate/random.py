"""Random numbers that are a pure function of (seed, index, draw): Philox4x32-10.

A sample does not depend on which worker made it, nor on what was drawn before it.

Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Purpose", "normals", "permutation", "philox", "uniforms"]

Words = npt.NDArray[np.uint64]  # 32-bit words, held in 64 bits so that products fit
Floats = npt.NDArray[np.float64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_ROUNDS = 10


class Purpose(IntEnum):
    """What numbers are drawn for: uses with the same seed and index stay independent."""

    DISPLACEMENT = 0
    RESOLUTION_CUT = 1
    PERMUTATION = 2
    RANDOM_PHASES = 3
    WIDTH = 16
    STRAIN = 17
    VIBRATION = 18
    SUBSTITUTION = 19
    UNMODELLED = 20
    SCALE = 21
    NOISE = 22
    LOST = 23
    WEDGE = 24
    SCALE_B = 25
    VIBRATION_WIDTH = 26
    STRAIN_WIDTH = 27


def philox(counter: npt.ArrayLike, key: npt.ArrayLike) -> Words:
    """Philox4x32-10 of counters (..., 4) under a key (2,): (..., 4) words of 32 random bits."""
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, dtype=np.uint64), -1, 0)
    k0, k1 = np.asarray(key, dtype=np.uint64)
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1)


def uniforms(
    seed: int, index: npt.ArrayLike, count: int, purpose: Purpose = Purpose.DISPLACEMENT
) -> Floats:
    """`count` numbers in (0, 1) for each index (n,): (n, count).

    Draw j of an index is the same whatever `count` is. Resolution 2^-32.

    Raises
    ------
    ValueError
        A seed outside 0 .. 2^64 - 1, or a negative index.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}, needs to be from 0 to 2^64 - 1")
    given = np.asarray(index, dtype=np.int64)
    if given.ndim != 1 or (given.size and given.min() < 0):
        raise ValueError(f"index has shape {given.shape}, needs (n,) numbers that are not negative")
    blocks = -(-count // 4)
    counter = np.empty((given.size, blocks, 4), dtype=np.uint64)
    low = given.astype(np.uint64)
    counter[..., 0] = (low & _LOW)[:, None]
    counter[..., 1] = (low >> _HALF)[:, None]
    counter[..., 2] = np.arange(blocks, dtype=np.uint64)
    counter[..., 3] = np.uint64(purpose)
    words = philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(given.size, 4 * blocks)
    return (words[:, :count].astype(np.float64) + 0.5) * 2.0**-32


def normals(
    seed: int, index: npt.ArrayLike, count: int, purpose: Purpose = Purpose.DISPLACEMENT
) -> Floats:
    """`count` numbers from N(0, 1) for each index (n,): (n, count), by Box and Muller from pairs of `uniforms`."""
    drawn = uniforms(seed, index, count + count % 2, purpose)
    pairs = drawn.reshape(len(drawn), (count + 1) // 2, 2)
    radius, angle = np.sqrt(-2.0 * np.log(pairs[..., 0])), 2.0 * np.pi * pairs[..., 1]
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return both.reshape(drawn.shape)[:, :count]


def permutation(seed: int, n: int, turn: int = 0) -> npt.NDArray[np.int64]:
    """A random order of 0 .. n-1, another one for each `turn` (n at most 2^40)."""
    index = np.arange(n, dtype=np.int64) + (turn << 40)
    return np.argsort(uniforms(seed, index, 1, Purpose.PERMUTATION)[:, 0], kind="stable").astype(
        np.int64
    )
