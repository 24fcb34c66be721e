"""The operator library `torch.ops.argand`, which every module of operators adds to.

A module that defines an operator also registers its fake (the shapes and dtypes of its results) and
its derivative, and a `torch.autograd.Function` with the same derivative. Operators of Python have
no derivative in forward mode, where torch takes it for 0 without a word, and none inside the
transforms of torch.func; Functions have both. So `call` chooses between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

from argand._memory import demand, readable
from argand.errors import MemoryLimitError

LIBRARY = torch.library.Library("argand", "DEF")

# The complex dtype of each real dtype that the operators take, and the other way round.
COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
REAL = {torch.complex64: torch.float32, torch.complex128: torch.float64}


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor as a kernel can read it: in C order, no lazy conjugation or negation."""
    return tensor.resolve_conj().resolve_neg().contiguous()


def empty_like(
    tensor: torch.Tensor, what: str, shape: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    """Allocate an answer on the device of a tensor, or raise a MemoryLimitError that says `what`.

    On the CPU `argand.memory_limit()` bounds it; on any other device its allocator decides.
    """
    size = dtype.itemsize * math.prod(shape)
    if tensor.device.type == "cpu":
        demand(what, size, "give fewer at a time")
    try:
        return tensor.new_empty(shape, dtype=dtype)
    except torch.cuda.OutOfMemoryError as error:
        raise MemoryLimitError(
            f"{what} needs {readable(size)}, more than {tensor.device} has left: "
            "give fewer at a time"
        ) from error


def call(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """Call an operator: as a Function under transforms of torch.func and in forward mode."""
    is_transformed = torch._C._are_functorch_transforms_active()
    is_forward_mode = forward_ad._current_level >= 0
    if is_transformed or is_forward_mode:
        return function.apply(*arguments)
    return function.forward(*arguments)


def loop_over_samples(
    function: type[torch.autograd.Function], info: Any, in_dims: tuple[Any, ...], *arguments: Any
) -> tuple[Any, Any]:
    """Evaluate a Function under vmap, one sample after another.

    Parameters
    ----------
    function
        The Function.
    info
        What torch says of the call; `info.batch_size` is the number of samples.
    in_dims
        For each argument the axis of its samples; None where all samples share it.
    arguments
        Arguments of the Function.

    Returns
    -------
    The results, stacked along axis 0, and the axis 0 for each of them.
    """
    results = []
    for sample in range(info.batch_size):
        arguments_of_sample = []
        for argument, axis in zip(arguments, in_dims, strict=True):
            # The axis of a list of numbers is a list of None.
            is_shared = not isinstance(axis, int)
            arguments_of_sample.append(argument if is_shared else argument.select(axis, sample))
        results.append(function.apply(*arguments_of_sample))
    if isinstance(results[0], tuple):
        stacked = tuple(torch.stack(outputs) for outputs in zip(*results, strict=True))
        return stacked, (0,) * len(stacked)
    return torch.stack(results), 0


def keep_nothing(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Keep nothing of an operator that has no derivatives."""


def operator_function(
    name: str,
    *,
    backward: Callable[..., Any],
    jvp: Callable[..., Any],
    setup_context: Callable[..., None] = keep_nothing,
) -> type[torch.autograd.Function]:
    """Make the Function of an operator; under vmap it takes one sample after another.

    Parameters
    ----------
    name
        The operator is `torch.ops.argand.NAME`; it may be defined later.
    backward, jvp, setup_context
        The methods of this name of `torch.autograd.Function`.
    """

    def forward(*arguments: Any) -> Any:
        return getattr(torch.ops.argand, name)(*arguments)

    def vmap(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[Any, Any]:
        return loop_over_samples(made, info, in_dims, *arguments)

    methods: dict[str, Callable[..., Any]] = {
        "forward": forward,
        "setup_context": setup_context,
        "backward": backward,
        "jvp": jvp,
        "vmap": vmap,
    }
    static = {key: staticmethod(method) for key, method in methods.items()}
    made: type[torch.autograd.Function] = type(name, (torch.autograd.Function,), static)
    return made


def refuse(message: str) -> Callable[..., Any]:
    """Make the derivative of a Function that has none: it raises NotImplementedError."""

    def raise_error(ctx: Any, *derivatives: Any) -> Any:
        raise NotImplementedError(message)

    return raise_error
