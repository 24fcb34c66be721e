"""Pairs as they are measured: a known structure, and data of the same compound that differ.

Every data set is simulated from a CIF of a published structure: atoms moved by .05 A, U larger by
30 %, the cell by 1 %, with noise, and with its axes in another order or an element substituted.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.errors import ArgandWarning
from argand.estimate.least_squares import LeastSquares
from argand.io import Reflections, write_crystal, write_hklf4, write_reflections
from argand.radiation import Radiation
from argand.series import Record, predict_series
from argand.simulate import Independent, Measurement, Perturbation, Simulation
from argand.site_symmetry import cartesian_axes
from command_line import call
from data_dir import DATA
from other_axes import CYCLIC, EXCHANGE, on_other_axes

# Structures of the folder that have hundreds of reflections, an axis that is not like the others,
# and sites that symmetry leaves free.
FILES = ("1001614.cif", "1100977.cif", "9000905.cif", "9002547.cif")

# Seed of all displacements and of the noise.
SEED = 11

MOVED = 0.05
NOISE = 0.03


def known_structure(name: str) -> argand.Crystal:
    """Read a structure of neutral atoms; what its file says beside it is told elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        crystal = argand.read_crystal(DATA / name)
    return crystal.replace(types=tuple(atom_type(symbol).element for symbol in crystal.types))


class Pair:
    """Hold a known structure, and another one of the same compound with its measured data."""

    def __init__(self, known: argand.Crystal) -> None:
        self.known = known
        a, b, c, *angles = known.cell
        larger = known.replace(cell=(1.01 * a, 1.01 * b, 1.01 * c, *angles))
        u_aniso = None if known.u_aniso is None else 1.3 * known.u_aniso
        warmer = larger.replace(b_iso=1.3 * known.b_iso, u_aniso=u_aniso)
        self.simulation = Simulation(
            warmer,
            Perturbation([Independent(MOVED)]),
            Measurement(noise=NOISE),
            d_min=0.9,
            seed=SEED,
        )
        self.samples = self.simulation.draw([0])
        self.true = self.simulation.true_crystal(self.samples, 0)
        self.data = Reflections(
            self.simulation.hkl,
            intensity=self.samples.intensity[0],
            sigma=self.samples.sigma[0],
            cell=warmer.cell,
            spacegroup=known.spacegroup,
        )

    def errors(self, record: Record) -> np.ndarray:
        """Return the distances (n,) of the sites from where they are, in angstrom."""
        difference = np.array(record.displacement) - self.samples.displacement[0]
        return np.linalg.norm(difference, axis=1)


def predicted(
    pair: Pair, data: Reflections, folder: Path, *, stated: bool = True, reindex: bool = False
) -> Record:
    """Write data to a file, predict it, and return its record."""
    assert data.intensity is not None
    assert data.sigma is not None
    write_hklf4(folder / "data.hkl", data.hkl, data.intensity, data.sigma)
    (record,) = predict_series(
        LeastSquares(pair.known),
        [folder / "data.hkl"],
        folder / "out",
        cell=data.cell if stated else None,
        reindex=reindex,
        workers=1,
    )
    return record


@pytest.mark.parametrize("matrix", [None, CYCLIC, EXCHANGE], ids=["same", "cyclic", "exchange"])
@pytest.mark.parametrize("name", FILES)
def test_the_same_compound(name: str, matrix: np.ndarray | None, tmp_path: Path) -> None:
    """Axes are found and named, atoms are where they are, and R is never above that of the known.

    Atoms whose positions the data hardly see are named; they have not wandered.
    """
    pair = Pair(known_structure(name))
    data = pair.data if matrix is None else on_other_axes(pair.data, matrix, cell=True)
    record = predicted(pair, data, tmp_path)
    assert record.error == ""
    assert record.r <= record.r_known
    words = {None: "", CYCLIC.tobytes(): "k, l, h", EXCHANGE.tobytes(): "k, h, -l"}
    assert record.axes == words[None if matrix is None else matrix.tobytes()]
    assert any("reindexed as" in flag for flag in record.flags) == (matrix is not None)

    crystal = argand.read_crystal(tmp_path / "out" / "atoms" / "data.cif")
    np.testing.assert_allclose(crystal.cell, pair.true.cell, rtol=1e-5)
    phased = argand.read_reflections(tmp_path / "out" / "phases" / "data.mtz")
    history = gemmi.read_mtz_file(str(tmp_path / "out" / "phases" / "data.mtz")).history
    expected_history = [f"measured data reindexed as {record.axes}"] if record.axes else []
    assert [line.strip() for line in history] == expected_history
    expected = argand.structure_factors(pair.true, phased.hkl)
    assert argand.map_correlation(phased.hkl, phased.f, expected, pair.known.symops) > 0.97
    shift = (crystal.frac - pair.known.frac) @ cartesian_axes(pair.known).T
    assert np.linalg.norm(shift, axis=1).max() < 0.4


@pytest.mark.parametrize("name", FILES)
def test_without_a_cell_orders_of_the_axes_are_tried(name: str, tmp_path: Path) -> None:
    pair = Pair(known_structure(name))
    record = predicted(pair, on_other_axes(pair.data, CYCLIC, cell=False), tmp_path, stated=False)
    assert (record.error, record.axes) == ("", "k, l, h")
    assert record.r <= record.r_known


