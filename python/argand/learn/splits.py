"""What a model is trained on and what it has never seen: random samples, or whole elements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError
from argand.learn.random import permutation

__all__ = ["HELD_OUT", "UNSEEN", "hold_out", "random_split", "shuffled"]

Indices = npt.NDArray[np.int64]

#: Elements that the first comparison of losses kept for testing
HELD_OUT = ("Rh", "Pb", "V")

#: Samples of a stream from this index on are never trained on: the random split of a set without an end
UNSEEN = 1 << 40


def random_split(length: int, share: float = 0.1, seed: int = 0) -> tuple[Indices, Indices]:
    """Indices 0 .. length-1 for training and, a `share` of them, for testing; both sorted."""
    if not 0.0 < share < 1.0 or round(length * share) in (0, length):
        raise ValueError(f"share is {share} of {length} samples, needs to leave some on both sides")
    order = permutation(seed, length)
    test = round(length * share)
    return np.sort(order[test:]), np.sort(order[:test])


def hold_out(
    names: Iterable[str], held: Sequence[str] = HELD_OUT
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names to train on and names held out, both in the order of `names`."""
    known = tuple(names)
    missing = [name for name in held if name not in known]
    if missing:
        raise ArgandError(
            f"held_out names {', '.join(missing)}, needs names among {', '.join(known)}"
        )
    kept = tuple(name for name in known if name not in held)
    if not kept:
        raise ArgandError("held_out names every crystal, needs to leave some for training")
    return kept, tuple(name for name in known if name in held)


def shuffled(indices: Indices, position: Indices, seed: int = 0) -> Indices:
    """The samples at positions of an endless stream that goes through `indices` in a new order at every turn."""
    turn, place = position // len(indices), position % len(indices)
    out = np.empty_like(position)
    for t in np.unique(turn):
        here = turn == t
        out[here] = indices[_turn(seed, len(indices), int(t))[place[here]]]
    return out


# Neighbouring batches ask for the same order
_turn = lru_cache(maxsize=2)(permutation)
