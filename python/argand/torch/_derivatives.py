"""The derivatives of the sum over atoms, in reverse and in forward mode, and its Functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from argand.torch._library import call, operator_function, refuse

# The position of `form` among the arguments of the operators, after g.
FORM = 4
# Rows and columns of the six numbers of beta, and how often each stands in h^T beta h.
_BETA_TERMS = ((0, 0, 1), (1, 1, 1), (2, 2, 1), (0, 1, 2), (0, 2, 2), (1, 2, 2))


def setup_context(
    ctx: Any,
    inputs: tuple[Any, ...],
    output: Tensor,
) -> None:
    *saved, ctx.box = inputs
    ctx.save_for_backward(*saved)
    ctx.save_for_forward(*saved)
    # None stands for a derivative that is 0, and is not computed.
    ctx.set_materialize_grads(False)


def backward(ctx: Any, g: Tensor | None) -> tuple[Tensor | None, ...]:
    arguments = (*ctx.saved_tensors, ctx.box)
    if g is None:
        return (None,) * len(arguments)
    wanted = list(ctx.needs_input_grad[:3])
    by_atoms: list[Tensor | None] = [None, None, None]
    if any(wanted):
        gradients = call(SumVjp, g, *arguments, wanted)
        for position, is_wanted in enumerate(wanted):
            if is_wanted:
                by_atoms[position] = gradients[position]
    by_scatterer, by_form = None, None
    if ctx.needs_input_grad[FORM]:
        by_form = call(SumFormVjp, g, *arguments)
    by_indices = [None] * (len(arguments) - FORM - 1)
    return (*by_atoms, by_scatterer, by_form, *by_indices)


def jvp(ctx: Any, *tangents: Any) -> Tensor:
    """Differentiate F along tangents of the arguments; None for an argument that has none.

    F is linear in occupancies and form factors. A position gives an atom the factor 2 pi i h, a
    displacement -h h^T, so that each component is one more sum with other occupancies.
    """
    frac, beta, occ, scatterer, form, *lists = ctx.saved_tensors
    by_frac, by_beta, by_occ, _, by_form, *_ = tangents

    def sum_with(occ_tangent: Tensor, form_tangent: Tensor = form) -> Tensor:
        f: Tensor = call(Sum, frac, beta, occ_tangent, scatterer, form_tangent, *lists, ctx.box)
        return f

    weights = frac.new_ones(frac.shape[0]) if occ is None else occ
    *_, hkl, _ = lists
    orders = _orders(hkl, ctx.box, frac)
    terms = []
    if by_frac is not None:
        for axis in range(3):
            terms.append(2j * math.pi * orders[axis] * sum_with(weights * by_frac[:, axis]))
    if by_beta is not None:
        for component, (i, j, times) in enumerate(_BETA_TERMS):
            factor = -times * orders[i] * orders[j]
            terms.append(factor * sum_with(weights * by_beta[:, component]))
    if by_occ is not None:
        terms.append(sum_with(by_occ))
    if by_form is not None:
        terms.append(sum_with(weights, by_form))
    return torch.stack(terms).sum(dim=0)


def _orders(
    hkl: Tensor | None,
    box: Sequence[int],
    frac: Tensor,
) -> list[Tensor]:
    """Return h, k and l of the reflections of a list (m,) or of a box, in the dtype of `frac`."""
    if hkl is not None:
        return [hkl[:, axis].to(frac.dtype) for axis in range(3)]
    axes = []
    for reach in box:
        axes.append(torch.arange(-reach, reach + 1, dtype=frac.dtype, device=frac.device))
    return list(torch.meshgrid(*axes, indexing="ij"))


no_second_derivative = refuse("argand.torch.structure_factors has first derivatives only")


Sum = operator_function(
    "structure_factors", backward=backward, jvp=jvp, setup_context=setup_context
)
SumVjp = operator_function(
    "structure_factors_vjp", backward=no_second_derivative, jvp=no_second_derivative
)
SumFormVjp = operator_function(
    "structure_factors_form_vjp", backward=no_second_derivative, jvp=no_second_derivative
)
