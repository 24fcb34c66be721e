"""Every public function is known to the tests of the memory limit, so that none is forgotten.

A function refuses what is too large (`memory_calls`), or it takes a constant times the arguments
that its caller holds already, or its work does not depend on the size of anything.
"""

from __future__ import annotations

import inspect
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import argand
from argand import describe, io, maps, measured, nufft, phases, refine, reflections, simulate
from argand.io import Reflections
from argand.tabulated import FormFactorTable
from memory_calls import CALLS, CELL, FILE_CALLS

MODULES: tuple[ModuleType, ...] = (
    *(argand, describe, io, maps, measured, nufft, phases, refine, reflections, simulate),
)

# Names whose work does not depend on the size of any argument.
SETTINGS = {
    *("build_config", "memory_limit", "num_threads", "set_memory_limit", "set_num_threads"),
    *("estimate", "parse_formula", "pays", "permissible_origins", "type_numbers"),
    *("from_json", "to_json"),
}

# Descriptions of what is simulated or refined: a few numbers each, whatever they are used for.
PLANS = {
    *("Directions", "Groups", "Independent", "Measurement", "Modes"),
    *("Perturbation", "Substitution", "Unmodelled", "Weighting"),
}

# What readers and functions return: they hold what was computed, and the limit is kept there.
RESULTS = {
    *("Absences", "Agreement", "AgreementAsRefined", "AgreementDescription", "Alignment"),
    *("ArgandError", "Contents", "Experiment", "Figures", "FileDescription", "GaussianPrior"),
    *("Gradients", "Instructions", "MapDescription", "MapPeak", "Merged", "MergingDescription"),
    *("NufftCost", "Origins", "Parameters", "PhasedDescription", "Posterior", "Refinement"),
    *("RefinementProgress", "Reflections", "ReflectionsDescription", "Samples", "SourceFile"),
    *("Statistics", "StructureDescription", "Wilson"),
}

# Numbers of rows with which functions are measured that take a constant times their arguments.
FEW = 2000
MANY = 4 * FEW

# Memory may grow by so much more than the rows: lists of Python grow in steps.
STEPS = 1.25


def hkl_of(rows: int) -> np.ndarray:
    rng = np.random.default_rng(8)
    return rng.integers(-20, 21, (rows, 3)).astype(np.int32)


def crystal_of(rows: int) -> argand.Crystal:
    """Return a crystal of rows / 10 sites without contacts."""
    sites = rows // 10
    frac = np.arange(3 * sites).reshape(sites, 3) / (3 * sites)
    cell = (300.0, 310.0, 320.0, 90.0, 90.0, 90.0)
    return argand.Crystal(cell, "P -1", types=("C",) * sites, frac=frac)


def data_of(rows: int) -> Reflections:
    rng = np.random.default_rng(9)
    intensity = rng.exponential(100.0, rows)
    return Reflections(
        hkl_of(rows), intensity=intensity, sigma=np.ones(rows), cell=CELL, spacegroup="P 1 21 1"
    )


def fitting_data(rows: int) -> tuple[Reflections, argand.Crystal]:
    """Return calculated intensities of as many reflections as rows, and their crystal."""
    frac = np.random.default_rng(11).random((10, 3))
    crystal = argand.Crystal(CELL, "P 1 21 1", types=("C",) * 10, frac=frac, b_iso=1.0)
    hkl = argand.miller_indices(CELL, "P 1 21 1", d_min=0.5)[:rows]
    intensity = np.abs(argand.structure_factors(crystal, hkl)) ** 2
    data = Reflections(
        hkl, intensity=intensity, sigma=np.ones(len(hkl)), cell=CELL, spacegroup="P 1 21 1"
    )
    return data, crystal


def merged_of(rows: int) -> measured.Merged:
    """Return as many unique reflections as rows."""
    hkl = argand.miller_indices(CELL, "P 1 21 1", d_min=0.5)[:rows]
    intensity = np.random.default_rng(9).exponential(100.0, len(hkl))
    data = Reflections(hkl, intensity=intensity, sigma=np.ones(len(hkl)), cell=CELL)
    return measured.merge(data, spacegroup="P 1 21 1")


def numbers_of(rows: int) -> np.ndarray:
    return np.random.default_rng(10).exponential(1.0, rows)


