"""Compare R_int, completeness and R1 of real measurements with what their authors published.

The list of the development data has two R1 for each file: one by a plain gemmi calculation over all
measurements above two sigma, not merged, and the published one of merged data.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

import argand
from argand.cell import metric
from argand.errors import ArgandError, ArgandWarning
from argand.io import Experiment, read_experiment
from argand.measured import Merged, agreement, calculated_intensity, check_data, merge
from argand.measured.merging import usable
from argand.radiation import Radiation
from data_dir import SHARED, needs_shared

pytestmark = needs_shared

MEASURED = SHARED / "measured"


class Case(NamedTuple):
    """Hold a file of reflections, its structure, and what is known of them."""

    reflections: str
    structure: str
    count: int
    # As published, where the file holds the reflections before merging.
    r_int: float | None
    completeness: float
    # Largest difference of R1 from the published one.
    tolerance: float = 0.005


CASES = [
    Case("nacl_hikari.fcf", "nacl_hikari.cif", 111, None, 1.0, 0.001),
    Case("nacl_hikari_hkl.hkl", "nacl_hikari.cif", 8578, 0.0243, 1.0, 0.001),
    Case("nacl_hikari.cif", "nacl_hikari.cif", 8578, 0.0243, 1.0, 0.001),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189.cif", 782, None, 0.995),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189.res", 782, None, 0.995),
    Case("shelxfile_2240189.cif", "shelxfile_2240189.cif", 782, None, 0.995),
    Case("structurefinder_106c.fcf", "structurefinder_106c.cif", 3174, None, 0.996, 0.001),
    Case("structurefinder_106c_hkl.hkl", "structurefinder_106c.cif", 15742, 0.0327, 0.949),
    Case("structurefinder_051a.hkl", "structurefinder_051a.cif", 4470, None, 1.0, 0.001),
    Case("structurefinder_051a.hkl", "structurefinder_051a.res", 4470, None, 1.0, 0.001),
    Case("cod_2238212.hkl", "cod_2238212.cif", 11410, 0.0170, 0.872, 0.001),
    Case("cod_2238212.cif", "cod_2238212.cif", 11410, 0.0170, 0.872, 0.001),
    Case("cod_2242045.hkl", "cod_2242045.cif", 2936, 0.0288, 0.982, 0.001),
    Case("cod_2242045.cif", "cod_2242045.cif", 2936, 0.0288, 0.982, 0.001),
    Case("cod_2019572.cif", "cod_2019572.cif", 733, None, 0.997, 0.001),
    Case("cod_1516218.cif", "cod_1516218.cif", 174, None, 1.0),
    Case("cod_2240655.cif", "cod_2240655.cif", 330, None, 0.985),
    Case("gemmi_4003024.hkl", "gemmi_4003024.cif", 759, 0.0267, 0.983, 0.001),
    Case("gemmi_4003024.cif", "gemmi_4003024.cif", 759, 0.0267, 0.983, 0.001),
]
LOOPS = ("cod_2019572.cif", "cod_1516218.cif", "cod_2240655.cif")
POWDERS = ("cod_1516218", "cod_2240655")
# Crystals whose sites may move.
LOW_SYMMETRY = ("structurefinder", "cod_2238212", "cod_2242045")


def of(cases: list[Case]) -> pytest.MarkDecorator:
    """Parametrize the fixture `read` by some of the cases."""
    names = [f"{case.reflections}-{case.structure[-3:]}" for case in cases]
    return pytest.mark.parametrize("read", cases, indirect=True, ids=names)


def stated(case: Case) -> tuple[float | None, float | None]:
    """Return R1 of the list of the development data: by gemmi, and published."""
    for line in (SHARED / "MANIFEST.tsv").read_text().splitlines():
        if line.startswith(f"measured/{case.reflections}\t"):
            values = re.search(r"R1 ([0-9.]+) \(published (\S+)\)", line)
            return (None, None) if values is None else (float(values[1]), _number(values[2]))
    raise AssertionError(f"{case.reflections} is not in the list")


def _number(text: str) -> float | None:
    """Return a number, or None for the word 'None'."""
    return None if text == "None" else float(text)


class Read(NamedTuple):
    """Hold all that is read of a case."""

    case: Case
    reflections: argand.io.Reflections
    crystal: argand.Crystal
    experiment: Experiment
    merged: Merged


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Read:
    """Return all that is read of a case."""
    return load(request.param)


@cache
def load(case: Case) -> Read:
    """Read and merge the files of a case."""
    with warnings.catch_warnings():
        # The file of NaCl has three descriptions of the crystal.
        warnings.simplefilter("ignore", ArgandWarning)
        crystal = argand.read_crystal(MEASURED / case.structure)
        reflections = argand.read_reflections(MEASURED / case.reflections)
        experiment = read_experiment(MEASURED / case.structure)
    merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup, outliers=None)
    return Read(case, reflections, crystal, experiment, merged)


@of(CASES)
def test_what_is_read(read: Read) -> None:
    assert len(read.reflections.hkl) == read.case.count
    assert read.merged.completeness == pytest.approx(read.case.completeness, abs=0.001)


# Other files were merged before they were deposited.
@of([case for case in CASES if case.r_int is not None])
def test_r_int(read: Read) -> None:
    assert read.merged.r_int == pytest.approx(read.case.r_int, abs=0.0003)
    crystal = read.crystal
    merged = merge(read.reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    assert merged.rejected <= 2


@of([case for case in CASES if SHARED.is_dir() and stated(case)[0] is not None])
def test_r1_of_the_measurements(read: Read) -> None:
    """Without merging and extinction, as gemmi's R1 in the list was computed."""
    expected, _ = stated(read.case)
    used = read.reflections[usable(read.reflections)]
    # The R1 in the list takes a missing sigma for 1.
    if used.sigma is None:
        used = used[used.intensity > 2.0]
    intensity, sigma = used.intensities()
    model = calculated_intensity(
        read.crystal,
        used.hkl,
        radiation=read.experiment.measured_radiation(),
    )
    r = agreement(model, intensity, sigma, read.experiment.weights)
    assert r.r1 == pytest.approx(expected, abs=0.003)


