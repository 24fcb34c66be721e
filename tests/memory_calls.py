"""Calls of public functions that would take more than a small limit of memory, by their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import argand
from argand import maps, nufft, phases, reflections
from argand.describe import describe_file
from argand.io import (
    Reflections,
    open_file,
    read_experiment,
    read_instructions,
    read_tsc,
    write_hklf4,
    write_tsc,
)
from argand.measured import calculated_intensity, merge
from argand.refine import Model, free, refine
from argand.simulate import (
    Independent,
    Perturbation,
    Simulation,
    Waves,
    read_samples,
    write_folder,
    write_samples,
)
from argand.tabulated import FormFactorTable

CELL = (12.0, 13.0, 14.0, 90.0, 90.0, 90.0)
# Bytes that every call below would exceed many times.
LIMIT = 100_000
# Rows of lists, each of which takes more than the limit.
ROWS = 40_000

rng = np.random.default_rng(5)
HKL = rng.integers(-9, 10, (ROWS, 3)).astype(np.int32)
F = rng.normal(size=ROWS) + 1j * rng.normal(size=ROWS)
REAL = np.abs(F)
CRYSTAL = argand.Crystal(CELL, "P 21 21 21", types=("C",) * 20, frac=rng.random((20, 3)))
FAR = np.array([[400, 500, 600], [1, 2, 3]])
LARGE = argand.Crystal(CELL, "P 1", types=("C",) * 60, frac=rng.random((60, 3)))
MANY_SITES = argand.Crystal(CELL, "P 1", types=("C",) * 2000, frac=rng.random((2000, 3)))
CHANGES = Perturbation(displacements=(Independent(0.1),))
MODEL = Model(CRYSTAL, HKL[:800])
SIMULATION = Simulation(CRYSTAL, CHANGES, hkl=HKL[:100])
SHAPE = (90, 90, 90)
DENSITY = np.ones(SHAPE, np.float32)


# What is asked for, by the name of the function that is asked.
CALLS: dict[str, Callable[[], object]] = {
    "structure_factors": lambda: argand.structure_factors(CRYSTAL, HKL),
    "structure_factors of several": lambda: argand.structure_factors([CRYSTAL] * 2, [HKL] * 2),
    "form_factors": lambda: argand.form_factors(["C", "N"], REAL),
    "miller_indices": lambda: argand.miller_indices(CELL, "P 1", 0.3),
    "hkl_cube": lambda: argand.hkl_cube(60),
    "grid_shape": lambda: argand.grid_shape(CELL, "P 1", 0.1),
    "stol": lambda: argand.stol(HKL, CELL),
    "asymmetric_unit": lambda: reflections.asymmetric_unit(HKL, "P 21 21 21"),
    "asymmetric_unit without a name": lambda: reflections.asymmetric_unit(
        HKL, "x,y,z;-x,-y,-z;x+1/2,y,z;-x+1/2,-y,-z"
    ),
    "in_p1": lambda: reflections.in_p1(HKL, "P 21 21 21"),
    "map_from_structure_factors": lambda: argand.map_from_structure_factors(
        HKL[:4000], F[:4000], SHAPE, cell=CELL
    ),
    "patterson": lambda: maps.patterson(HKL[:4000], REAL[:4000], SHAPE, cell=CELL),
    "structure_factors_from_map": lambda: argand.structure_factors_from_map(
        np.ones((8, 8, 8)), HKL, cell=CELL
    ),
    "difference_coefficients": lambda: argand.difference_coefficients(REAL, F),
    "align_origin": lambda: phases.align_origin(FAR, [0.1, 0.2], [0.3, 0.4], origins="continuous"),
    "nufft.structure_factors": lambda: nufft.structure_factors(CRYSTAL, HKL),
    "merge": lambda: merge(Reflections(HKL, intensity=REAL, cell=CELL, spacegroup="P 1")),
    "Waves": lambda: Waves(harmonics=3).modes(CRYSTAL),
    "phase_error": lambda: argand.phase_error(REAL, REAL[::-1]),
    "map_correlation": lambda: argand.map_correlation(HKL, F, F[::-1], "P 21 21 21"),
    "density_correlation": lambda: phases.density_correlation(DENSITY, DENSITY),
    "align_origin of a long list": lambda: argand.align_origin(HKL, F, F[::-1]),
    "systematic_absences": lambda: reflections.systematic_absences(HKL, "P 21 21 21"),
    "centric": lambda: reflections.centric(HKL, "P 21 21 21"),
    "epsilon": lambda: reflections.epsilon(HKL, "P 21 21 21"),
    "friedel_mates": lambda: reflections.friedel_mates(HKL),
    "friedel_sides": lambda: reflections.friedel_sides(HKL, "P 21 21 21"),
    "Model": lambda: Model(CRYSTAL, HKL[:2000]),
    "free": lambda: free(LARGE),
    "refine": lambda: refine(MODEL, REAL[:800]),
    "Simulation": lambda: Simulation(CRYSTAL, CHANGES, hkl=HKL[:2000]),
    "write_samples": lambda: write_samples("a.npz", SIMULATION, SIMULATION.draw(range(1000))),
    "calculated_intensity": lambda: calculated_intensity(CRYSTAL, HKL),
    "solve": lambda: argand.solve(
        Reflections(HKL, intensity=REAL, cell=CELL, spacegroup="P 21 21 21")
    ),
    "nufft.sum_in_p1": lambda: nufft.sum_in_p1(CRYSTAL, HKL, "it92", None, 1e-6),
    "nufft.vjp": lambda: nufft.vjp(LARGE, HKL, F),
    "write_map": lambda: argand.write_map("a.ccp4", DENSITY, CELL),
    "write_reflections": lambda: argand.write_reflections("a.mtz", HKL, F, cell=CELL),
    "write_hklf4": lambda: write_hklf4("a.hkl", HKL, REAL, REAL),
}


# What files are asked for, by the name of the function that reads them.
FILE_CALLS: dict[str, Callable[[Path], object]] = {
    "read_reflections": lambda folder: argand.read_reflections(folder / "a.hkl"),
    "read_map": lambda folder: argand.read_map(folder / "f.ccp4"),
    "read_crystal": lambda folder: argand.read_crystal(folder / "g.cif"),
    "read_experiment": lambda folder: read_experiment(folder / "g.cif"),
    "read_instructions": lambda folder: read_instructions(folder / "h.res"),
    "identify": lambda folder: argand.io.identify(folder / "g.cif"),
    "open_file": lambda folder: open_file(folder / "i.hkl"),
    "describe_file": lambda folder: describe_file(folder / "a.hkl"),
    "read_tsc": lambda folder: read_tsc(folder / "k.tsc"),
    "read_samples": lambda folder: read_samples(folder / "j.npz"),
    "write_folder": lambda folder: write_folder(folder / "new", SIMULATION, range(1000)),
}


def lists_in_files(folder: Path) -> list[Path]:
    """Write a list of reflections in every format, and a map; return the files."""
    paths = [folder / name for name in ("a.hkl", "b.hkl", "c.hkl", "d.fcf", "e.mtz", "f.ccp4")]
    rows = HKL[:3000].tolist()
    write_hklf4(paths[0], rows, REAL[:3000], REAL[:3000])
    free = [f"{h} {k} {l} 1.5 0.25" for h, k, l in rows]
    paths[1].write_text("\n".join(free))
    paths[2].write_text("\n".join(["h k l F sigma", *free]))
    tags = ("index_h", "index_k", "index_l", "f_squared_meas", "f_squared_sigma")
    header = ["data_a", "loop_", *(f"_refln_{tag}" for tag in tags)]
    paths[3].write_text("\n".join([*header, *free]))
    argand.write_reflections(paths[4], rows, REAL[:3000], cell=CELL)
    argand.write_map(paths[5], np.ones((24, 24, 40), np.float32), CELL)
    return paths


def large_files(folder: Path) -> None:
    """Write the files that `FILE_CALLS` reads: lists, a structure, instructions and samples."""
    lists_in_files(folder)
    argand.io.write_crystal(folder / "g.cif", MANY_SITES)
    atoms = [f"C{number} 1 0.1 0.2 0.3 11.0 0.05" for number in range(2000)]
    head = ["CELL 0.71 12 13 14 90 90 90", "LATT -1", "SFAC C", "UNIT 2000", "FVAR 1"]
    (folder / "h.res").write_text("\n".join([*head, *atoms, "HKLF 4", "END"]))
    (folder / "i.hkl").write_bytes(b"   1   0   0   10.00    1.00\n" * 5000)
    labels = tuple(f"C{number}" for number in range(20))
    hkl = argand.miller_indices(CELL, "P 1", 0.9)[:1000]
    write_tsc(folder / "k.tsc", FormFactorTable(labels, hkl, np.full((len(hkl), 20), 6.0)))
    write_samples(folder / "j.npz", SIMULATION, SIMULATION.draw(range(200)))
