"""Who does what of some transforms, so that all threads are done at about the same time.

A transform is spreading, which can be shared out point by point, and the rest, which cannot. It belongs to one thread;
threads with less to do spread some of its points before they turn to their own.
"""

from __future__ import annotations

from collections.abc import Sequence

_WORTH = 0.05  # of what a thread has to do: less is not worth a grid of its own


def shares_of(spread: Sequence[float], rest: Sequence[float], threads: int) -> list[dict[int, float]]:
    """For each transform, the parts of its spreading by thread, which add up to 1; the first thread is its owner."""
    load = [0.0] * threads
    shares: list[dict[int, float]] = [{} for _ in spread]
    for i in sorted(range(len(spread)), key=lambda i: -spread[i] - rest[i]):
        owner = load.index(min(load))
        load[owner] += spread[i] + rest[i]
        shares[i] = {owner: spread[i]}
    even = sum(load) / threads
    while True:
        under = load.index(min(load))
        over, own = max(  # of those who have points to give
            ((thread, share) for share in shares for thread, part in share.items() if part > 0.0),
            key=lambda one: (load[one[0]], one[1][one[0]]),
        )
        seconds = min(load[over] - even, even - load[under], own[over])
        if seconds <= _WORTH * even:
            break
        own[over] -= seconds
        own[under] = own.get(under, 0.0) + seconds
        load[over] -= seconds
        load[under] += seconds
    return [{thread: s / sum(share.values()) for thread, s in share.items()} for share in shares]