@of([case for case in CASES if not case.reflections.startswith(POWDERS)])
def test_r1_as_published(read: Read) -> None:
    """Data are merged; dispersion counts, and extinction where it was refined."""
    published = read.experiment.stated.get("R1", stated(read.case)[1])
    assert published is not None
    model = calculated_intensity(
        read.crystal,
        read.merged.hkl,
        radiation=replace(read.experiment, dispersion=None).measured_radiation(),
        extinction=read.experiment.extinction,
    )
    r = agreement(model, read.merged.intensity, read.merged.sigma, read.experiment.weights)
    assert r.r1 == pytest.approx(published, abs=read.case.tolerance)
    has_wr2 = read.merged.sigma is not None and "wR2" in read.experiment.stated
    if read.case.tolerance == 0.001 and has_wr2:
        assert r.wr2 == pytest.approx(read.experiment.stated["wR2"], abs=0.002)


@of(CASES)
def test_data_fit_their_crystal(read: Read) -> None:
    content = read.experiment.content
    doubts = check_data(
        read.reflections, read.crystal, content=content, radiation=Radiation(read.experiment.probe)
    )
    assert doubts == []


@of([case for case in CASES if case.reflections.endswith(".fcf") or case.reflections in LOOPS])
def test_calculated_amplitudes_in_a_file_agree(read: Read) -> None:
    assert read.reflections.amplitude_calc is not None
    model = np.sqrt(
        calculated_intensity(
            read.crystal,
            read.reflections.hkl,
            radiation=read.experiment.measured_radiation(),
        )
    )
    theirs = read.reflections.amplitude_calc
    # Scattering lengths of neutrons are in 10 fm in some files.
    k = model @ theirs / (model @ model)
    assert np.abs(k * model - theirs).sum() < 0.002 * theirs.sum()


STRUCTURES = (
    "structurefinder_106c",
    "cod_2238212",
    "structurefinder_051a",
    "cod_2242045",
    "shelxfile_2240189",
)


@pytest.mark.parametrize("structure", STRUCTURES)
@of(CASES)
def test_the_data_of_others_are_refused(read: Read, structure: str) -> None:
    """Data of another crystal are refused without cell and space group, as in any .hkl."""
    if structure in read.case.structure:
        return
    other = argand.read_crystal(MEASURED / f"{structure}.cif")
    with pytest.raises(ArgandError):
        check_data(
            replace(read.reflections, cell=None, spacegroup=None),
            other,
            radiation=Radiation(read.experiment.probe),
        )


@pytest.mark.parametrize("rms", [0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
@of([case for case in CASES if case.reflections.startswith(LOW_SYMMETRY)])
def test_relatives_are_not_refused(read: Read, rms: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = rng.normal(size=read.crystal.frac.shape) * rms / np.sqrt(3)
    to_frac = np.linalg.inv(np.linalg.cholesky(metric(read.crystal.cell)))
    moved = read.crystal.replace(frac=read.crystal.frac + step @ to_frac)
    doubts = check_data(read.reflections, moved, radiation=Radiation(read.experiment.probe))
    assert all("amplitudes differ much" in line for line in doubts)
    assert len(doubts) == 1


@of(CASES)
def test_the_kind_of_data_is_recognised(read: Read) -> None:
    """Amplitudes read as HKLF 4 and intensities read as HKLF 3 are refused."""
    f = np.sqrt(np.maximum(read.reflections.intensity, 0.0))
    sigma = read.reflections.sigma
    if sigma is not None:
        sigma = sigma / np.sqrt(read.reflections.intensity.clip(sigma))
    amplitudes = replace(read.reflections, intensity=f, sigma=sigma)
    with pytest.raises(ArgandError, match="amplitudes given as intensities"):
        check_data(amplitudes, read.crystal, radiation=Radiation(read.experiment.probe))
    intensities = replace(read.reflections, intensity=None, amplitude=read.reflections.intensity)
    with pytest.raises(ArgandError, match="intensities given as amplitudes"):
        check_data(intensities, read.crystal, radiation=Radiation(read.experiment.probe))
