"""Large cells in torch: values and derivatives are those of numpy, and the operator is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("finufft")

import argand  # noqa: E402
from argand.torch import beta_from_u_aniso, nufft_structure_factors, structure_factors  # noqa: E402

CELL = (21.0, 23.0, 26.0, 82.0, 96.0, 103.0)
NAMES = ("frac", "b_iso", "u_aniso", "occ")


def problem(atoms: int = 6, tensors: bool = True, seed: int = 1) -> tuple[dict[str, Any], Any]:
    """Arguments in float64, and 40 reflections to 3 A."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(atoms, 3, 3)) * 0.15
    u = root @ root.transpose(0, 2, 1) + 0.05 * np.eye(3)
    u_aniso = u[:, [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    u_aniso[::2] = np.nan
    hkl = argand.miller_indices(CELL, "P 1", d_min=3.0)
    arguments = {
        "frac": torch.from_numpy(rng.random((atoms, 3))),
        "b_iso": torch.from_numpy(rng.uniform(5, 40, atoms)),
        "u_aniso": torch.from_numpy(u_aniso) if tensors else None,
        "occ": torch.from_numpy(rng.uniform(0.3, 1, atoms)),
        "cell": CELL,
        "types": [("C", "N", "S")[i] for i in rng.integers(0, 3, atoms)],
    }
    return arguments, torch.from_numpy(hkl[rng.choice(len(hkl), 40, replace=False)])


@pytest.mark.parametrize("energy_kev", [None, 7.0])
def test_values_are_those_of_the_direct_sum(energy_kev):
    a, hkl = problem(atoms=30)
    numpy = {name: a[name].numpy() for name in NAMES}
    expected = argand.structure_factors(
        argand.Crystal(CELL, types=a["types"], **numpy),
        hkl.numpy(),
        energy_kev=energy_kev,
        method="direct",
    )
    f = nufft_structure_factors(hkl=hkl, energy_kev=energy_kev, eps=1e-9, **a)
    assert np.abs(f.numpy() - expected).max() < 1e-8 * np.abs(expected).max()
    single = {name: x.float() if name in NAMES else x for name, x in a.items()}
    f = nufft_structure_factors(hkl=hkl, energy_kev=energy_kev, **single)
    assert f.dtype == torch.complex64
    assert np.abs(f.numpy() - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("energy_kev", [None, 7.0])
def test_gradients_are_those_of_the_direct_operator(energy_kev):
    a, hkl = problem(atoms=30)
    form = argand.form_factors(a["types"], argand.stol(hkl.numpy(), CELL), energy_kev=energy_kev)
    isotropic = a["u_aniso"].isnan().any(dim=1)
    unit = torch.from_numpy(argand.cell.beta_from_b_iso(np.ones(1), CELL))
    g = torch.randn(len(hkl), dtype=torch.complex128, generator=torch.Generator().manual_seed(2))
    grads = []
    for direct in (True, False):
        x = {name: a[name].clone().requires_grad_() for name in NAMES}
        if direct:
            tensor = beta_from_u_aniso(x["u_aniso"].nan_to_num(), CELL)
            beta = torch.where(isotropic[:, None], x["b_iso"][:, None] * unit, tensor)
            f = structure_factors(x["frac"], torch.from_numpy(form), hkl, beta=beta, occ=x["occ"])
        else:
            f = nufft_structure_factors(
                hkl=hkl, cell=CELL, types=a["types"], energy_kev=energy_kev, eps=1e-10, **x
            )
        grads.append(torch.autograd.grad(f, list(x.values()), g))
    for name, expected, found in zip(NAMES, *grads, strict=True):
        assert (found - expected).abs().max() < 1e-7 * expected.abs().max(), name
    assert not grads[1][1][~isotropic].any()
    assert not grads[1][2][isotropic].any()


def test_gradcheck():
    a, hkl = problem(atoms=4, tensors=False, seed=3)
    varied = [a.pop(name).requires_grad_() for name in ("frac", "b_iso", "occ")]

    def f(frac, b_iso, occ):
        return nufft_structure_factors(
            **{**a, "frac": frac, "b_iso": b_iso, "occ": occ}, hkl=hkl[:7], eps=1e-12
        )

    assert torch.autograd.gradcheck(f, varied, eps=1e-4, atol=1e-4, rtol=1e-4)


def test_opcheck():
    a, hkl = problem(atoms=3)
    kind = torch.tensor([0, 1, 0])
    tail = (kind, hkl, list(CELL), ["C", "S"], "it92", None, 1e-8)
    for tensors in (a["u_aniso"], None):
        leaves = (
            a["frac"].requires_grad_(),
            a["b_iso"].requires_grad_(),
            tensors,
            a["occ"].requires_grad_(),
        )
        torch.library.opcheck(torch.ops.argand.nufft_structure_factors, (*leaves, *tail))
        plain = tuple(None if x is None else x.detach() for x in leaves)
        g = torch.randn(len(hkl), dtype=torch.complex128)
        for wanted in ([True, True, tensors is not None, True], [False, False, False, True]):
            torch.library.opcheck(
                torch.ops.argand.nufft_structure_factors_vjp, (g, *plain, *tail, wanted)
            )


def test_what_is_wrong_or_has_no_derivative_says_so():
    a, hkl = problem(atoms=3)
    frac = a["frac"].requires_grad_()
    f = nufft_structure_factors(hkl=hkl, **a)
    (grad,) = torch.autograd.grad(f.abs().sum(), frac, create_graph=True)
    with pytest.raises(
        NotImplementedError, match="nufft_structure_factors has first derivatives only"
    ):
        grad.sum().backward()
    with pytest.raises(TypeError, match=r"frac has dtype torch\.float16"):
        nufft_structure_factors(hkl=hkl, **{**a, "frac": frac.half()})
    with pytest.raises(ValueError, match=r"frac has shape \(3,\)"):
        nufft_structure_factors(hkl=hkl, **{**a, "frac": frac[:, 0]})
    with pytest.raises(ValueError, match="types has 2 names, needs 3"):
        nufft_structure_factors(hkl=hkl, **{**a, "types": ["C", "C"]})
    with pytest.raises(argand.ArgandError, match=r"occ has shape \(2,\)"):
        nufft_structure_factors(hkl=hkl, **{**a, "occ": a["occ"][:2]})
    with pytest.raises(ValueError, match=r"eps is 0\.5"):
        nufft_structure_factors(hkl=hkl, **a, eps=0.5)
