"""Splits into samples for training and unseen ones: random samples, or whole elements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from argand.errors import ArgandError
from argand.simulate.random import permutation

__all__ = ["HELD_OUT", "UNSEEN", "hold_out", "random_split", "shuffled"]

Indices = NDArray[np.int64]

#: Elements that the first comparison of losses kept for testing
HELD_OUT = ("Rh", "Pb", "V")

#: Samples of a stream from this index on are never trained on: the random split of a set without an
#: end
UNSEEN = 1 << 40


def random_split(length: int, share: float = 0.1, seed: int = 0) -> tuple[Indices, Indices]:
    """Split indices 0 .. length - 1 at random into training and testing, both sorted.

    Raises
    ------
    ValueError
        The `share` for testing leaves no sample on one of the sides.
    """
    test_length = round(length * share)
    if not 0.0 < share < 1.0 or test_length in (0, length):
        raise ValueError(f"share is {share} of {length} samples, needs to leave some on both sides")
    order = permutation(seed, length)
    return np.sort(order[test_length:]), np.sort(order[:test_length])


def hold_out(
    names: Iterable[str],
    held: Sequence[str] = HELD_OUT,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split names into those to train on and those held out, both in the order of `names`.

    Raises
    ------
    ArgandError
        `held` has a name that is not among `names`, or leaves none for training.
    """
    all_names = tuple(names)
    missing = [name for name in held if name not in all_names]
    if missing:
        raise ArgandError(
            f"held_out names {', '.join(missing)}, needs names among {', '.join(all_names)}"
        )
    training = tuple(name for name in all_names if name not in held)
    if not training:
        raise ArgandError("held_out names every crystal, needs to leave some for training")
    return training, tuple(name for name in all_names if name in held)


def shuffled(indices: Indices, position: Indices, seed: int = 0) -> Indices:
    """Return the samples at positions (b,) of an endless stream that is reordered every turn."""
    turn, position_in_turn = np.divmod(position, len(indices))
    samples = np.empty_like(position)
    for number in np.unique(turn):
        in_this_turn = turn == number
        order = _order_of_turn(seed, len(indices), int(number))
        samples[in_this_turn] = indices[order[position_in_turn[in_this_turn]]]
    return samples


# Neighbouring batches ask for the order of one and the same turn.
_order_of_turn = lru_cache(maxsize=2)(permutation)
