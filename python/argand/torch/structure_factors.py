"""Structure factors as a torch operator.

It is differentiable by position, displacement, occupancy and form factors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from argand import _seam
from argand._form_gradient import form_gradient
from argand._pack import hkl_lists, pack
from argand.crystal import Crystal
from argand.tabulated import FormFactorTable, tabulated_batch
from argand.torch._derivatives import FORM, Sum, backward, no_second_derivative, setup_context
from argand.torch._library import COMPLEX, LIBRARY, call, empty_like, plain


def structure_factors(
    frac: Tensor,
    form: Tensor,
    hkl: Tensor | None = None,
    *,
    box: int | tuple[int, int, int] | None = None,
    beta: Tensor | None = None,
    occ: Tensor | None = None,
    scatterer: Tensor | None = None,
    atom_ptr: Tensor | None = None,
    form_ptr: Tensor | None = None,
    hkl_ptr: Tensor | None = None,
) -> Tensor:
    """Compute structure factors of one crystal or a ragged batch of crystals in P 1.

    F(h) = sum_j occ_j f_j(h) exp(-h^T beta_j h) exp(+2 pi i h.x_j) over the atoms j of a crystal.
    First derivatives by `frac`, `beta`, `occ` and `form` are exact, in reverse and in forward mode;
    second ones raise. vmap sums its samples one by one: crystals of one batch are faster. On a box
    a real `form` must be even in hkl, as form factors are: half of it is summed and mirrored.
    `tensors` builds the arguments from crystals.

    All tensors lie on one device, the CPU or a CUDA device, and there the sum runs: on torch's
    current stream, without a copy and without waiting, so that a CUDA graph can capture it. The
    numbers of index tensors are then not checked.

    Parameters
    ----------
    frac
        Fractional coordinates (atoms, 3), float32 or float64; all crystals one after another.
    form
        Form factors (rows, m), real or, with dispersion, complex: a row for each kind of atom, an
        entry for each reflection. Rows of different length come flat, with `form_ptr` (rows + 1,)
        int64.
    hkl
        Miller indices (m, 3) int32, shared by all crystals or cut by `hkl_ptr` (crystals + 1,)
        int64.
    box
        Instead of `hkl`: the box -h..h, -k..k, -l..l, h slowest; one number for three equal sides.
    beta
        Displacement (atoms, 6), 11 22 33 12 13 23 (see `beta_from_b_iso`, `beta_from_u_aniso`);
        None: no displacement.
    occ
        Occupancy (atoms,); None: 1.
    scatterer
        Row of `form` for each atom (atoms,) int32; None: atom j has row j.
    atom_ptr
        Atoms of crystal c are rows atom_ptr[c]:atom_ptr[c+1] (crystals + 1,) int64; None: all are
        one crystal.

    Returns
    -------
    complex64 or complex128: (crystals, m), (crystals, 2h+1, 2k+1, 2l+1) for a box, (m,) for ragged
    lists; without `atom_ptr` the axis of crystals is left out.

    Raises
    ------
    ValueError, TypeError
        Name the tensor, what it is and what it must be.
    MemoryLimitError
        F takes more than `argand.memory_limit()`.
    """
    if frac.dtype not in COMPLEX:
        raise TypeError(f"frac has dtype {frac.dtype}, needs torch.float32 or torch.float64")
    if (hkl is None) == (box is None):
        raise TypeError("reflections must be given either as hkl or as box")
    sides: list[int] = []
    if isinstance(box, int):
        sides = [box, box, box]
    elif box is not None:
        sides = list(box)
    f: Tensor = call(Sum, frac, beta, occ, scatterer, form, form_ptr, atom_ptr, hkl, hkl_ptr, sides)
    return f[0] if atom_ptr is None and hkl_ptr is None else f


def tensors(
    crystals: Crystal | Sequence[Crystal],
    hkl: Any,
    *,
    table: str | FormFactorTable = "it92",
    energy_kev: float | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> dict[str, Any]:
    """Build the arguments of `structure_factors` from crystals.

    ``structure_factors(**tensors(crystals, hkl))`` gives the structure factors of the crystals.

    Parameters
    ----------
    crystals
        One crystal or several; they are expanded to P 1.
    hkl
        Miller indices (m, 3) for all crystals, or a sequence of such lists, one for each.
    table, energy_kev
        Table of form factors and photon energy in keV, as in `argand.structure_factors`. With a
        `FormFactorTable`, atoms are all images of the sites of one crystal, operation by operation.
    dtype
        torch.float32 or torch.float64.
    device
        Device of the tensors: "cuda", "cuda:1"; None: torch's default.

    Returns
    -------
    dict
        Tensors by the names of the arguments, and "box" where the reflections are those of
        `hkl_cube`.

    Raises
    ------
    TypeError, ValueError
        Name the argument, what it is and what it must be.
    ArgandError
        An atom type that the table does not know.
    """
    if dtype not in COMPLEX:
        raise TypeError(f"dtype is {dtype}, needs torch.float32 or torch.float64")
    is_one_crystal = isinstance(crystals, Crystal)
    crystal_list = [crystals] if isinstance(crystals, Crystal) else list(crystals)
    real = "float32" if dtype == torch.float32 else "float64"
    if isinstance(table, FormFactorTable):
        if not isinstance(crystals, Crystal):
            raise ValueError("crystals are several, a table of form factors is of one crystal")
        batch = tabulated_batch(crystals, hkl, table, energy_kev=energy_kev, dtype=real)
    else:
        expanded = [crystal.to_p1() for crystal in crystal_list]
        lists = hkl_lists(hkl, len(crystal_list))
        batch = pack(expanded, lists, table=table, energy_kev=energy_kev, dtype=real)
    arguments: dict[str, Any] = {}
    for name, array in batch._asdict().items():
        if isinstance(array, np.ndarray):
            arguments[name] = torch.tensor(array, device=device)
    if is_one_crystal:
        del arguments["atom_ptr"]
    if batch.box is not None:
        arguments["box"] = batch.box
    return arguments


_ARGUMENTS = (
    "Tensor frac, Tensor? beta, Tensor? occ, Tensor? scatterer, Tensor form, Tensor? form_ptr, "
    "Tensor? atom_ptr, Tensor? hkl, Tensor? hkl_ptr, int[] box"
)
LIBRARY.define(f"structure_factors({_ARGUMENTS}) -> Tensor")
LIBRARY.define(
    f"structure_factors_vjp(Tensor g, {_ARGUMENTS}, bool[3] wanted) -> (Tensor, Tensor, Tensor)"
)
LIBRARY.define(f"structure_factors_form_vjp(Tensor g, {_ARGUMENTS}) -> Tensor")


def _batch(
    frac: Tensor,
    beta: Tensor | None,
    occ: Tensor | None,
    scatterer: Tensor | None,
    form: Tensor,
    form_ptr: Tensor | None,
    atom_ptr: Tensor | None,
    hkl: Tensor | None,
    hkl_ptr: Tensor | None,
    box: Sequence[int],
) -> _seam.Batch:
    """Build the batch of an operator's arguments, each tensor as a kernel can read it."""
    sides = None
    if len(box) > 0:
        h, k, l = box
        sides = (h, k, l)
    return _seam.make_batch(
        frac=plain(frac),
        form=plain(form),
        hkl=_plain_or_none(hkl),
        box=sides,
        beta=_plain_or_none(beta),
        occ=_plain_or_none(occ),
        scatterer=_plain_or_none(scatterer),
        atom_ptr=_plain_or_none(atom_ptr),
        form_ptr=_plain_or_none(form_ptr),
        hkl_ptr=_plain_or_none(hkl_ptr),
    )


