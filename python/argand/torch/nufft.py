"""Differentiate structure factors of thousands of atoms in torch, by non-uniform transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from argand import nufft
from argand.cell import cell_parameters
from argand.crystal import Crystal
from argand.torch._library import COMPLEX, LIBRARY, call, operator_function, plain, refuse

_ARGUMENTS = (
    "Tensor frac, Tensor? b_iso, Tensor? u_aniso, Tensor? occ, Tensor type_number, Tensor hkl, "
    "float[] cell, str[] types, str table, float? energy_kev, float eps"
)
# frac, b_iso, u_aniso and occ have derivatives, the arguments after them do not.
_DIFFERENTIABLE = 4
LIBRARY.define(f"nufft_structure_factors({_ARGUMENTS}) -> Tensor")
LIBRARY.define(
    f"nufft_structure_factors_vjp(Tensor g, {_ARGUMENTS}, bool[4] wanted)"
    " -> (Tensor, Tensor, Tensor, Tensor)"
)


def nufft_structure_factors(
    frac: Tensor,
    hkl: Tensor,
    *,
    cell: Sequence[float],
    types: Sequence[str],
    b_iso: Tensor | None = None,
    u_aniso: Tensor | None = None,
    occ: Tensor | None = None,
    table: str = "it92",
    energy_kev: float | None = None,
    eps: float = 1e-6,
) -> Tensor:
    """Compute structure factors of thousands of atoms in P 1, to an accuracy `eps`.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j), as
    `argand.structure_factors(method="nufft")` computes it (see `argand.nufft`). For small unit
    cells `argand.torch.structure_factors` is faster, and has no error but rounding.

    Parameters
    ----------
    frac : (n, 3)
        Fractional coordinates, float32 or float64. The accuracy is `eps` for both.
    hkl : (m, 3)
        Miller indices, int32, in any order.
    cell : (6,)
        a, b, c, alpha, beta, gamma in angstrom and degrees.
    types : (n,)
        Atom type of each row of `frac`.
    b_iso : (n,) or None
        B in A^2; None for 0.
    u_aniso : (n, 6) or None
        U in A^2, 11 22 33 12 13 23 as in a CIF; rows of NaN for isotropic atoms. Where an atom has
        a tensor, its `b_iso` has no part in F and its derivative is 0.
    occ : (n,) or None
        Occupancy; None for 1.
    table, energy_kev, eps
        As in `argand.structure_factors`.

    Returns
    -------
    (m,) complex64 or complex128
        F in electrons. First derivatives by `frac`, `b_iso`, `u_aniso` and `occ` are as accurate
        as `argand.nufft.vjp` says.

    Raises
    ------
    TypeError, ValueError
        frac or types do not have the dtype or shape that they need.
    NotImplementedError
        A second derivative is asked for, or one in forward mode.
    """
    if frac.dtype not in COMPLEX:
        raise TypeError(f"frac has dtype {frac.dtype}, needs torch.float32 or torch.float64")
    if frac.ndim != 2 or frac.shape[1] != 3:
        raise ValueError(f"frac has shape {tuple(frac.shape)}, needs (n, 3)")
    atoms = frac.shape[0]
    if len(types) != atoms:
        raise ValueError(f"types has {len(types)} names, needs {atoms}: one for each row of frac")
    number_of_type = {symbol: number for number, symbol in enumerate(dict.fromkeys(types))}
    numbers = torch.tensor([number_of_type[symbol] for symbol in types], dtype=torch.int64)
    f: Tensor = call(
        _NufftSum,
        frac,
        b_iso,
        u_aniso,
        occ,
        numbers,
        hkl,
        [float(parameter) for parameter in cell],
        list(number_of_type),
        table,
        energy_kev,
        eps,
    )
    return f


def _as_numpy(tensor: Tensor | None) -> Any:
    """Return a tensor without its derivatives as a numpy array; None stays None."""
    if tensor is None:
        return None
    return plain(tensor.detach()).numpy()


def _crystal(
    atoms: Sequence[Tensor | None], cell: Sequence[float], types: Sequence[str]
) -> Crystal:
    """Make a crystal in P 1, which checks frac, b_iso, u_aniso, occ and the type numbers."""
    frac, b_iso, u_aniso, occ, numbers = map(_as_numpy, atoms)
    return Crystal(
        cell_parameters(cell),
        types=tuple(types[number] for number in numbers.tolist()),
        frac=frac,
        b_iso=b_iso,
        u_aniso=u_aniso,
        occ=occ,
    )


@torch.library.impl(LIBRARY, "nufft_structure_factors", "CPU")
def _sum(*arguments: Any) -> Tensor:
    """Compute structure factors on the CPU."""
    *atoms, hkl, cell, types, table, energy_kev, eps = arguments
    crystal = _crystal(atoms, cell, types)
    indices = _as_numpy(hkl)
    f = nufft.structure_factors(crystal, indices, table=table, energy_kev=energy_kev, eps=eps)
    return torch.from_numpy(f).to(COMPLEX[arguments[0].dtype])


@torch.library.register_fake("argand::nufft_structure_factors", lib=LIBRARY)
def _fake_sum(frac: Tensor, *arguments: Any) -> Tensor:
    """Return an empty tensor of the shape of structure factors."""
    hkl = arguments[4]
    return frac.new_empty((hkl.shape[0],), dtype=COMPLEX[frac.dtype])


@torch.library.impl(LIBRARY, "nufft_structure_factors_vjp", "CPU")
def _vjp(g: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute derivatives by frac, b_iso, u_aniso and occ on the CPU; empty where not wanted."""
    *atoms, hkl, cell, types, table, energy_kev, eps, wanted = arguments
    crystal = _crystal(atoms, cell, types)
    by = nufft.vjp(
        crystal,
        _as_numpy(hkl),
        _as_numpy(g),
        table=table,
        energy_kev=energy_kev,
        eps=eps,
        by_tensors=wanted[2],
    )
    by_b, by_u = by.b_iso, by.u_aniso
    if crystal.u_aniso is not None:
        # An atom is either isotropic or has a tensor: the other derivative is 0.
        isotropic = np.isnan(crystal.u_aniso[:, 0])
        by_b = np.where(isotropic, by_b, 0.0)
        if by_u is not None:
            by_u = np.where(isotropic[:, None], 0.0, by_u)
    outputs = _empty_gradients(atoms[0], wanted)
    gradients = (by.frac, by_b, by_u, by.occ)
    for output, gradient, is_wanted in zip(outputs, gradients, wanted, strict=True):
        if is_wanted and gradient is not None:
            output.copy_(torch.from_numpy(gradient))
    return outputs


