"""Dual-space cycles on torch tensors are those of the oracle and of the core."""

from __future__ import annotations

import numpy as np
import pytest

from argand.errors import ArgandError
from argand.solve.dual_space import DualSpace
from dual_space_cases import random_case, worst_deviation

torch = pytest.importorskip("torch")

from argand.solve.tensors import run_on_tensors  # noqa: E402


@pytest.mark.parametrize("modify", ["flip", "eliminate"])
@pytest.mark.parametrize("reach", [(0, 0, 1), (3, 4, 5), (7, 8, 4), (12, 0, 7)])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.complex64, 5e-6), (torch.complex128, 1e-13)]
)
def test_a_cycle_is_the_definition(reach, modify, dtype, tolerance):
    case = random_case(11, reach)
    space = DualSpace(case.hkl, case.measured)
    f, g, origin, residual = run_on_tensors(
        space,
        torch.as_tensor(case.structure_factors).to(dtype),
        torch.as_tensor(case.origin),
        torch.as_tensor(case.amplitudes),
        cycles=1,
        threshold=torch.as_tensor(case.threshold),
        modify=modify,
        shifted=torch.as_tensor(case.shifted),
        cap=case.cap,
    )
    assert f.dtype == g.dtype == dtype
    answer = f.numpy(), g.numpy(), origin.numpy()
    assert worst_deviation(case, space.shape, modify, answer) < tolerance
    core = space.run(
        case.structure_factors,
        case.origin,
        case.amplitudes,
        cycles=1,
        threshold=case.threshold,
        modify=modify,
        shifted=case.shifted,
        cap=case.cap,
    )
    np.testing.assert_allclose(residual.numpy(), core.residual, rtol=1e-5, atol=1e-6)


def test_several_cycles_follow_the_core():
    case = random_case(12, (5, 6, 7))
    space = DualSpace(case.hkl, case.measured)
    core = space.run(case.structure_factors, case.origin, case.amplitudes, cycles=3, threshold=1.0)
    f, _, _, _ = run_on_tensors(
        space,
        torch.as_tensor(case.structure_factors),
        torch.as_tensor(case.origin),
        torch.as_tensor(case.amplitudes),
        cycles=3,
        threshold=1.0,
    )
    difference = np.abs(f.numpy() - core.structure_factors)
    assert np.median(difference) < 1e-5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"structure_factors": torch.zeros((1, 3))}, r"structure_factors has shape \(1, 3\)"),
        ({"structure_factors": torch.zeros((1, 2))}, "needs complex numbers"),
        ({"origin": torch.zeros(2)}, r"origin has shape \(2,\)"),
        ({"amplitudes": torch.zeros(3)}, r"amplitudes has shape \(3,\)"),
        ({"cycles": 0}, "cycles is 0"),
        ({"modify": "invert"}, "modify is 'invert'"),
    ],
)
def test_arguments_are_checked(changed, message):
    space = DualSpace([(1, 2, 3), (2, -1, -4)], 2)
    arguments = {
        "structure_factors": torch.ones((1, 2), dtype=torch.complex64),
        "origin": torch.zeros(1),
        "amplitudes": torch.ones(2),
        "cycles": 1,
        "threshold": 1.0,
        **changed,
    }
    with pytest.raises(ArgandError, match=message):
        run_on_tensors(space, **arguments)