def _plain_or_none(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else plain(tensor)


@torch.library.impl(LIBRARY, "structure_factors", "CUDA")
@torch.library.impl(LIBRARY, "structure_factors", "CPU")
def _forward(*arguments: Any) -> Tensor:
    batch = _batch(*arguments)
    numbers = math.prod(batch.out_shape)
    what = f"F of {batch.crystals} crystals, {numbers:,} numbers"
    f = empty_like(batch.frac, what, batch.out_shape, COMPLEX[batch.frac.dtype])
    _seam.structure_factors(batch, f)
    return f


@torch.library.register_fake("argand::structure_factors", lib=LIBRARY)
def _forward_fake(frac: Tensor, *arguments: Any) -> Tensor:
    *_, atom_ptr, hkl, hkl_ptr, box = arguments
    crystals = 1 if atom_ptr is None else atom_ptr.shape[0] - 1
    if hkl_ptr is not None:
        shape = [hkl.shape[0]]
    elif hkl is not None:
        shape = [crystals, hkl.shape[0]]
    else:
        h, k, l = box
        shape = [crystals, *_seam.box_shape((h, k, l))]
    return frac.new_empty(shape, dtype=COMPLEX[frac.dtype])


@torch.library.impl(LIBRARY, "structure_factors_vjp", "CUDA")
@torch.library.impl(LIBRARY, "structure_factors_vjp", "CPU")
def _backward_by_atoms(g: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    *batch_arguments, wanted = arguments
    batch = _batch(*batch_arguments)
    gradients = _empty_gradients(batch.frac, wanted)
    outputs: list[Tensor | None] = []
    for gradient, is_wanted in zip(gradients, wanted, strict=True):
        outputs.append(gradient if is_wanted else None)
    _seam.structure_factors_vjp(batch, plain(g), *outputs)
    return gradients


@torch.library.register_fake("argand::structure_factors_vjp", lib=LIBRARY)
def _backward_by_atoms_fake(
    g: Tensor, frac: Tensor, *arguments: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return _empty_gradients(frac, arguments[-1])


def _empty_gradients(frac: Tensor, wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:
    """Allocate gradients by position, displacement and occupancy; unwanted ones are empty."""
    atoms = frac.shape[0]
    by_frac, by_beta, by_occ = wanted
    return (
        frac.new_empty((atoms if by_frac else 0, 3)),
        frac.new_empty((atoms if by_beta else 0, 6)),
        frac.new_empty((atoms if by_occ else 0,)),
    )


@torch.library.impl(LIBRARY, "structure_factors_form_vjp", "CPU")
def _backward_by_form(g: Tensor, *arguments: Any) -> Tensor:
    batch = _seam.Batch(*map(_as_numpy, _batch(*arguments)))
    gradient = form_gradient(batch, plain(g).numpy())
    return torch.from_numpy(gradient).reshape(arguments[FORM].shape)


@torch.library.impl(LIBRARY, "structure_factors_form_vjp", "CUDA")
def _backward_by_form_on_device(g: Tensor, *arguments: Any) -> Tensor:
    batch = _batch(*arguments)
    gradient = torch.zeros_like(batch.form)
    _seam.structure_factors_form_vjp(batch, plain(g), gradient)
    return gradient.reshape(arguments[FORM].shape)


def _as_numpy(field: Any) -> Any:
    return field.detach().numpy() if isinstance(field, Tensor) else field


@torch.library.register_fake("argand::structure_factors_form_vjp", lib=LIBRARY)
def _backward_by_form_fake(g: Tensor, *arguments: Any) -> Tensor:
    form: Tensor = arguments[FORM]
    return form.new_empty(form.shape)


torch.library.register_autograd(
    "argand::structure_factors", backward, setup_context=setup_context, lib=LIBRARY
)
for _operator in ("structure_factors_vjp", "structure_factors_form_vjp"):
    torch.library.register_autograd(f"argand::{_operator}", no_second_derivative, lib=LIBRARY)