@torch.library.register_fake("argand::nufft_structure_factors_vjp", lib=LIBRARY)
def _fake_vjp(g: Tensor, frac: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return empty tensors of the shapes of the derivatives."""
    wanted = arguments[-1]
    return _empty_gradients(frac, wanted)


def _empty_gradients(frac: Tensor, wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Make outputs for derivatives by frac, b_iso, u_aniso and occ; no rows where not wanted."""
    atoms = frac.shape[0]
    frac_rows, b_rows, u_rows, occ_rows = (atoms if is_wanted else 0 for is_wanted in wanted)
    return (
        frac.new_empty((frac_rows, 3)),
        frac.new_empty((b_rows,)),
        frac.new_empty((u_rows, 6)),
        frac.new_empty((occ_rows,)),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Keep the tensors and the settings of a sum for its derivatives."""
    ctx.save_for_backward(*inputs[:6])
    ctx.settings = inputs[6:]


def _backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
    """Return the derivatives by all arguments; None where there is none or it is not wanted."""
    wanted = list(ctx.needs_input_grad[:_DIFFERENTIABLE])
    outputs = call(_NufftSumVjp, g, *ctx.saved_tensors, *ctx.settings, wanted)
    gradients: list[Tensor | None] = []
    for output, is_wanted in zip(outputs, wanted, strict=True):
        gradients.append(output if is_wanted else None)
    # The type numbers, hkl and the settings have no derivative.
    return (*gradients, *[None] * (2 + len(ctx.settings)))


_NAME = "argand.torch.nufft_structure_factors"
_no_second_derivative = refuse(f"{_NAME} has first derivatives only")


_NufftSum = operator_function(
    "nufft_structure_factors",
    backward=_backward,
    jvp=refuse(f"{_NAME} has derivatives in reverse mode only: torch.func.vjp"),
    setup_context=_setup_context,
)
_NufftSumVjp = operator_function(
    "nufft_structure_factors_vjp", backward=_no_second_derivative, jvp=_no_second_derivative
)
torch.library.register_autograd(
    "argand::nufft_structure_factors", _backward, setup_context=_setup_context, lib=LIBRARY
)
torch.library.register_autograd(
    "argand::nufft_structure_factors_vjp", _no_second_derivative, lib=LIBRARY
)
