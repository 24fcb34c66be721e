"""Random numbers that are a pure function of (seed, index, draw): Philox4x32-10.

A sample does not depend on which worker made it, nor on what was drawn before it.

Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._numbers import whole_array
from argand.cell import FloatArray

__all__ = ["Purpose", "normals", "permutation", "philox", "uniforms"]

# 32-bit words, held in 64 bits so that products fit.
Words = NDArray[np.uint64]

# Constants of Philox4x32-10: masks for the halves of a product, multipliers, increments of the key,
# rounds.
_LOW_WORD = np.uint64(0xFFFFFFFF)
_WORD_BITS = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_INCREMENT_0 = np.uint64(0x9E3779B9)
_INCREMENT_1 = np.uint64(0xBB67AE85)
_ROUNDS = 10

# A purpose takes so many bits of the last word of a counter, its turn has the others.
_PURPOSE_BITS = 8

# Turns of a permutation are this many indices apart.
_TURN_BITS = 40


class Purpose(IntEnum):
    """Name what numbers are drawn for: uses with equal seed and index stay independent."""

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
    CHOICE = 32
    LATTICE = 33
    SITE = 34
    FRAGMENT = 35
    MOTION = 36
    TWIN = 37
    SHIFT = 38


def philox(counter: ArrayLike, key: ArrayLike) -> Words:
    """Compute Philox4x32-10 of counters (..., 4) and a key (2,): words (..., 4) of 32 bits."""
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, dtype=np.uint64), -1, 0)
    k0, k1 = np.asarray(key, dtype=np.uint64)
    for _ in range(_ROUNDS):
        p0 = _MULTIPLIER_0 * c0
        p1 = _MULTIPLIER_1 * c2
        c0 = (p1 >> _WORD_BITS) ^ c1 ^ k0
        c2 = (p0 >> _WORD_BITS) ^ c3 ^ k1
        c1 = p1 & _LOW_WORD
        c3 = p0 & _LOW_WORD
        k0 = (k0 + _INCREMENT_0) & _LOW_WORD
        k1 = (k1 + _INCREMENT_1) & _LOW_WORD
    return np.stack([c0, c1, c2, c3], axis=-1)


def uniforms(
    seed: int,
    index: ArrayLike,
    count: int,
    purpose: Purpose = Purpose.DISPLACEMENT,
    turn: ArrayLike = 0,
) -> FloatArray:
    """Draw `count` numbers in (0, 1) for each index (n,): (n, count).

    Number j of an index does not depend on `count`. The resolution is 2^-32. Each `turn`, from 0 to
    2^24 - 1, gives new numbers: what is tried again until it succeeds draws them anew. It is one
    number, or one (n,) for each index.

    Raises
    ------
    ValueError
        A seed outside 0 .. 2^64 - 1, or a negative index.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}, needs to be from 0 to 2^64 - 1")
    indices = whole_array("index", index)
    if indices.ndim != 1 or (indices.size and indices.min() < 0):
        raise ValueError(
            f"index has shape {indices.shape}, needs (n,) numbers that are not negative"
        )
    # One call of Philox gives a block of four words.
    blocks = -(-count // 4)
    unsigned = indices.astype(np.uint64)
    counter = np.empty((indices.size, blocks, 4), dtype=np.uint64)
    counter[..., 0] = (unsigned & _LOW_WORD)[:, None]
    counter[..., 1] = (unsigned >> _WORD_BITS)[:, None]
    counter[..., 2] = np.arange(blocks, dtype=np.uint64)
    turns = np.broadcast_to(np.asarray(turn, dtype=np.int64), indices.shape)
    counter[..., 3] = (purpose + (turns << _PURPOSE_BITS)).astype(np.uint64)[:, None]
    key = (seed & 0xFFFFFFFF, seed >> 32)
    words = philox(counter, key).reshape(indices.size, 4 * blocks)
    return (words[:, :count].astype(np.float64) + 0.5) * 2.0**-32


def normals(
    seed: int,
    index: ArrayLike,
    count: int,
    purpose: Purpose = Purpose.DISPLACEMENT,
    turn: ArrayLike = 0,
) -> FloatArray:
    """Draw `count` numbers from N(0, 1) for each index (n,): (n, count).

    They are made by Box and Muller's method from pairs of `uniforms`.
    """
    uniform = uniforms(seed, index, count + count % 2, purpose, turn)
    pairs = uniform.reshape(len(uniform), (count + 1) // 2, 2)
    radius = np.sqrt(-2.0 * np.log(pairs[..., 0]))
    angle = 2.0 * np.pi * pairs[..., 1]
    first = radius * np.cos(angle)
    second = radius * np.sin(angle)
    both = np.stack([first, second], axis=-1)
    return both.reshape(uniform.shape)[:, :count]


def permutation(seed: int, n: int, turn: int = 0) -> NDArray[np.int64]:
    """Return a random order of 0 .. n-1, another one for each `turn` (n at most 2^40)."""
    index = np.arange(n, dtype=np.int64) + (turn << _TURN_BITS)
    keys = uniforms(seed, index, 1, Purpose.PERMUTATION)[:, 0]
    return np.argsort(keys, kind="stable").astype(np.int64)
