"""Every instruction set that this processor has computes the same, one source for all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from batches import COMPLEX, as_double, random_batch, truth, worst_error
from argand import _seam, build_config
from argand.solve.dual_space import DualSpace
from dual_space_cases import random_case, worst_deviation

worst = 0.0
for seed, dtype, tolerance in ((1, "float64", 1e-13), (2, "float32", 2e-6)):
    for reflections in ("box", "list", "lists"):
        for at_rest in (False, True):
            rng = np.random.default_rng(seed)
            batch = random_batch(rng, reflections=reflections, at_rest=at_rest, dtype=dtype)
            out = np.empty(batch.out_shape, COMPLEX[dtype])
            _seam.structure_factors(batch, out)
            worst = max(worst, worst_error(out, truth(as_double(batch))) / tolerance)
f = np.random.default_rng(3).normal(size=(1, 5, 7, 9)) + 0j
rho, back = np.empty((1, 8, 9, 11)), np.empty_like(f)
_seam.map_from_structure_factors(f, rho, 1.0)
_seam.structure_factors_from_map(rho, back, 1 / rho.size)
hermitian = (f + f[:, ::-1, ::-1, ::-1].conj()) / 2
worst = max(worst, np.abs(back - hermitian).max() / 1e-13)
# So many maps are larger than the caches.
many = np.empty((3000, 8, 9, 11))
_seam.map_from_structure_factors(np.repeat(f, len(many), axis=0), many, 1.0)
assert many.nbytes > 16 << 20 and (many == rho).all()
for modify, reach in (("flip", (8, 9, 10)), ("eliminate", (15, 11, 23))):
    case = random_case(4, reach)
    space = DualSpace(case.hkl, case.measured)
    cycle = space.run(
        case.structure_factors,
        case.origin,
        case.amplitudes,
        cycles=1,
        threshold=case.threshold,
        modify=modify,
        shifted=case.shifted,
        cap=case.cap,
    )
    answer = cycle.structure_factors, cycle.calculated, cycle.origin
    worst = max(worst, worst_deviation(case, space.shape, modify, answer) / 5e-6)
print(build_config()["simd"], worst)
"""


@pytest.mark.parametrize("level", ["baseline", "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_level(level):
    result = subprocess.run(
        [sys.executable, "-c", CODE, str(Path(__file__).parent)],
        env={**os.environ, "ARGAND_SIMD": level},
        capture_output=True,
        text=True,
        check=True,
    )
    level_that_ran, worst = result.stdout.split()
    if level_that_ran != level:
        pytest.skip(f"this processor runs {level_that_ran}, not {level}")
    assert float(worst) < 1
