"""Structure factors as a torch operator, differentiable by position, displacement and occupancy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from argand import _seam
from argand._form_gradient import form_gradient
from argand._memory import demand
from argand._pack import hkl_lists, pack
from argand.crystal import Crystal
from argand.torch._library import COMPLEX, LIBRARY, plain


def structure_factors(
    frac: Tensor,
    form: Tensor,
    hkl: Tensor | None = None,
    *,
    cube: int | tuple[int, int, int] | None = None,
    beta: Tensor | None = None,
    occ: Tensor | None = None,
    scatterer: Tensor | None = None,
    atom_ptr: Tensor | None = None,
    form_ptr: Tensor | None = None,
    hkl_ptr: Tensor | None = None,
) -> Tensor:
    """F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(+2 pi i h.x_j) of one crystal or a ragged batch, in P 1.

    Parameters
    ----------
    frac
        Fractional coordinates (atoms, 3), float32 or float64; all crystals one after another.
    form
        Form factors (rows, m), real or, with dispersion, complex: a row for each kind of atom, an entry for each
        reflection. Rows of different length come flat, with `form_ptr` (rows + 1,) int64.
    hkl
        Miller indices (m, 3) int32, the same for all crystals, or cut by `hkl_ptr` (crystals + 1,) int64.
    cube
        Instead of `hkl`: the box -h..h, -k..k, -l..l, h slowest; one number for a cube.
    beta
        Displacement (atoms, 6), 11 22 33 12 13 23 (see `beta_from_b_iso`, `beta_from_u_aniso`); None: at rest.
    occ
        Occupancy (atoms,); None: 1.
    scatterer
        Row of `form` for each atom (atoms,) int32; None: atom j has row j.
    atom_ptr
        Atoms of crystal c are rows atom_ptr[c]:atom_ptr[c+1] (crystals + 1,) int64; None: all are one crystal.

    Returns
    -------
    complex64 or complex128: (crystals, m), (crystals, 2h+1, 2k+1, 2l+1) for a cube, (m,) for ragged lists; without
    `atom_ptr` the axis of crystals is left out.

    First derivatives by `frac`, `beta`, `occ` and `form` are exact; second ones raise. On a cube a real `form` must be
    even in hkl, as form factors are: half of it is summed and mirrored. Use `tensors` to build the arguments from
    crystals.

    All tensors lie on one device, the CPU or a CUDA device, and there the sum runs: on torch's current stream, without
    a copy and without waiting, so that a CUDA graph can capture it. The numbers of index tensors are then not checked.
    """
    if frac.dtype not in COMPLEX:
        raise TypeError(f"frac has dtype {frac.dtype}, needs torch.float32 or torch.float64")
    single = atom_ptr is None
    if atom_ptr is None:
        atom_ptr = torch.arange(2, dtype=torch.int64, device=frac.device) * frac.shape[0]
    if scatterer is None:
        scatterer = torch.arange(frac.shape[0], dtype=torch.int32, device=frac.device)
    if form_ptr is None:
        if form.ndim < 2:
            raise ValueError(
                f"form has shape {tuple(form.shape)}, needs (rows, m), or flat with form_ptr"
            )
        rows, entries = form.shape[0], form[0].numel()
        form_ptr = torch.arange(rows + 1, dtype=torch.int64, device=form.device) * entries
    if (hkl is None) == (cube is None):
        raise TypeError("reflections must be given either as hkl or as cube")
    box = [] if cube is None else [cube] * 3 if isinstance(cube, int) else list(cube)
    f: Tensor = torch.ops.argand.structure_factors(
        frac, beta, occ, scatterer, form.reshape(-1), form_ptr, atom_ptr, hkl, hkl_ptr, box
    )
    return f[0] if single and hkl_ptr is None else f


def tensors(
    crystals: Crystal | Sequence[Crystal],
    hkl: Any,
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> dict[str, Any]:
    """The arguments of `structure_factors` for given crystals: ``structure_factors(**tensors(crystals, hkl))``.

    Crystals are expanded to P 1; `hkl` is one (m, 3) list for all or one list for each. `device`: "cuda", "cuda:1", ...
    """
    if dtype not in COMPLEX:
        raise TypeError(f"dtype is {dtype}, needs torch.float32 or torch.float64")
    single = isinstance(crystals, Crystal)
    many = [crystals] if isinstance(crystals, Crystal) else list(crystals)
    real = np.dtype(str(dtype).removeprefix("torch."))
    p1 = [crystal.to_p1() for crystal in many]
    batch = pack(p1, hkl_lists(hkl, len(many)), table=table, energy_kev=energy_kev, dtype=real)
    fields = {
        k: torch.tensor(v, device=device)
        for k, v in batch._asdict().items()
        if isinstance(v, np.ndarray)
    }
    if single:
        del fields["atom_ptr"]
    return fields if batch.box is None else {**fields, "cube": batch.box}


def _batch(
    frac: Tensor,
    beta: Tensor | None,
    occ: Tensor | None,
    scatterer: Tensor,
    form: Tensor,
    form_ptr: Tensor,
    atom_ptr: Tensor,
    hkl: Tensor | None,
    hkl_ptr: Tensor | None,
    box: Sequence[int],
) -> _seam.Batch:
    arrays = [
        None if t is None else plain(t)
        for t in (frac, beta, occ, scatterer, form, form_ptr, hkl, hkl_ptr)
    ]
    frac_, beta_, occ_, scatterer_, form_, form_ptr_, hkl_, hkl_ptr_ = arrays
    reach = (box[0], box[1], box[2]) if len(box) == 3 else None
    return _seam.Batch(
        plain(atom_ptr), frac_, beta_, occ_, scatterer_, form_, form_ptr_, hkl_, hkl_ptr_, reach
    )


_ARGUMENTS = (
    "Tensor frac, Tensor? beta, Tensor? occ, Tensor scatterer, Tensor form, Tensor form_ptr, Tensor atom_ptr, "
    "Tensor? hkl, Tensor? hkl_ptr, int[] box"
)
LIBRARY.define(f"structure_factors({_ARGUMENTS}) -> Tensor")
LIBRARY.define(
    f"structure_factors_vjp(Tensor g, {_ARGUMENTS}, bool[3] wanted) -> (Tensor, Tensor, Tensor)"
)
LIBRARY.define(f"structure_factors_form_vjp(Tensor g, {_ARGUMENTS}) -> Tensor")


@torch.library.impl(LIBRARY, "structure_factors", "CUDA")
@torch.library.impl(LIBRARY, "structure_factors", "CPU")
def _forward(*arguments: Any) -> Tensor:
    batch = _batch(*arguments)
    reflections, kind = math.prod(batch.out_shape), COMPLEX[batch.frac.dtype]
    demand(
        f"F of {batch.crystals} crystals, {reflections:,} numbers",
        kind.itemsize * reflections,
        "give fewer at a time",
    )
    out = batch.frac.new_empty(batch.out_shape, dtype=kind)
    _seam.structure_factors(batch, out)
    return out


@torch.library.register_fake("argand::structure_factors", lib=LIBRARY)
def _forward_fake(frac: Tensor, *arguments: Any) -> Tensor:
    *_, atom_ptr, hkl, hkl_ptr, box = arguments
    crystals = atom_ptr.shape[0] - 1
    if hkl_ptr is not None:
        shape = [hkl.shape[0]]
    else:
        shape = (
            [crystals, hkl.shape[0]] if hkl is not None else [crystals, *(2 * n + 1 for n in box)]
        )
    return frac.new_empty(shape, dtype=COMPLEX[frac.dtype])


@torch.library.impl(LIBRARY, "structure_factors_vjp", "CUDA")
@torch.library.impl(LIBRARY, "structure_factors_vjp", "CPU")
def _gradients(g: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    *batch_arguments, wanted = arguments
    batch = _batch(*batch_arguments)
    gradients = _empty_gradients(batch.frac, wanted)
    by = [grad if want else None for grad, want in zip(gradients, wanted, strict=True)]
    _seam.structure_factors_vjp(batch, plain(g), *by)
    return gradients


@torch.library.register_fake("argand::structure_factors_vjp", lib=LIBRARY)
def _backward_fake(g: Tensor, frac: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _empty_gradients(frac, arguments[-1])


def _empty_gradients(frac: Tensor, wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:
    atoms = frac.shape[0]
    by_frac, by_beta, by_occ = wanted
    return (
        frac.new_empty((atoms if by_frac else 0, 3)),
        frac.new_empty((atoms if by_beta else 0, 6)),
        frac.new_empty((atoms if by_occ else 0,)),
    )


@torch.library.impl(LIBRARY, "structure_factors_form_vjp", "CPU")
def _form_backward_cpu(g: Tensor, *arguments: Any) -> Tensor:
    batch = _batch(*arguments)
    return torch.from_numpy(form_gradient(_seam.Batch(*map(_as_numpy, batch)), plain(g).numpy()))


@torch.library.impl(LIBRARY, "structure_factors_form_vjp", "CUDA")
def _form_backward_cuda(g: Tensor, *arguments: Any) -> Tensor:
    batch = _batch(*arguments)
    gradient = torch.zeros_like(batch.form)
    _seam.structure_factors_form_vjp(batch, plain(g), gradient)
    return gradient


def _as_numpy(field: Any) -> Any:
    return field.detach().numpy() if isinstance(field, Tensor) else field


@torch.library.register_fake("argand::structure_factors_form_vjp", lib=LIBRARY)
def _form_backward_fake(g: Tensor, *arguments: Any) -> Tensor:
    return torch.empty_like(arguments[4])


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *saved, ctx.box = inputs
    ctx.save_for_backward(*saved)


def _backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
    wanted = list(ctx.needs_input_grad[:3])
    by: list[Tensor | None] = [None] * 3
    if any(wanted):
        grads = torch.ops.argand.structure_factors_vjp(g, *ctx.saved_tensors, ctx.box, wanted)
        by = [grad if want else None for grad, want in zip(grads, wanted, strict=True)]
    by_form = None
    if ctx.needs_input_grad[4]:
        by_form = torch.ops.argand.structure_factors_form_vjp(g, *ctx.saved_tensors, ctx.box)
    return (*by, None, by_form, *[None] * 5)


def _no_second_derivative(ctx: Any, *g: Tensor) -> tuple[Tensor | None, ...]:
    raise NotImplementedError("argand.torch.structure_factors has first derivatives only")


torch.library.register_autograd(
    "argand::structure_factors", _backward, setup_context=_setup_context, lib=LIBRARY
)
for _name in ("structure_factors_vjp", "structure_factors_form_vjp"):
    torch.library.register_autograd(f"argand::{_name}", _no_second_derivative, lib=LIBRARY)
