"""Wrong data are named, however a file is predicted; data of crystals like the known one pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import adapt
from argand.cli._estimator import load_estimator
from argand.estimate import LeastSquares
from argand.io import Reflections, write_crystal, write_hklf4, write_reflections
from argand.series import Record, predict_series
from intensities import measured, random_crystal

pytest.importorskip("safetensors")

KNOWN = random_crystal("P 1 21/c 1", atoms=8, seed=11)
D_MIN = 0.95

Writer = Callable[[Path], None]


def displaced(rms: float, seed: int, crystal: argand.Crystal = KNOWN) -> argand.Crystal:
    """Move every site by an rms distance in angstrom, as if the cell were orthogonal."""
    rng = np.random.default_rng(seed)
    step = rng.normal(size=crystal.frac.shape) * rms / np.sqrt(3)
    edges = np.array(crystal.cell[:3])
    return crystal.replace(frac=crystal.frac + step / edges)


def data_of(crystal: argand.Crystal, seed: int = 0) -> Reflections:
    """Measure a crystal twice, with errors of 3 %."""
    return measured(crystal, d_min=D_MIN, noise=0.03, times=2, seed=seed)


def write_hkl(path: Path, data: Reflections, power: float = 1.0) -> None:
    """Write intensities to a power as HKLF 4, which states neither cell nor space group."""
    assert data.intensity is not None
    assert data.sigma is not None
    values = np.maximum(data.intensity, 0.0) ** power
    relative_sigma = data.sigma / np.maximum(data.intensity, data.sigma)
    write_hklf4(path, data.hkl, values, relative_sigma * values)


def write_mtz(path: Path, data: Reflections, power: float = 0.5, **stated: object) -> None:
    """Write intensities to a power as |F| of unique reflections, with cell and space group."""
    merged = argand.measured.merge(data)
    f = np.maximum(merged.intensity, 0.0) ** power
    sigma = 0.03 * f + 1e-3 * f.mean()
    statement = {"cell": KNOWN.cell, "spacegroup": KNOWN.spacegroup} | stated
    write_reflections(path, merged.hkl, f.astype(complex), SIGF=sigma, **statement)


def write_cif(path: Path, data: Reflections, formula: str) -> None:
    """Write intensities as CIF, with cell, space group and the content of the cell."""
    merged = argand.measured.merge(data)
    assert merged.sigma is not None
    lines = ["data_x", f"_chemical_formula_sum '{formula}'", "_cell_formula_units_Z 4"]
    for name, length in zip(("a", "b", "c"), KNOWN.cell[:3], strict=True):
        lines.append(f"_cell_length_{name} {length}")
    for name, angle in zip(("alpha", "beta", "gamma"), KNOWN.cell[3:], strict=True):
        lines.append(f"_cell_angle_{name} {angle}")
    lines += [f"_space_group_name_H-M_alt '{KNOWN.spacegroup}'", "loop_"]
    for name in ("index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma"):
        lines.append(f"_refln_{name}")
    for (h, k, l), intensity, sigma in zip(
        merged.hkl.tolist(), merged.intensity, merged.sigma, strict=True
    ):
        lines.append(f"{h} {k} {l} {intensity:.3f} {sigma:.3f}")
    path.write_text("\n".join([*lines, ""]))


def formula_of(crystal: argand.Crystal) -> str:
    """Return the formula of the asymmetric unit, all of whose sites are on general positions."""
    words = []
    for symbol in sorted(set(crystal.types)):
        words.append(f"{symbol}{crystal.types.count(symbol)}")
    return " ".join(words)


def with_axes_exchanged(data: Reflections) -> Reflections:
    """Exchange h and k."""
    exchanged = data.hkl[:, [1, 0, 2]]
    return Reflections(exchanged, intensity=data.intensity, sigma=data.sigma)


def lowest(data: Reflections) -> Reflections:
    """Keep the sixty measurements at the lowest angles."""
    lowest_first = np.argsort(argand.stol(data.hkl, KNOWN.cell))
    return data[lowest_first][:60]


RIGHT: dict[str, Writer] = {
    "stated.cif": lambda path: write_cif(path, data_of(displaced(0.1, 7)), formula_of(KNOWN)),
    "as_it_is.hkl": lambda path: write_hkl(path, data_of(KNOWN)),
    "moved_1.hkl": lambda path: write_hkl(path, data_of(displaced(0.1, 1))),
    "moved_2.hkl": lambda path: write_hkl(path, data_of(displaced(0.2, 2))),
    "moved_3.mtz": lambda path: write_mtz(path, data_of(displaced(0.2, 3))),
}

LONG_AXIS = (8.2, *KNOWN.cell[1:])
OTHER_AXES = (9.4, 6.1, *KNOWN.cell[2:])
LONG_CELL = random_crystal("P 1 21/c 1", atoms=8, seed=15)
LONG_CELL = LONG_CELL.replace(cell=OTHER_AXES)
OTHER_GROUP = random_crystal("P 1 21/c 1", atoms=16, seed=12)
OTHER_GROUP = OTHER_GROUP.replace(symops=("x,y,z", "-x,y+1/2,-z"))
TRICLINIC = random_crystal("P 1 21/c 1", atoms=16, seed=13)
TRICLINIC = TRICLINIC.replace(symops=("x,y,z", "-x,-y,-z"))
OTHER_STRUCTURE = random_crystal("P 1 21/c 1", atoms=8, seed=14)
HEAVY = KNOWN.replace(types=("Br", "Br", *KNOWN.types[2:]))


def write_other_group_stated(path: Path) -> None:
    """Write data of the known crystal that state another space group."""
    write_mtz(path, data_of(KNOWN), spacegroup="P 21 21 21")


def write_other_content_stated(path: Path) -> None:
    """Write data of a displaced crystal that state another content."""
    write_cif(path, data_of(displaced(0.1, 8)), formula_of(HEAVY))


# Each kind of wrong data, with words of the refusal; "" where a remark is enough.
WRONG: dict[str, tuple[Writer, str]] = {
    "other_cell_stated.mtz": (lambda path: write_mtz(path, data_of(KNOWN), cell=LONG_AXIS), "cell"),
    "other_cell.hkl": (lambda path: write_hkl(path, data_of(LONG_CELL)), ""),
    "other_axes.hkl": (lambda path: write_hkl(path, with_axes_exchanged(data_of(KNOWN))), ""),
    "other_group_stated.mtz": (write_other_group_stated, "space group"),
    "other_group.hkl": (lambda path: write_hkl(path, data_of(OTHER_GROUP)), "space group"),
    "other_laue_group.hkl": (lambda path: write_hkl(path, data_of(TRICLINIC)), "space group"),
    "other_structure.hkl": (lambda path: write_hkl(path, data_of(OTHER_STRUCTURE)), ""),
    "other_content.hkl": (lambda path: write_hkl(path, data_of(displaced(0.1, 4, HEAVY))), ""),
    "other_content_stated.cif": (write_other_content_stated, "another content"),
    "amplitudes.hkl": (
        lambda path: write_hkl(path, data_of(displaced(0.1, 5)), power=0.5),
        "amplitudes given as intensities",
    ),
    "intensities.mtz": (
        lambda path: write_mtz(path, data_of(displaced(0.1, 6)), power=1.0),
        "intensities given as amplitudes",
    ),
    "too_few.hkl": (lambda path: write_hkl(path, lowest(data_of(KNOWN))), "too few"),
}


@pytest.fixture(scope="module")
def estimators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return what `argand predict` may be given: a CIF, and the folder of an adaptation."""
    folder = tmp_path_factory.mktemp("estimators")
    write_crystal(folder / "known.cif", KNOWN)
    adaptation = adapt(KNOWN, d_min=D_MIN, widths=(0.1, 0.2, 0.35), samples=800, unmodelled=None)
    return {"cif": folder / "known.cif", "adaptation": adaptation.save(folder / "adapted")}


