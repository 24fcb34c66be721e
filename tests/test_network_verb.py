"""`argand predict --weights`: merges, judges without the truth, and refuses what it cannot know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli._network_input import unique_amplitudes
from argand.io import Reflections
from command_line import Capture, call, refused

pytest.importorskip("lightning")
pytest.importorskip("jsonargparse")

BORATE_CELL = (9.477, 9.477, 10.286, 90.0, 90.0, 90.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the weights of an untrained network of metals, and return their folder."""
    from argand.learn.settings import DataSettings
    from argand.learn.weights import ModelSettings, save_weights

    data = DataSettings(metals=("Au", "Fe", "Pb"), held_out=("Pb",))
    settings = ModelSettings("linear", 6, ("amplitude",), data=data)
    folder = tmp_path_factory.mktemp("weights")
    save_weights(folder / "weights", settings.build(), settings)
    return folder


def gold() -> tuple[np.ndarray, np.ndarray]:
    """Return reflections of displaced gold and their F."""
    crystal = argand.learn.metal("Au")
    frac = crystal.frac.copy()
    frac[0, 0] = 0.04
    crystal = crystal.replace(frac=frac)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=0.9)
    return hkl, np.asarray(argand.structure_factors(crystal, hkl))


@pytest.mark.parametrize("kind", ["intensity", "amplitude", "amplitude_calc"])
def test_equivalents_are_merged(kind: str, capsys: Capture) -> None:
    """Mates and repeats become one row each; their phases are those of the file."""
    hkl, f = gold()
    repeats = 40
    listed = np.concatenate([-hkl, hkl, hkl[:repeats]]).astype(np.int32)
    all_f = np.concatenate([f.conj(), f, f[:repeats]])
    modulus = np.abs(all_f)
    columns = {kind: modulus**2 if kind == "intensity" else modulus}
    cell = argand.learn.metal("Au").cell
    reflections = Reflections(listed, cell=cell, phase=np.angle(all_f), **columns)
    merged_hkl, amplitude, phase = unique_amplitudes(reflections, "P 1", Path("gold.mtz"))
    line = f"gold.mtz: {len(listed)} measurements merged to {len(hkl)} reflections, R_int 0.0000\n"
    assert capsys.readouterr().out == line
    order = np.lexsort(hkl.T[::-1])
    np.testing.assert_array_equal(merged_hkl, hkl[order])
    np.testing.assert_allclose(amplitude, np.abs(f[order]), rtol=1e-9)
    assert phase is not None
    np.testing.assert_allclose(np.exp(1j * phase), np.exp(1j * np.angle(f[order])), atol=1e-9)


def test_unique_reflections_are_taken_as_they_are(capsys: Capture) -> None:
    """The other half of the sphere, in another order, is no reason to merge."""
    hkl, f = gold()
    cell = argand.learn.metal("Au").cell
    reflections = Reflections(-hkl[::-1], amplitude=np.abs(f[::-1]), cell=cell)
    listed, amplitude, phase = unique_amplitudes(reflections, "P 1", Path("gold.mtz"))
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(listed, -hkl[::-1])
    np.testing.assert_array_equal(amplitude, np.abs(f[::-1]))
    assert phase is None


def test_figures_without_the_truth(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    hkl, f = gold()
    cell = argand.learn.metal("Au").cell
    measured, phased = tmp_path / "gold.mtz", tmp_path / "phased.mtz"
    argand.write_reflections(measured, hkl, f, cell=cell)
    assert call("predict", measured, "--weights", weights, "--contents", "Au4", "-o", phased) == 0
    printed = capsys.readouterr().out
    assert "skewness of the density" in printed
    assert "random phases give" in printed
    assert "mean error" in printed


def test_another_kind_of_crystal_is_refused(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    """A network of metals does not answer a lithium borate unless it is forced to."""
    hkl = argand.miller_indices(BORATE_CELL, "I 41 c d", d_min=1.6)
    measured, phased = tmp_path / "borate.mtz", tmp_path / "phased.mtz"
    f = 20.0 + 5.0 * np.cos(np.arange(len(hkl)))
    argand.write_reflections(measured, hkl, f, cell=BORATE_CELL, spacegroup="I 41 c d")
    network = ["--weights", weights, "--contents", "Li16 B32 O56", "-o", phased]
    complaint = refused(capsys, "predict", measured, *network)
    for words in ("not trained for this crystal", "elements", "104 atoms", "--force"):
        assert words in complaint
    assert not phased.exists()
    assert call("predict", measured, *network, "--force") == 0
    assert phased.exists()
