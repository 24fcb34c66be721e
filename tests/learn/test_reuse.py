"""Memory is used again when nobody refers to it any more, and not before."""

from __future__ import annotations

import gc
import threading

import pytest
import torch

from argand.learn import PerturbedCrystals, Stream, metal
from argand.learn.reuse import Reuse


def test_tensors_have_the_shape_and_dtype_that_were_asked_for():
    tensor = Reuse().tensor((3, 4, 5), torch.float32)
    assert tensor.shape == (3, 4, 5)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert Reuse().tensor((0, 7), torch.bool).shape == (0, 7)


def saved_by_autograd(tensor: torch.Tensor) -> torch.Tensor:
    """A product that keeps the tensor for its gradient."""
    return torch.ones(40, requires_grad=True) * tensor


@pytest.mark.parametrize(
    "refer_to",
    [
        lambda tensor: tensor,
        lambda tensor: tensor[1:2],
        lambda tensor: tensor.numpy()[5:],
        lambda tensor: tensor.detach().view(-1),
        lambda tensor: tensor.untyped_storage(),
        lambda tensor: saved_by_autograd(tensor).grad_fn,
        lambda tensor: saved_by_autograd(tensor).sum(),
    ],
)
def test_nothing_that_is_still_referred_to_is_overwritten(refer_to):
    memory = Reuse()
    first = memory.tensor((40,), torch.float32)
    address = first.data_ptr()
    reference = refer_to(first)
    del first
    assert memory.tensor((40,), torch.float32).data_ptr() != address
    del reference
    gc.collect()
    later = [memory.tensor((40,), torch.float32) for _ in range(3)]
    assert address in [tensor.data_ptr() for tensor in later]


def test_other_sizes_do_not_mix_and_the_free_memory_is_bounded():
    memory = Reuse(most=3)
    sizes = [8, 16, 24, 32, 40]
    tensors = [memory.tensor((size,), torch.float64) for size in sizes]
    while tensors:
        tensors.pop(0)
    assert [len(free) for free in memory._free] == [8 * size for size in sizes[-3:]]
    assert memory.tensor((24,), torch.float64).numel() == 24


def test_batches_that_are_kept_stay_what_they_were_while_others_come_and_go():
    dataset = PerturbedCrystals([metal("Al"), metal("Fe")], seed=5, hkl_max=2)
    batches = []
    copies = []
    for number, batch in zip(range(40), Stream(dataset, 300), strict=False):
        if number % 3 == 0:
            batches.append(batch)
            copies.append([field.clone() for field in batch])
    for batch, copy in zip(batches, copies, strict=True):
        for field, expected in zip(batch, copy, strict=True):
            assert torch.equal(field, expected)


def test_a_stream_that_is_dropped_ends_its_thread():
    def threads() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith("argand-stream")]

    batches = iter(Stream(PerturbedCrystals([metal("Al")], hkl_max=2), 8))
    next(batches)
    assert threads()
    del batches
    gc.collect()
    assert not threads()


def test_an_error_in_the_thread_reaches_the_caller():
    def order(position):
        raise RuntimeError("no such order")

    stream = Stream(PerturbedCrystals([metal("Al")], hkl_max=2), 8, order=order)
    with pytest.raises(RuntimeError, match="no such order"):
        next(iter(stream))