def predict(known: Path, write: Writer, file: Path, refine: bool) -> Record:
    """Write a reflection file, predict it, and return its record."""
    write(file)
    estimator, out = load_estimator(known), file.parent / "out"
    records = predict_series(estimator, [file], out, refine=refine, workers=1)
    return records[0]


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("way", ["cif", "adaptation"])
@pytest.mark.parametrize("name", RIGHT)
def test_right_data_pass_without_remarks(
    estimators: dict[str, Path], name: str, way: str, refine: bool, tmp_path: Path
) -> None:
    record = predict(estimators[way], RIGHT[name], tmp_path / name, refine)
    assert (record.error, record.flags) == ("", ())
    assert record.r < (0.06 if refine else 0.25)


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("way", ["cif", "adaptation"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_data_are_named(
    estimators: dict[str, Path], name: str, way: str, refine: bool, tmp_path: Path
) -> None:
    write, words = WRONG[name]
    record = predict(estimators[way], write, tmp_path / name, refine)
    remarks = record.error or "; ".join(record.flags)
    assert remarks
    assert words in remarks
    table = (tmp_path / "out" / "table.csv").read_text()
    first_words = remarks.split("; ")[0].split(",")[0]
    assert first_words in table
    # What is known to be wrong has no results.
    if words:
        assert record.error
        assert not list((tmp_path / "out" / "phases").iterdir())


def test_a_substitution_that_fits_is_named(tmp_path: Path) -> None:
    """Molybdenum is fitted by tungsten with another scale and B, but not in silence."""
    known = KNOWN.replace(types=("W", *["C"] * 7))
    substituted = known.replace(types=("Mo", *["C"] * 7))
    write_cif(tmp_path / "x.cif", data_of(substituted), formula_of(substituted))
    estimator = LeastSquares(known)
    (record,) = predict_series(estimator, [tmp_path / "x.cif"], tmp_path / "out", workers=1)
    assert not record.error
    assert any("a substitution of Mo for W?" in flag for flag in record.flags)
