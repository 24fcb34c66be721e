"""Wrong inputs are named, whichever way a file is predicted; right ones pass in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import adapt
from argand.cli._estimator import load_estimator
from argand.io import Reflections, write_crystal, write_hklf4, write_reflections
from argand.series import Record, predict_series
from intensities import measured, random_crystal

pytest.importorskip("safetensors")

KNOWN = random_crystal("P 1 21/c 1", atoms=8, seed=11)
D_MIN = 0.95


def moved(rms: float, seed: int, crystal: argand.Crystal = KNOWN) -> argand.Crystal:
    step = np.random.default_rng(seed).normal(size=crystal.frac.shape) * rms / np.sqrt(3)
    return crystal.replace(frac=crystal.frac + step / np.array(crystal.cell[:3]))


def of(crystal: argand.Crystal, seed: int = 0) -> Reflections:
    return measured(crystal, d_min=D_MIN, noise=0.03, times=2, seed=seed)


def hkl(path: Path, data: Reflections, power: float = 1.0) -> None:
    """HKLF 4: no cell, no space group; intensities to a power."""
    assert data.intensity is not None
    assert data.sigma is not None
    values = np.maximum(data.intensity, 0.0) ** power
    write_hklf4(
        path, data.hkl, values, data.sigma * values / np.maximum(data.intensity, data.sigma)
    )


def mtz(path: Path, data: Reflections, power: float = 0.5, **stated: object) -> None:
    """|F| beside a cell and a space group; of unique reflections."""
    merged = argand.measured.merge(data)
    f = np.maximum(merged.intensity, 0.0) ** power
    about = {"cell": KNOWN.cell, "spacegroup": KNOWN.spacegroup} | stated
    write_reflections(path, merged.hkl, f.astype(complex), SIGF=0.03 * f + 1e-3 * f.mean(), **about)


def cif(path: Path, data: Reflections, formula: str) -> None:
    """Intensities, beside cell, space group and what is in the cell."""
    merged = argand.measured.merge(data)
    assert merged.sigma is not None
    names = ("a", "b", "c")
    angles = ("alpha", "beta", "gamma")
    lines = ["data_x", f"_chemical_formula_sum '{formula}'", "_cell_formula_units_Z 4"]
    lines += [
        f"_cell_length_{name} {value}" for name, value in zip(names, KNOWN.cell[:3], strict=True)
    ]
    lines += [
        f"_cell_angle_{name} {value}" for name, value in zip(angles, KNOWN.cell[3:], strict=True)
    ]
    lines += [f"_space_group_name_H-M_alt '{KNOWN.spacegroup}'", "loop_"]
    lines += [
        f"_refln_{name}"
        for name in ("index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma")
    ]
    rows = zip(merged.hkl.tolist(), merged.intensity, merged.sigma, strict=True)
    lines += [f"{h} {k} {l} {i:.3f} {s:.3f}" for (h, k, l), i, s in rows]
    path.write_text("\n".join([*lines, ""]))


def formula(crystal: argand.Crystal) -> str:
    """Of the asymmetric unit, all of whose sites are on general positions."""
    return " ".join(
        f"{symbol}{crystal.types.count(symbol)}" for symbol in sorted(set(crystal.types))
    )


RIGHT = {
    "stated.cif": lambda path: cif(path, of(moved(0.1, 7)), formula(KNOWN)),
    "as_it_is.hkl": lambda path: hkl(path, of(KNOWN)),
    "moved_1.hkl": lambda path: hkl(path, of(moved(0.1, 1))),
    "moved_2.hkl": lambda path: hkl(path, of(moved(0.2, 2))),
    "moved_3.mtz": lambda path: mtz(path, of(moved(0.2, 3))),
}
LONG = random_crystal("P 1 21/c 1", atoms=8, seed=15).replace(cell=(9.4, 6.1, *KNOWN.cell[2:]))
OTHER_GROUP = random_crystal("P 1 21/c 1", atoms=16, seed=12).replace(
    symops=("x,y,z", "-x,y+1/2,-z")
)
TRICLINIC = random_crystal("P 1 21/c 1", atoms=16, seed=13).replace(symops=("x,y,z", "-x,-y,-z"))
HEAVY = KNOWN.replace(types=("Br", "Br", *KNOWN.types[2:]))
WRONG = {
    "other_cell_stated.mtz": (
        lambda path: mtz(path, of(KNOWN), cell=(8.2, *KNOWN.cell[1:])),
        "cell",
    ),
    "other_cell.hkl": (lambda path: hkl(path, of(LONG)), ""),
    "other_axes.hkl": (lambda path: hkl(path, turned(of(KNOWN))), ""),
    "other_group_stated.mtz": (
        lambda path: mtz(path, of(KNOWN), spacegroup="P 21 21 21"),
        "space group",
    ),
    "other_group.hkl": (lambda path: hkl(path, of(OTHER_GROUP)), "space group"),
    "other_laue_group.hkl": (lambda path: hkl(path, of(TRICLINIC)), "space group"),
    "other_structure.hkl": (
        lambda path: hkl(path, of(random_crystal("P 1 21/c 1", atoms=8, seed=14))),
        "",
    ),
    "other_content.hkl": (lambda path: hkl(path, of(moved(0.1, 4, HEAVY))), ""),
    "other_content_stated.cif": (
        lambda path: cif(path, of(moved(0.1, 8)), formula(HEAVY)),
        "another content",
    ),
    "amplitudes.hkl": (
        lambda path: hkl(path, of(moved(0.1, 5)), power=0.5),
        "amplitudes given as intensities",
    ),
    "intensities.mtz": (
        lambda path: mtz(path, of(moved(0.1, 6)), power=1.0),
        "intensities given as amplitudes",
    ),
    "too_few.hkl": (lambda path: hkl(path, few(of(KNOWN))), "too few"),
}


def turned(data: Reflections) -> Reflections:
    return Reflections(data.hkl[:, [1, 0, 2]], intensity=data.intensity, sigma=data.sigma)


def few(data: Reflections) -> Reflections:
    low = data[np.argsort(argand.stol(data.hkl, KNOWN.cell))]
    return low[:60]


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("ways")
    write_crystal(folder / "known.cif", KNOWN)
    learned = adapt(KNOWN, d_min=D_MIN, widths=(0.1, 0.2, 0.35), samples=800, unmodelled=None)
    return {"cif": folder / "known.cif", "adaptation": learned.save(folder / "adapted")}


def predicted(known: Path, write: object, file: Path, refine: bool) -> Record:
    write(file)  # type: ignore[operator]
    return predict_series(
        load_estimator(known), [file], file.parent / "out", refine=refine, workers=1
    )[0]


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("way", ["cif", "adaptation"])
@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_pass_in_silence(
    ways: dict[str, Path], name: str, way: str, refine: bool, tmp_path: Path
) -> None:
    found = predicted(ways[way], RIGHT[name], tmp_path / name, refine)
    assert (found.error, found.flags) == ("", ())
    assert found.r < (0.06 if refine else 0.25)


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("way", ["cif", "adaptation"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_are_named(
    ways: dict[str, Path], name: str, way: str, refine: bool, tmp_path: Path
) -> None:
    write, words = WRONG[name]
    found = predicted(ways[way], write, tmp_path / name, refine)
    said = found.error or "; ".join(found.flags)
    assert said
    assert words in said
    written = (tmp_path / "out" / "table.csv").read_text()
    assert said.split("; ")[0].split(",")[0] in written
    if words:  # what is known to be wrong has no results
        assert found.error
        assert not list((tmp_path / "out" / "phases").iterdir())