def test_heavy_atoms_are_found_to_hundredths(tmp_path: Path) -> None:
    pair = Pair(known_structure("1001614.cif"))
    record = predicted(pair, on_other_axes(pair.data, CYCLIC, cell=True), tmp_path)
    heavy = [symbol in ("Mo", "Rb") for symbol in pair.known.types]
    assert pair.errors(record)[heavy].max() < 0.02


@pytest.mark.parametrize(("element", "other"), [("Mo", "W"), ("P", "As")])
def test_a_substitution_is_proposed(element: str, other: str, tmp_path: Path) -> None:
    """The file states what its cell holds; the answer proposes the exchange and does not hide it.

    As measured, W for Mo and As for P; read from the list in a CIF.
    """
    known = known_structure("1001614.cif")
    types = tuple(other if symbol == element else symbol for symbol in known.types)
    assert types != known.types
    pair = Pair(known.replace(types=types))
    pair.known = known
    path = tmp_path / "pair.cif"
    write_crystal(path, pair.true)
    lines = [
        "loop_",
        "_refln_index_h",
        "_refln_index_k",
        "_refln_index_l",
        "_refln_F_squared_meas",
        "_refln_F_squared_sigma",
    ]
    assert pair.data.intensity is not None
    assert pair.data.sigma is not None
    rows = zip(pair.data.hkl.tolist(), pair.data.intensity, pair.data.sigma, strict=True)
    for hkl, intensity, sigma in rows:
        lines.append(f"{hkl[0]} {hkl[1]} {hkl[2]} {intensity:.4f} {sigma:.4f}")
    contents = " ".join(f"{key}{n / 4:g}" for key, n in pair.true.composition().items())
    lines.insert(0, f"_chemical_formula_sum '{contents}'\n_cell_formula_units_Z 4")
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")
    (record,) = predict_series(
        LeastSquares(known), [path], tmp_path / "out", refine=False, workers=1
    )
    assert record.error == ""
    assert record.r <= record.r_known
    assert any(f"a substitution of {other} for {element}?" in flag for flag in record.flags)


def test_axes_that_are_not_proven_are_used_on_request(tmp_path: Path) -> None:
    """Atoms moved by .3 A leave R too high for a proof: the better axes are named, then used."""
    known = known_structure("1001614.cif")
    simulation = Simulation(
        known, Perturbation([Independent(0.3)]), Measurement(noise=NOISE), d_min=0.9, seed=3
    )
    samples = simulation.draw([0])
    pair = Pair(known)
    data = Reflections(
        simulation.hkl,
        intensity=samples.intensity[0],
        sigma=samples.sigma[0],
        cell=known.cell,
        spacegroup=known.spacegroup,
    )
    moved = on_other_axes(data, CYCLIC, cell=True)
    (tmp_path / "plain").mkdir()
    record = predicted(pair, moved, tmp_path / "plain")
    assert record.axes == ""
    assert "reindexed as k, l, h" in record.error
    assert "--reindex uses these axes" in record.error
    (tmp_path / "asked").mkdir()
    record = predicted(pair, moved, tmp_path / "asked", reindex=True)
    assert (record.error, record.axes) == ("", "k, l, h")


def test_what_is_forced_is_flagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another cell is refused with exit code 3; --force writes its phases, and says what is odd."""
    known = known_structure("9002547.cif")
    write_crystal(tmp_path / "known.cif", known)
    pair = Pair(known)
    data = replace(pair.data, cell=(6.8, *known.cell[1:]))
    assert data.intensity is not None
    assert data.sigma is not None
    write_hklf4(tmp_path / "data.hkl", data.hkl, data.intensity, data.sigma)
    command = ["predict", tmp_path / "known.cif", tmp_path / "data.hkl", "--no-report"]
    options = ["--no-refine", "--cell", *map(str, data.cell or ())]
    assert call(*command, *options, "-o", tmp_path / "refused") == 3
    assert "another cell" in capsys.readouterr().out
    assert call(*command, *options, "--force", "-o", tmp_path / "forced") == 0
    assert "unlike the known crystal, and forced: another cell" in capsys.readouterr().out
    assert (tmp_path / "forced" / "phases" / "data.mtz").is_file()


@pytest.mark.parametrize(
    ("wavelength", "is_doubted"), [(0.7107, False), (0.711, False), (1.5418, True)]
)
def test_another_wavelength_than_that_of_dispersion(
    wavelength: float, is_doubted: bool, tmp_path: Path
) -> None:
    pair = Pair(known_structure("9002547.cif"))
    assert pair.data.cell is not None
    write_reflections(
        tmp_path / "data.mtz",
        pair.data.hkl,
        cell=pair.data.cell,
        spacegroup="P m c n",
        wavelength=wavelength,
        I=pair.data.intensity,
        SIGI=pair.data.sigma,
    )
    radiation = Radiation(wavelength=0.7107, dispersion=True)
    (record,) = predict_series(
        LeastSquares(pair.known, radiation),
        [tmp_path / "data.mtz"],
        tmp_path / "out",
        refine=False,
        workers=1,
    )
    assert record.error == ""
    words = "measured at 1.5418 Å: dispersion is calculated for 0.7107 Å"
    assert (words in record.flags) == is_doubted
