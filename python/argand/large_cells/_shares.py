"""Who does what of some transforms, so that all threads are done at about the same time.

A transform is spreading, which can be shared out point by point, and the rest, which cannot. It belongs to one thread;
threads with less to do spread some of its points before they turn to their own.
"""

from __future__ import annotations

from collections.abc import Sequence

_WORTH = 0.05  # of what a thread has to do: less is not worth a grid of its own
_PASSES = 3

Shares = list[dict[int, float]]


def shares_of(spread: Sequence[float], rest: Sequence[float], helping: Sequence[float], threads: int) -> Shares:
    """For each transform, the parts of its spreading by thread, which add up to 1; the first thread is its owner.

    Whoever helps with a transform loses its `helping`, seconds as the others are.
    """
    even = (sum(spread) + sum(rest)) / threads
    for _ in range(_PASSES):  # what helpers lose is known once there are some
        shares, load = _level(spread, rest, helping, threads, even)
        even = sum(load) / threads
    return [{thread: s / sum(share.values()) for thread, s in share.items()} for share in shares]


def _level(
    spread: Sequence[float], rest: Sequence[float], helping: Sequence[float], threads: int, even: float
) -> tuple[Shares, list[float]]:
    """Seconds of spreading by transform and thread, and what each thread has to do, `even` if it can be."""
    load = [0.0] * threads
    shares: Shares = [{} for _ in spread]
    for i in sorted(range(len(spread)), key=lambda i: -spread[i] - rest[i]):
        owner = load.index(min(load))
        load[owner] += spread[i] + rest[i]
        shares[i] = {owner: spread[i]}
    while True:
        under = load.index(min(load))
        over, own, cost = max(  # of those who have points to give
            (
                (thread, share, cost)
                for share, cost in zip(shares, helping, strict=True)
                for thread, part in share.items()
                if part > 0.0
            ),
            key=lambda one: (load[one[0]], one[1][one[0]]),
        )
        lost = 0.0 if under in own else cost
        seconds = min(load[over] - even, even - load[under] - lost, own[over])
        if seconds <= _WORTH * even:
            return shares, load
        own[over] -= seconds
        own[under] = own.get(under, 0.0) + seconds
        load[over] -= seconds
        load[under] += seconds + lost
