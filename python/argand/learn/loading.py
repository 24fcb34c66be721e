"""Batches from a data set: a fixed set by index, or an endless stream that can start anywhere."""

from __future__ import annotations

import itertools
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from argand._config import set_num_threads
from argand.learn.samples import SampleBatch, SampleDataset, SampleList

__all__ = ["Stream", "collate", "fixed_loader", "stream_loader"]

Indices = NDArray[np.int64]
T = TypeVar("T")
U = TypeVar("U")

# Small batches are simulated together, up to so many samples in one call of the core.
_SAMPLES_A_CALL = 256

# Groups of batches that are simulated before they are asked for.
_GROUPS_AHEAD = 2


def collate(batch: Any) -> Any:
    """Return the batch in one piece: the `collate_fn` of a `DataLoader` over a `SampleDataset`.

    Such a data set has made its `SampleBatch` in one piece already. Without this function a loader
    stacks the same samples once more.
    """
    return batch.batch if isinstance(batch, SampleList) else batch


class Stream(IterableDataset[SampleBatch]):
    """Iterate over batches number `start`, `start` + 1, ... in order, whatever the workers.

    Parameters
    ----------
    dataset
        Where the samples come from.
    batch_size
        Samples in a batch.
    start
        First batch: a stream that goes on after n batches starts at n.
    batches
        How many there are, counted from batch 0; None: no end.
    order
        Function from positions of the stream to sample indices; None: positions are indices, every
        sample is new.

    Raises
    ------
    ValueError
        `batch_size` is below 1 or `start` is negative.
    """

    def __init__(
        self,
        dataset: SampleDataset,
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
        self.dataset = dataset
        self.batch_size = batch_size
        self.start = start
        self.batches = batches
        self.order = order
        #: number of this process, and of all that train together, each on a part of every batch
        self.part = (0, 1)

    def __iter__(self) -> Iterator[SampleBatch]:
        worker = get_worker_info()
        if worker is None:
            numbers = self._numbers(0, 1)
            batches_a_call = max(1, _SAMPLES_A_CALL // self.batch_size)
            groups = iter(lambda: list(itertools.islice(numbers, batches_a_call)), [])
            return itertools.chain.from_iterable(_ahead(self._simulate_batches, groups))
        # Processes of a loader run ahead by themselves.
        numbers = self._numbers(worker.id, worker.num_workers)
        return (self._simulate_batches([number])[0] for number in numbers)

    def _numbers(self, first: int, step: int) -> Iterator[int]:
        """Count the batches of one of `step` workers."""
        begin = self.start + first
        if self.batches is None:
            return itertools.count(begin, step)
        return iter(range(begin, self.batches, step))

    def _simulate_batches(self, numbers: list[int]) -> list[SampleBatch]:
        """Simulate batches with consecutive numbers in one call, which is faster than many."""
        size = self.batch_size
        first = numbers[0] * size
        position = np.arange(first, first + len(numbers) * size, dtype=np.int64)
        process, processes = self.part
        if processes > 1:
            size //= processes
            parts = position.reshape(len(numbers), processes, size)
            position = parts[:, process].reshape(-1)
        indices = position if self.order is None else self.order(position)
        samples = self.dataset.simulate(indices)
        batches = []
        for begin in range(0, len(position), size):
            batches.append(SampleBatch(*(field[begin : begin + size] for field in samples)))
        return batches


def _ahead(function: Callable[[T], U], items: Iterator[T]) -> Iterator[U]:
    """Map a function over items in another thread, some items ahead of the caller."""
    with ThreadPoolExecutor(1, "argand-stream") as thread:
        first_items = itertools.islice(items, _GROUPS_AHEAD)
        pending = deque(thread.submit(function, item) for item in first_items)
        while pending:
            result = pending.popleft().result()
            pending.extend(thread.submit(function, item) for item in itertools.islice(items, 1))
            yield result


def _start_worker(_: int) -> None:
    """Prepare a process that makes samples."""
    # Workers run side by side already, so each gets one thread.
    set_num_threads(1)
    # Ctrl-C is for the main process, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _options(workers: int) -> dict[str, Any]:
    """Return the arguments of `DataLoader` that all loaders share."""
    return {
        "num_workers": workers,
        "worker_init_fn": _start_worker,
        # Making an iterator must not draw from torch's global generator, which a resumed training
        # restores.
        "generator": torch.Generator().manual_seed(0),
        "persistent_workers": False,
    }


def fixed_loader(
    dataset: SampleDataset,
    batch_size: int,
    workers: int = 0,
) -> DataLoader[SampleBatch]:
    """Load samples 0 .. len - 1 of a data set in batches, in order.

    `workers` processes make them, 0: the calling thread; `stream_loader` says when workers help.
    """
    return DataLoader(dataset, batch_size=batch_size, collate_fn=collate, **_options(workers))


def stream_loader(stream: Stream, workers: int = 0) -> DataLoader[SampleBatch]:
    """Load the batches of a `Stream`, made by worker processes (0: by a thread of this one).

    Without workers, a thread makes many batches a call ahead of the caller, and the core uses all
    cores that `argand.set_num_threads` allows. A worker computes with one thread and copies every
    batch to the caller. So workers help only where there are several idle cores, and making a batch
    takes longer than the step that uses it: `SimulatedCrystals` with many changes, or large boxes.
    Elsewhere they are slower than none.
    """
    return DataLoader(stream, batch_size=None, **_options(workers))