# Calls on rows that a caller holds, made of a number of rows by a function of its own: the
# arguments are no part of what the call takes.
BOUNDED: dict[str, tuple[Callable[[int], Any], Callable[[Any], object]]] = {
    "Crystal": (
        lambda rows: np.zeros((rows, 3)),
        lambda frac: argand.Crystal(CELL, "P 1", types=("C",) * len(frac), frac=frac),
    ),
    "as_hkl": (hkl_of, reflections.as_hkl),
    "index_codes": (hkl_of, lambda hkl: reflections.index_codes(hkl.astype(np.int64))),
    "check_absences": (data_of, lambda data: measured.check_absences(data, "P 1 21 1")),
    "check_data": (
        fitting_data,
        lambda held: measured.check_data(*held, explained=True),
    ),
    "agreement": (numbers_of, lambda values: measured.agreement(values, values + 0.1, None)),
    "amplitudes": (merged_of, measured.amplitudes),
    "impossible": (merged_of, measured.impossible),
    "intensity_statistics": (merged_of, measured.intensity_statistics),
    "wilson": (merged_of, lambda merged: measured.wilson(merged, {"C": 40.0})),
    "french_wilson": (
        numbers_of,
        lambda values: measured.french_wilson(values, values, values, values > 1.0),
    ),
    "expected_intensity": (
        lambda rows: np.linspace(0.0, 1.0, rows),
        lambda stol: measured.expected_intensity({"C": 3.0, "O": 2.0}, stol),
    ),
    "close_contacts": (crystal_of, describe.close_contacts),
    "structure_doubts": (crystal_of, describe.structure_doubts),
    "density": (crystal_of, describe.density),
    "write_crystal": (crystal_of, lambda crystal: write(crystal)),
    "describe_structure": (crystal_of, describe.describe_structure),
    "describe_reflections": (data_of, describe.describe_reflections),
    "describe_map": (
        lambda rows: np.random.default_rng(3).normal(size=(10, 10, rows // 10)),
        lambda rho: describe.describe_map(rho, CELL, "P 1"),
    ),
    "describe_peaks": (
        lambda rows: np.random.default_rng(3).normal(size=(10, 10, rows // 10)),
        lambda rho: describe.describe_peaks(rho, CELL, "P 1", most=3),
    ),
    "phase_data": (fitting_data, lambda held: describe.phase_data(*held)),
    "write_tsc": (
        lambda rows: FormFactorTable(("C1",), merged_of(rows).hkl, numbers_of(rows)[:, None]),
        lambda table: write_table(table),
    ),
    "describe_merging": (data_of, lambda data: describe.describe_merging(data, {"C": 40.0})),
    "describe_agreement": (
        lambda rows: (data_of(rows), crystal_of(100).replace(cell=CELL, spacegroup="P 1 21 1")),
        lambda held: describe.describe_agreement(*held),
    ),
}


def write(crystal: argand.Crystal) -> None:
    """Write a crystal as a CIF that is removed at once."""
    with tempfile.TemporaryDirectory() as folder:
        io.write_crystal(Path(folder) / "x.cif", crystal)


def write_table(table: FormFactorTable) -> None:
    """Write a table of form factors that is removed at once."""
    with tempfile.TemporaryDirectory() as folder:
        io.write_tsc(Path(folder) / "x.tsc", table)


def public_names() -> list[tuple[str, str]]:
    """Return the modules and names of all public functions and classes."""
    names = []
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                names.append((module.__name__, name))
    return names


@pytest.mark.parametrize("name", [f"{module}.{name}" for module, name in public_names()])
def test_a_public_function_is_known_to_these_tests(name: str) -> None:
    refusing = {call.split()[0].rpartition(".")[2] for call in (*CALLS, *FILE_CALLS)}
    tables = [refusing, SETTINGS, PLANS, RESULTS, set(BOUNDED)]
    holding = [table for table in tables if name.rpartition(".")[2] in table]
    assert len(holding) == 1, "needs a row in one table"


def test_no_row_is_left_over() -> None:
    """A name that is gone takes its row with it."""
    names = {name for _, name in public_names()}
    assert {*SETTINGS, *PLANS, *RESULTS, *BOUNDED} - names == set()


def taken(name: str, rows: int) -> int:
    """Return the most bytes that a call takes beyond its arguments."""
    make, call = BOUNDED[name]
    held = make(rows)
    # The first call loads modules, and fills what is computed once.
    call(make(rows // 2))
    tracemalloc.start()
    try:
        call(held)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", BOUNDED)
def test_memory_grows_no_faster_than_the_arguments(name: str) -> None:
    few, many = taken(name, FEW), taken(name, MANY)
    assert many < STEPS * (MANY / FEW) * few
    # A row takes some numbers in double precision, not a table.
    assert many < 2000 * MANY
