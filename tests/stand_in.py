"""A known crystal and a plain estimator of its displacements: what a series needs, without anything learned."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import argand
from argand.measured import Merged
from argand.refine import Model, refine
from argand.series.estimate import Estimate

KNOWN = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "S"),
    labels=("C1", "N1", "O1", "S1"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.4, 0.35, 0.15]]),
    b_iso=2.0,
)


class LeastSquares:
    """Positions by least squares from the known structure; `refine` off: two cycles only."""

    crystal = KNOWN
    warning = "A warning for all."
    fingerprint = "least squares"

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate]:
        time.sleep(float(os.environ.get("ARGAND_TEST_PAUSE", "0")))
        return [_estimate(own, 20 if refine else 2) for own in data]


def load(path: Path) -> LeastSquares:
    return LeastSquares()


def _estimate(data: Merged, cycles: int) -> Estimate:
    model = Model(KNOWN, data.hkl)
    amplitude = np.sqrt(np.maximum(data.intensity, 0.0))
    found = refine(model, amplitude, on="F", cycles=cycles)
    calculated, known = (model.structure_factors(p) for p in (found.p[0], 0.0 * found.p[0]))
    scaled = amplitude / found.scale[0]
    r_known = _r(amplitude, known)
    r = _r(amplitude, calculated)
    u = found.p[0].reshape(-1, 3)
    return Estimate(
        hkl=data.hkl, amplitude=scaled, sigma_amplitude=np.full(len(scaled), 0.1), f=calculated, displacement=u,
        sigma=np.linalg.norm(found.sigma[0].reshape(-1, 3), axis=1), r_known=r_known, r=r, scale=float(found.scale[0]),
        b_change=0.0, flags=("it fits badly",) if r > 0.2 else (),
    )  # fmt: skip


def _r(amplitude: np.ndarray, f: np.ndarray) -> float:
    size = np.abs(f)
    scale = (amplitude @ size) / (size @ size)
    return float(np.abs(amplitude - scale * size).sum() / amplitude.sum())
