"""Memory is used again when nobody refers to it any more, and not before."""

from __future__ import annotations

import gc
import threading

import pytest
import torch

from argand.learn import PerturbedCrystals, Stream, metal
from argand.learn.reuse import Reuse


def test_tensors_have_what_was_asked_for():
    made = Reuse().tensor((3, 4, 5), torch.float32)
    assert made.shape == (3, 4, 5)
    assert made.dtype == torch.float32
    assert made.is_contiguous()
    assert Reuse().tensor((0, 7), torch.bool).shape == (0, 7)


@pytest.mark.parametrize(
    "keep",
    [
        lambda t: t,
        lambda t: t[1:2],
        lambda t: t.numpy()[5:],
        lambda t: t.detach().view(-1),
        lambda t: t.untyped_storage(),
        lambda t: (torch.ones(40, requires_grad=True) * t).grad_fn,  # autograd has saved it
        lambda t: (torch.ones(40, requires_grad=True) * t).sum(),
    ],
)
def test_nothing_that_is_still_looked_at_is_overwritten(keep):
    memory = Reuse()
    first = memory.tensor((40,), torch.float32)
    place = first.data_ptr()
    kept = keep(first)
    del first
    assert memory.tensor((40,), torch.float32).data_ptr() != place
    del kept
    gc.collect()
    found = [memory.tensor((40,), torch.float32) for _ in range(3)]
    assert place in [tensor.data_ptr() for tensor in found]


def test_other_sizes_do_not_mix_and_the_shelf_is_bounded():
    memory = Reuse(most=3)
    sizes = [8, 16, 24, 32, 40]
    made = [memory.tensor((size,), torch.float64) for size in sizes]
    while made:
        made.pop(0)
    assert [len(free) for free in memory._free] == [8 * size for size in sizes[-3:]]
    assert memory.tensor((24,), torch.float64).numel() == 24


def test_batches_that_are_kept_stay_what_they_were_while_others_come_and_go():
    dataset = PerturbedCrystals([metal("Al"), metal("Fe")], seed=5, hkl_max=2)
    kept, copies = [], []
    for number, batch in zip(range(40), Stream(dataset, 300), strict=False):
        if number % 3 == 0:
            kept.append(batch)
            copies.append([field.clone() for field in batch])
    for batch, copy in zip(kept, copies, strict=True):
        for field, expected in zip(batch, copy, strict=True):
            assert torch.equal(field, expected)


def test_a_stream_that_is_left_takes_its_thread_along():
    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("argand-stream")]

    batches = iter(Stream(PerturbedCrystals([metal("Al")], hkl_max=2), 8))
    next(batches)
    assert threads()
    del batches
    gc.collect()
    assert not threads()


def test_an_error_in_the_thread_reaches_who_asks():
    def order(position):
        raise RuntimeError("no such order")

    with pytest.raises(RuntimeError, match="no such order"):
        next(iter(Stream(PerturbedCrystals([metal("Al")], hkl_max=2), 8, order=order)))
