"""Sum with several threads, from several callers at once, to be run under ThreadSanitizer.

`nox -s thread_sanitizer` builds the core with it and runs this script. A race that it sees ends the
process with a report; a result that depends on the number of threads ends it with an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import argand
from argand import _seam
from argand._pack import pack
from argand.reflections import survey
from argand.solve.dual_space import DualSpace

# More threads than processors: they interrupt each other more often.
THREADS = 4
# Calls of each kind, from callers that find the pool free or in use.
ROUNDS = 3
CALLERS = 3
CELL = (21.0, 22.0, 23.0, 85.0, 95.0, 104.0)

rng = np.random.default_rng(17)
frac, b_iso = rng.random((60, 3)), rng.uniform(1, 5, 60)
crystal = argand.Crystal(CELL, "P -1", types=("C", "S") * 30, frac=frac, b_iso=b_iso)
hkl = argand.miller_indices(CELL, "P 1", 1.1)
large_list = rng.integers(-99, 100, (200_000, 3)).astype(np.int32)
box = rng.normal(size=(1, 9, 11, 13)) + 1j * rng.normal(size=(1, 9, 11, 13))
batch = pack([crystal, crystal], [hkl])
many_points = rng.random(300_000)

# Crystals of five atoms, a box of F each, and a detector for them.
small = argand.Crystal((5, 6, 7, 90, 90, 90), "P 1", types=("C",) * 5, frac=rng.random((5, 3)))
small_batch = pack([small] * 300, [argand.hkl_cube(4)])
detector = _seam.Detector(
    row=np.zeros(300, np.int64),
    scale=np.ones((1, 9**3)),
    reach=np.ones((1, 9**3), bool),
    threshold=0.1,
)

# Starts of dual-space cycles.
unique = argand.miller_indices(CELL, "P 1", 2.5)
space = DualSpace(unique, len(unique))
starts = rng.normal(size=(8, len(unique))) + 1j * rng.normal(size=(8, len(unique)))
amplitudes = rng.uniform(0.1, 2, len(unique))

# Sites and reflections of a Jacobian.
SITES, ORDERS = 40, 320
jacobian_sites = _seam.JacobianSites(
    frac=rng.random((3, SITES, 3)),
    beta=np.full((3, SITES, 6), 1e-3),
    occ=np.ones((3, SITES)),
    share=np.ones(SITES),
    scatterer=np.zeros(SITES, np.int32),
    columns=np.array([[3 * site, -1, -1, -1] for site in range(SITES)], np.int32),
)
jacobian_orders = _seam.JacobianOrders(
    orders=rng.integers(-9, 10, (1, 3, ORDERS)).astype(float),
    turns=np.zeros((1, ORDERS)),
    squares=rng.random(ORDERS),
)

# Reflections in a box of their transform, as sums by non-uniform transforms have them.
REACH = 20
SIDE = 2 * REACH + 1
half = argand.hkl_cube(REACH)[: SIDE**3 // 2]
half_q = rng.random(len(half))
orders = np.arange(-REACH, REACH + 1)
factors = np.ones(SIDE)
# The places of the three axes are added: those of the first begin in the middle of the box.
axes = (
    (orders * SIDE**2 + SIDE**3 // 2, factors),
    (orders * SIDE, factors),
    (orders, factors),
)
series = rng.normal(size=(6, 2))
transform = rng.normal(size=SIDE**3) + 1j * rng.normal(size=SIDE**3)


def derivatives() -> NDArray[np.float64]:
    """Return derivatives of a sum over F by coordinates."""
    by_frac = np.empty((len(batch.frac), 3))
    cotangent = np.ones(batch.out_shape, complex)
    _seam.structure_factors_vjp(batch, cotangent, by_frac, None, None)
    return by_frac


def density() -> NDArray[np.float64]:
    """Return a map by matrix products."""
    maps = np.empty((1, 32, 36, 40))
    _seam.map_from_structure_factors(box, maps, 1.0)
    return maps


def density_and_back() -> NDArray[np.complex128]:
    """Return structure factors of a map."""
    f = np.empty_like(box)
    _seam.structure_factors_from_map(density(), f, 1.0)
    return f


def observation() -> NDArray[np.float64]:
    """Return the amplitudes that a detector observes of many small crystals."""
    shape = (300, 9**3)
    weight, amplitude, phase = (np.empty(shape) for _ in range(3))
    out = _seam.Observation(weight, amplitude, phase, np.empty(shape, bool))
    _seam.measure_boxes(small_batch, detector, out)
    return amplitude


def cycles() -> NDArray[np.complex64]:
    """Return the structure factors of all starts after some dual-space cycles."""
    result = space.run(starts, 0.0, amplitudes, cycles=3, threshold=1.1)
    return result.structure_factors


def site_derivatives() -> NDArray[np.float64]:
    """Return the derivatives of every reflection by the coordinates of every site."""
    out = np.empty((3, 3 * SITES, ORDERS))
    factors = np.ones((3, 1, 2, ORDERS))
    _seam.jacobian(jacobian_sites, jacobian_orders, factors, out)
    return out


def projection() -> NDArray[np.float64]:
    """Return the scattering of many atoms projected on functions of stol^2."""
    atoms, points, rank = 20_000, 20, 3
    strengths, squares = np.empty((rank, atoms)), np.empty(rank)
    q = np.linspace(0, 0.5, points)
    functions = q[:, None] ** np.arange(rank)
    numbers = np.zeros(atoms, np.int64)
    b = np.linspace(1, 5, atoms)
    _seam.project_scattering(
        numbers, b, q, np.ones((1, points)), functions, strengths, squares, weight=None, count=None
    )
    return np.append(strengths.ravel(), squares)


def box_to_reflections() -> NDArray[np.complex128]:
    """Return F of reflections from the box of their transform."""
    f = np.zeros(len(half), complex)
    _seam.add_box_to_reflections(half, half_q, axes, series, (0.0, 1.0), transform, f, 0, len(half))
    return f


def reflections_to_box() -> NDArray[np.complex128]:
    """Return the box of the adjoint transform of reflections."""
    out = np.zeros(SIDE**3, complex)
    a = np.ones(len(half), complex)
    _seam.add_reflections_to_box(half, half_q, axes, series, (0.0, 1.0), a, out)
    return out


CALLS: tuple[Callable[[], NDArray[np.generic]], ...] = (
    lambda: argand.structure_factors(crystal, hkl, method="direct"),
    lambda: argand.structure_factors(crystal, hkl, method="direct", dtype="complex64"),
    lambda: argand.structure_factors(small, argand.hkl_cube(12), method="direct"),
    derivatives,
    density,
    density_and_back,
    observation,
    cycles,
    site_derivatives,
    projection,
    box_to_reflections,
    reflections_to_box,
    lambda: argand.form_factors(["C", "Fe"], many_points),
    lambda: survey(large_list, CELL)[0],
)


def main() -> None:
    """Call everything with one thread, then with several, and compare."""
    argand.set_num_threads(1)
    expected = [call() for call in CALLS]
    argand.set_num_threads(THREADS)
    failures: list[str] = []

    def work() -> None:
        for _ in range(ROUNDS):
            for number, call in enumerate(CALLS):
                error = np.abs(call() - expected[number]).max()
                if not error <= 1e-4 * np.abs(expected[number]).max():
                    failures.append(f"call {number} differs by {error}")

    callers = [threading.Thread(target=work) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    if failures:
        raise SystemExit("\n".join(failures))
    print("threads agree")


if __name__ == "__main__":
    main()
