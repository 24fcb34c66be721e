"""Stand in for the solver of unknown crystals: it knows the answers."""

from __future__ import annotations

import os
import sys
import time
import types
from pathlib import Path
from typing import Any

# Crystals that the stand-in recognises by their cells.
NAMES = ("9000905", "9002547", "1100977")

# Seconds that every crystal takes, from this variable of the environment.
DELAY = "ARGAND_TEST_SOLVE_SECONDS"

# With this seed no crystal is solved.
UNLUCKY_SEED = 13

_HERE = Path(__file__).parent


def install() -> None:
    """Put the stand-in where the solver is imported from."""
    pipeline: Any = types.ModuleType("argand.solve.pipeline")
    pipeline.solve = solve
    sys.modules["argand.solve.pipeline"] = pipeline


def use(monkeypatch: Any) -> None:
    """Put the stand-in where the solver is imported from, until a test ends."""
    name = "argand.solve.pipeline"
    monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    install()


def known_crystal(name: str) -> Any:
    """Read a crystal with elements instead of ions, which SHELX does not know."""
    import warnings

    import gemmi
    import numpy as np

    import argand
    from argand.atom_types import atom_type

    with warnings.catch_warnings():
        # Some of these files have faults, which other tests look at.
        warnings.simplefilter("ignore")
        crystal = argand.read_crystal(_HERE / "data" / f"{name}.cif")
    elements = [gemmi.Element(atom_type(symbol).element).name for symbol in crystal.types]
    b_iso = np.where(crystal.b_iso > 0, crystal.b_iso, 0.6)
    return crystal.replace(types=tuple(elements), b_iso=b_iso)


def write_data(folder: Path, name: str, crystal: Any, seed: int = 1) -> Path:
    """Write simulated intensities of a crystal as NAME.hkl and all else that is known of it."""
    import numpy as np

    import argand
    from argand.io import write_hklf4
    from argand.io.shelx_writer import ShelxRefinement, write_shelx
    from argand.reflections import miller_indices

    folder.mkdir(exist_ok=True)
    hkl = miller_indices(crystal.cell, crystal.spacegroup, d_min=0.95)
    f = argand.structure_factors(crystal, hkl, energy_kev=17.444)
    intensity = np.abs(f) ** 2
    sigma = 0.02 * intensity + 0.002 * intensity.mean()
    noise = np.random.default_rng(seed).standard_normal(len(hkl))
    write_hklf4(folder / f"{name}.hkl", hkl, intensity + sigma * noise, sigma)
    settings = ShelxRefinement(wavelength=0.71073)
    write_shelx(folder / f"{name}.ins", crystal, settings, title=name)
    return folder / f"{name}.hkl"


def solve(
    reflections: Any,
    *,
    cell: Any,
    spacegroup: str | None,
    contents: Any,
    wavelength: float | None,
    settings: Any,
    start: Any = None,
    progress: Any = None,
) -> Any:
    """Return the solution of data of a crystal that has a known cell."""
    from argand.radiation import Radiation
    from solutions import solution_from

    time.sleep(float(os.environ.get(DELAY, "0")))
    radiation = Radiation("x-ray", wavelength, wavelength is not None)
    is_solved = settings.seed != UNLUCKY_SEED
    for name in NAMES:
        crystal = known_crystal(name)
        if max(abs(a - b) for a, b in zip(cell, crystal.cell, strict=True)) < 0.01:
            return solution_from(
                reflections,
                crystal,
                radiation,
                name=name,
                verdict="solved" if is_solved else "not solved",
                with_model=is_solved,
            )
    raise RuntimeError(f"the stand-in knows no crystal with the cell {cell}")
