"""Non-uniform transforms in torch: values and derivatives are right, and the operator is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("finufft")

import argand  # noqa: E402
from argand.cell import beta_from_b_iso  # noqa: E402
from argand.torch import beta_from_u_aniso, nufft_structure_factors, structure_factors  # noqa: E402

CELL = (21.0, 23.0, 26.0, 82.0, 96.0, 103.0)
NAMES = ("frac", "b_iso", "u_aniso", "occ")


def problem(atoms: int = 6, tensors: bool = True, seed: int = 1) -> tuple[dict[str, Any], Any]:
    """Return arguments in float64, every second atom anisotropic, and 40 reflections to 3 A."""
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
        "types": [("C", "N", "S")[number] for number in rng.integers(0, 3, atoms)],
    }
    rows = rng.choice(len(hkl), 40, replace=False)
    return arguments, torch.from_numpy(hkl[rows])


@pytest.mark.parametrize("energy_kev", [None, 7.0])
def test_values_are_those_of_the_direct_sum(energy_kev):
    """F in double and in single precision agrees with the direct sum to eps."""
    arguments, hkl = problem(atoms=30)
    arrays = {name: arguments[name].numpy() for name in NAMES}
    crystal = argand.Crystal(CELL, types=arguments["types"], **arrays)
    expected = argand.structure_factors(
        crystal, hkl.numpy(), energy_kev=energy_kev, method="direct"
    )
    largest = np.abs(expected).max()
    f = nufft_structure_factors(hkl=hkl, energy_kev=energy_kev, eps=1e-9, **arguments)
    assert np.abs(f.numpy() - expected).max() < 1e-8 * largest
    single = dict(arguments)
    for name in NAMES:
        single[name] = arguments[name].float()
    f = nufft_structure_factors(hkl=hkl, energy_kev=energy_kev, **single)
    assert f.dtype == torch.complex64
    assert np.abs(f.numpy() - expected).max() < 1e-5 * largest


@pytest.mark.parametrize("energy_kev", [None, 7.0])
def test_gradients_are_those_of_the_direct_operator(energy_kev):
    """Derivatives agree with the direct operator; an atom is either isotropic or has a tensor."""
    arguments, hkl = problem(atoms=30)
    types = arguments["types"]
    stol = argand.stol(hkl.numpy(), CELL)
    form = torch.from_numpy(argand.form_factors(types, stol, energy_kev=energy_kev))
    isotropic = arguments["u_aniso"].isnan().any(dim=1)
    unit = torch.from_numpy(beta_from_b_iso(np.ones(1), CELL))
    generator = torch.Generator().manual_seed(2)
    g = torch.randn(len(hkl), dtype=torch.complex128, generator=generator)

    direct = {name: arguments[name].clone().requires_grad_() for name in NAMES}
    tensor = beta_from_u_aniso(direct["u_aniso"].nan_to_num(), CELL)
    beta = torch.where(isotropic[:, None], direct["b_iso"][:, None] * unit, tensor)
    f = structure_factors(direct["frac"], form, hkl, beta=beta, occ=direct["occ"])
    expected = torch.autograd.grad(f, list(direct.values()), g)

    leaves = {name: arguments[name].clone().requires_grad_() for name in NAMES}
    f = nufft_structure_factors(
        hkl=hkl, cell=CELL, types=types, energy_kev=energy_kev, eps=1e-10, **leaves
    )
    gradients = torch.autograd.grad(f, list(leaves.values()), g)
    for name, gradient, by_direct_sum in zip(NAMES, gradients, expected, strict=True):
        error = (gradient - by_direct_sum).abs().max()
        assert error < 1e-7 * by_direct_sum.abs().max(), name
    _, by_b, by_u, _ = gradients
    assert not by_b[~isotropic].any()
    assert not by_u[isotropic].any()


def test_gradcheck():
    """Derivatives agree with differences."""
    arguments, hkl = problem(atoms=4, tensors=False, seed=3)
    leaves = [arguments.pop(name).requires_grad_() for name in ("frac", "b_iso", "occ")]

    def f(frac, b_iso, occ):
        varied = {**arguments, "frac": frac, "b_iso": b_iso, "occ": occ}
        return nufft_structure_factors(hkl=hkl[:7], eps=1e-11, **varied)

    assert torch.autograd.gradcheck(f, leaves, eps=1e-4, atol=1e-4, rtol=1e-4)


def test_opcheck():
    """Both operators pass torch's own checks, with and without tensors."""
    arguments, hkl = problem(atoms=3)
    numbers = torch.tensor([0, 1, 0])
    settings = (numbers, hkl, list(CELL), ["C", "S"], "it92", None, 1e-8)
    operators = torch.ops.argand
    for u_aniso in (arguments["u_aniso"], None):
        frac = arguments["frac"].requires_grad_()
        b_iso = arguments["b_iso"].requires_grad_()
        occ = arguments["occ"].requires_grad_()
        leaves = (frac, b_iso, u_aniso, occ)
        torch.library.opcheck(operators.nufft_structure_factors, (*leaves, *settings))
        plain = tuple(None if leaf is None else leaf.detach() for leaf in leaves)
        g = torch.randn(len(hkl), dtype=torch.complex128)
        for wanted in ([True, True, u_aniso is not None, True], [False, False, False, True]):
            vjp_arguments = (g, *plain, *settings, wanted)
            torch.library.opcheck(operators.nufft_structure_factors_vjp, vjp_arguments)


def test_wrong_arguments_and_second_derivatives_are_refused():
    """Errors name the argument, what it is and what it must be."""
    arguments, hkl = problem(atoms=3)
    frac = arguments["frac"].requires_grad_()
    f = nufft_structure_factors(hkl=hkl, **arguments)
    (gradient,) = torch.autograd.grad(f.abs().sum(), frac, create_graph=True)
    only_first = "nufft_structure_factors has first derivatives only"
    with pytest.raises(NotImplementedError, match=only_first):
        gradient.sum().backward()
    with pytest.raises(TypeError, match=r"frac has dtype torch\.float16"):
        nufft_structure_factors(hkl=hkl, **{**arguments, "frac": frac.half()})
    with pytest.raises(ValueError, match=r"frac has shape \(3,\)"):
        nufft_structure_factors(hkl=hkl, **{**arguments, "frac": frac[:, 0]})
    with pytest.raises(ValueError, match="types has 2 names, needs 3"):
        nufft_structure_factors(hkl=hkl, **{**arguments, "types": ["C", "C"]})
    with pytest.raises(argand.ArgandError, match=r"occ has shape \(2,\)"):
        nufft_structure_factors(hkl=hkl, **{**arguments, "occ": arguments["occ"][:2]})
    with pytest.raises(ValueError, match=r"eps is 0\.5"):
        nufft_structure_factors(hkl=hkl, **arguments, eps=0.5)
