"""Phases that files of measured reflections state: FCF of LIST 6 and mmCIF."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.io import read_reflections
from argand.measured.scaled_phases import phases_of_list
from command_line import Capture, call
from reflection_text import HEAD, loop

LISTED = [(1, 2, 3, 24.0, 10.0, 30.0), (0, 2, 1, 12.0, 7.0, 90.0), (2, 0, 1, 8.0, 5.0, -135.0)]


class TestListedPhases:
    """F and phases that stand in FCF of LIST 6 and in mmCIF."""

    @pytest.fixture(params=["fcf", "mmcif"])
    def path(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """Write a list with measured and calculated values and phases in degrees."""
        rows = []
        for h, k, l, observed, calculated, degrees in LISTED:
            if request.param == "fcf":
                rows.append(f"{h} {k} {l} {observed**2} 1.0 {calculated} {degrees}")
            else:
                rows.append(f"{h} {k} {l} {observed} 0.5 {calculated} {degrees}")
        names = "index_h index_k index_l F_squared_meas F_squared_sigma F_calc phase_calc"
        stem, head = "_refln_", HEAD + "_shelx_refln_list_code 6\n"
        if request.param == "mmcif":
            names = "index_h index_k index_l F_meas_au F_meas_sigma_au F_calc_au phase_calc"
            stem, head = "_refln.", HEAD
        path = tmp_path / ("x.fcf" if request.param == "fcf" else "x.cif")
        path.write_text(head + loop(stem, names, *rows))
        return path

    def test_coefficients(self, path: Path) -> None:
        phased = phases_of_list(read_reflections(path))
        hkl = np.array([row[:3] for row in LISTED])
        observed, calculated, degrees = np.array([row[3:] for row in LISTED]).T
        k = (observed @ calculated) / (calculated @ calculated)
        phase = np.exp(1j * np.radians(degrees))
        np.testing.assert_array_equal(phased.hkl, hkl)
        assert phased.scale == pytest.approx(k, rel=1e-6)
        expected = (observed / k - calculated) * phase
        np.testing.assert_allclose(phased.difference_coefficients, expected, atol=1e-5)
        expected = (2.0 * observed / k - calculated) * phase
        np.testing.assert_allclose(phased.density_coefficients, expected, atol=1e-5)

    def test_maps(self, path: Path, tmp_path: Path, capsys: Capture) -> None:
        """Without --synthesis the density is that of the calculated F, and it is said so."""
        target = tmp_path / "m.ccp4"
        assert call("map", path, "-o", target, "--shape", "12", "12", "12") == 0
        assert "F is read from _refln_F_calc" in capsys.readouterr().out
        hkl = np.array([row[:3] for row in LISTED])
        for synthesis, words in (
            ("Fc", []),
            ("Fc", ["--synthesis", "Fc"]),
            ("Fo", ["--synthesis", "Fo"]),
        ):
            assert call("map", path, "-o", target, "--shape", "12", "12", "12", *words) == 0
            phased = phases_of_list(read_reflections(path))
            f = phased.calculated if synthesis == "Fc" else phased.observed
            options = {"cell": (5, 6, 7, 90, 90, 90), "spacegroup": "P 21 21 21"}
            expected = argand.map_from_structure_factors(hkl, f, (12, 12, 12), **options)
            written, _, _ = argand.read_map(target)
            np.testing.assert_allclose(written, expected, atol=1e-5 * np.abs(expected).max())

    def test_an_mtz_of_all_coefficients(self, path: Path, tmp_path: Path) -> None:
        assert call("map", path, "-o", tmp_path / "x.mtz", "--peaks", "0") == 0
        labels = {column.label for column in gemmi.read_mtz_file(str(tmp_path / "x.mtz")).columns}
        assert labels >= {"FWT", "PHWT", "DELFWT", "PHDELWT", "FC", "PHIC", "SIGF"}
        assert "FOM" not in labels
