"""Batches from a data set: a fixed set by index, or an endless stream that can start anywhere."""

from __future__ import annotations

import itertools
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from argand import set_num_threads
from argand.learn.batch import Batch
from argand.learn.dataset import PerturbedCrystals

__all__ = ["Stream", "collate", "fixed_loader", "stream_loader"]

Indices = npt.NDArray[np.int64]
T = TypeVar("T")
U = TypeVar("U")


def collate(batch: Any) -> Any:
    """The `collate_fn` for a `DataLoader` over `PerturbedCrystals`: its `Batch` is made in one piece already."""
    return batch


class Stream(IterableDataset[Batch]):
    """Batches number `start`, `start` + 1, ... of a data set, in this order whatever the number of workers.

    Parameters
    ----------
    start
        First batch: a stream that goes on after n batches starts at n.
    batches
        How many there are, counted from batch 0; None: no end.
    order
        Sample indices at the given positions of the stream; None: positions are indices, every sample is new.
    """

    def __init__(
        self,
        dataset: PerturbedCrystals,
        batch_size: int,
        *,
        start: int = 0,
        batches: int | None = None,
        order: Callable[[Indices], Indices] | None = None,
    ) -> None:
        if batch_size < 1 or start < 0:
            raise ValueError(
                f"batch_size is {batch_size} and start {start}, needs at least 1 and 0"
            )
        self.dataset, self.batch_size, self.start, self.batches, self.order = (
            dataset,
            batch_size,
            start,
            batches,
            order,
        )

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        begin = self.start + first
        numbers = (
            itertools.count(begin, step)
            if self.batches is None
            else iter(range(begin, self.batches, step))
        )
        if worker is not None:  # processes of a loader run ahead by themselves
            return (self._in_a_row([number])[0] for number in numbers)
        at_once = max(1, _SAMPLES // self.batch_size)
        groups = iter(lambda: list(itertools.islice(numbers, at_once)), [])
        return itertools.chain.from_iterable(_ahead(self._in_a_row, groups))

    def _in_a_row(self, numbers: list[int]) -> list[Batch]:
        """Batches with consecutive numbers, simulated in one call: that costs little more than one small batch."""
        size = self.batch_size
        position = np.arange(numbers[0] * size, (numbers[-1] + 1) * size, dtype=np.int64)
        whole = self.dataset.simulate(position if self.order is None else self.order(position))
        return [
            Batch(*(field[i : i + size] for field in whole)) for i in range(0, len(position), size)
        ]


#: simulated in one call where batches are small
_SAMPLES = 256


def _ahead(make: Callable[[T], U], items: Iterator[T]) -> Iterator[U]:
    """What `make` makes of the items, two of them ahead of whoever asks: a thread is at work while he is."""
    with ThreadPoolExecutor(1, "argand-stream") as thread:
        coming = deque(thread.submit(make, item) for item in itertools.islice(items, 2))
        while coming:
            ready = coming.popleft().result()
            coming.extend(thread.submit(make, item) for item in itertools.islice(items, 1))
            yield ready


def _start_worker(_: int) -> None:
    # One thread each, the workers are the parallelism; Ctrl-C is for the main process, which then ends them
    set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _options(workers: int) -> dict[str, Any]:
    # A generator of its own: making an iterator must not draw from torch's global one, which training resumes
    return {
        "num_workers": workers,
        "worker_init_fn": _start_worker,
        "generator": torch.Generator().manual_seed(0),
        "persistent_workers": False,
    }


def fixed_loader(
    dataset: PerturbedCrystals, batch_size: int, workers: int = 0
) -> DataLoader[Batch]:
    """Samples 0 .. len - 1 of a data set in batches, in order."""
    return DataLoader(dataset, batch_size=batch_size, collate_fn=collate, **_options(workers))


def stream_loader(stream: Stream, workers: int = 0) -> DataLoader[Batch]:
    """A loader of a `Stream`."""
    return DataLoader(stream, batch_size=None, **_options(workers))
