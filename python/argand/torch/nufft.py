"""Structure factors of large cells as a torch operator: non-uniform transforms, forward and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from argand import nufft
from argand.crystal import Crystal
from argand.torch._library import COMPLEX, LIBRARY, plain


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
    """F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(+2 pi i h.x_j) of thousands of atoms in P 1, to an accuracy `eps`.

    What `argand.structure_factors(method="nufft")` computes, see `argand.nufft`. For small cells take
    `structure_factors`, which is exact.

    Parameters
    ----------
    frac
        Fractional coordinates (n, 3), float32 or float64; the transforms are as accurate as `eps` asks for either.
    hkl
        Miller indices (m, 3) int32, in any order.
    cell, types
        (a, b, c, alpha, beta, gamma) in angstrom and degrees; n atom types.
    b_iso
        B (n,) in A^2; None: 0.
    u_aniso
        U (n, 6) in A^2, 11 22 33 12 13 23 as in a CIF; rows of NaN for isotropic atoms. Where an atom has a tensor, its
        `b_iso` has no part in F and the derivative 0.
    occ
        Occupancy (n,); None: 1.
    table, energy_kev, eps
        As in `argand.structure_factors`.

    Returns
    -------
    (m,) complex64 or complex128. First derivatives by `frac`, `b_iso`, `u_aniso` and `occ` are as accurate as
    `argand.nufft.vjp` says; second ones raise.
    """
    if frac.dtype not in COMPLEX:
        raise TypeError(f"frac has dtype {frac.dtype}, needs torch.float32 or torch.float64")
    if frac.ndim != 2 or frac.shape[1] != 3:
        raise ValueError(f"frac has shape {tuple(frac.shape)}, needs (n, 3)")
    if len(types) != frac.shape[0]:
        raise ValueError(
            f"types has {len(types)} names, needs {frac.shape[0]}: one for each row of frac"
        )
    number = {kind: i for i, kind in enumerate(dict.fromkeys(types))}
    kind = torch.tensor([number[symbol] for symbol in types], dtype=torch.int64)
    f: Tensor = torch.ops.argand.nufft_structure_factors(
        frac,
        b_iso,
        u_aniso,
        occ,
        kind,
        hkl,
        [float(x) for x in cell],
        list(number),
        table,
        energy_kev,
        eps,
    )
    return f


_ARGUMENTS = (
    "Tensor frac, Tensor? b_iso, Tensor? u_aniso, Tensor? occ, Tensor kind, Tensor hkl, "
    "float[] cell, str[] kinds, str table, float? energy_kev, float eps"
)
_DIFFERENTIABLE = 4  # the first arguments
LIBRARY.define(f"nufft_structure_factors({_ARGUMENTS}) -> Tensor")
LIBRARY.define(
    f"nufft_structure_factors_vjp(Tensor g, {_ARGUMENTS}, bool[4] wanted) -> (Tensor, Tensor, Tensor, Tensor)"
)


def _as_numpy(tensor: Tensor | None) -> Any:
    return None if tensor is None else plain(tensor.detach()).numpy()


def _crystal(
    atoms: Sequence[Tensor | None], cell: Sequence[float], kinds: Sequence[str]
) -> Crystal:
    """frac, b_iso, u_aniso, occ and kind as a crystal in P 1, which checks them."""
    frac, b_iso, u_aniso, occ, kind = map(_as_numpy, atoms)
    types = tuple(kinds[i] for i in kind.tolist())
    return Crystal(tuple(cell), types=types, frac=frac, b_iso=b_iso, u_aniso=u_aniso, occ=occ)  # type: ignore[arg-type]


@torch.library.impl(LIBRARY, "nufft_structure_factors", "CPU")
def _forward_cpu(*arguments: Any) -> Tensor:
    *atoms, hkl, cell, kinds, table, energy_kev, eps = arguments
    crystal = _crystal(atoms, cell, kinds)
    f = nufft.structure_factors(
        crystal, _as_numpy(hkl), table=table, energy_kev=energy_kev, eps=eps
    )
    return torch.from_numpy(f).to(COMPLEX[arguments[0].dtype])


@torch.library.register_fake("argand::nufft_structure_factors", lib=LIBRARY)
def _forward_fake(frac: Tensor, *arguments: Any) -> Tensor:
    hkl = arguments[4]
    return frac.new_empty((hkl.shape[0],), dtype=COMPLEX[frac.dtype])


@torch.library.impl(LIBRARY, "nufft_structure_factors_vjp", "CPU")
def _backward_cpu(g: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    *atoms, hkl, cell, kinds, table, energy_kev, eps, wanted = arguments
    crystal = _crystal(atoms, cell, kinds)
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
    if crystal.u_aniso is not None:  # an atom has either
        isotropic = np.isnan(crystal.u_aniso[:, 0])
        by_b = np.where(isotropic, by_b, 0.0)
        by_u = None if by_u is None else np.where(isotropic[:, None], 0.0, by_u)
    gradients = _empty_gradients(atoms[0], wanted)
    for gradient, found, want in zip(gradients, (by.frac, by_b, by_u, by.occ), wanted, strict=True):
        if want and found is not None:
            gradient.copy_(torch.from_numpy(found))
    return gradients


@torch.library.register_fake("argand::nufft_structure_factors_vjp", lib=LIBRARY)
def _backward_fake(
    g: Tensor, frac: Tensor, *arguments: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _empty_gradients(frac, arguments[-1])


def _empty_gradients(frac: Tensor, wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    by_frac, by_b, by_u, by_occ = (frac.shape[0] if want else 0 for want in wanted)
    return (
        frac.new_empty((by_frac, 3)),
        frac.new_empty((by_b,)),
        frac.new_empty((by_u, 6)),
        frac.new_empty((by_occ,)),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.settings = inputs[6:]


def _backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
    wanted = list(ctx.needs_input_grad[:_DIFFERENTIABLE])
    grads = torch.ops.argand.nufft_structure_factors_vjp(
        g, *ctx.saved_tensors, *ctx.settings, wanted
    )
    by = [grad if want else None for grad, want in zip(grads, wanted, strict=True)]
    return (*by, *[None] * (2 + len(ctx.settings)))


def _no_second_derivative(ctx: Any, *g: Tensor) -> tuple[Tensor | None, ...]:
    raise NotImplementedError("argand.torch.nufft_structure_factors has first derivatives only")


torch.library.register_autograd(
    "argand::nufft_structure_factors", _backward, setup_context=_setup_context, lib=LIBRARY
)
torch.library.register_autograd(
    "argand::nufft_structure_factors_vjp", _no_second_derivative, lib=LIBRARY
)
