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


CALLS: tuple[Callable[[], NDArray[np.generic]], ...] = (
    lambda: argand.structure_factors(crystal, hkl, method="direct"),
    lambda: argand.structure_factors(crystal, hkl, method="direct", dtype="complex64"),
    derivatives,
    density,
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
