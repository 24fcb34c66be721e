"""Compare with structure factors that SHELXL and GSAS wrote with their refined structures."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.io import Reflections
from argand.radiation import KEV_ANGSTROM
from data_dir import SHARED, needs_shared

pytestmark = needs_shared

MEASURED = SHARED / "measured"
MO_KEV = KEV_ANGSTROM / 0.71073
CU_KEV = KEV_ANGSTROM / 1.540598


def read_pair(
    structure: str, file: str, block: str | None = None
) -> tuple[argand.Crystal, Reflections, np.ndarray]:
    """Return a crystal, its reflections, and the calculated |F| (m,) in their file."""
    crystal = argand.read_crystal(MEASURED / structure, block=block)
    reflections = argand.read_reflections(MEASURED / file)
    assert reflections.amplitude_calc is not None
    return crystal, reflections, reflections.amplitude_calc


def r_factor(f: np.ndarray, amplitude: np.ndarray) -> float:
    """Return sum ||F| - amplitude| / sum amplitude."""
    return float(np.abs(np.abs(f) - amplitude).sum() / amplitude.sum())


def scaled_r_factor(f: np.ndarray, amplitude: np.ndarray) -> float:
    """Return the R factor of F on the scale that fits the amplitudes best."""
    size = np.abs(f)
    scale = (size @ amplitude) / (size @ size)
    return r_factor(f * scale, amplitude)


def phase_errors(f: np.ndarray, reflections: Reflections) -> np.ndarray:
    """Return phase errors (m,) in degrees."""
    assert reflections.phase is not None
    return np.degrees(np.abs(np.angle(f * np.exp(-1j * reflections.phase))))


def strong(amplitude: np.ndarray) -> np.ndarray:
    """Return a mask of |F| above 1 % of the largest.

    The sign of a weak F depends on the rounding of the file.
    """
    return amplitude > 0.01 * amplitude.max()


def test_list_6_of_shelxl() -> None:
    """|Fc| includes dispersion, phases do not: SHELXL writes those that a density map needs."""
    crystal, reflections, amplitude = read_pair(
        "structurefinder_106c.cif", "structurefinder_106c.fcf"
    )
    dispersive = argand.structure_factors(crystal, reflections.hkl, energy_kev=MO_KEV)
    assert r_factor(dispersive, amplitude) < 0.001
    # f' changes little more than the scale.
    f = argand.structure_factors(crystal, reflections.hkl)
    assert scaled_r_factor(f, amplitude) < 0.002
    error = phase_errors(f, reflections)
    assert error[strong(amplitude)].max() < 0.1
    assert error @ amplitude / amplitude.sum() < 0.001
    # Phases differ only where |Fc| in the file is rounded to nothing.
    assert (amplitude[error > 1] <= 0.01).all()


def test_list_4_of_shelxl_with_dispersion() -> None:
    crystal, reflections, amplitude = read_pair("nacl_hikari.cif", "nacl_hikari.fcf", block="NaCl")
    dispersive = argand.structure_factors(crystal, reflections.hkl, energy_kev=MO_KEV)
    assert r_factor(dispersive, amplitude) < 0.0005
    f = argand.structure_factors(crystal, reflections.hkl)
    assert r_factor(f, amplitude) > 0.02


def test_list_4_in_a_cif_rhombohedral() -> None:
    crystal, reflections, amplitude = read_pair("cod_2019572.cif", "cod_2019572.cif")
    f = argand.structure_factors(crystal, reflections.hkl, energy_kev=MO_KEV)
    assert r_factor(f, amplitude) < 0.0015


def test_gsas_x_rays() -> None:
    """The structure was refined without dispersion: its table of f' and f'' is all 0."""
    crystal, reflections, amplitude = read_pair("cod_1516218.cif", "cod_1516218.cif")
    f = argand.structure_factors(crystal, reflections.hkl)
    assert r_factor(f, amplitude) < 0.0005
    assert phase_errors(f, reflections)[strong(amplitude)].max() < 0.1
    dispersive = argand.structure_factors(crystal, reflections.hkl, energy_kev=CU_KEV)
    assert r_factor(dispersive, amplitude) > 0.01


def test_gsas_neutrons() -> None:
    """GSAS counts scattering lengths in 1e-12 cm, argand in fm."""
    crystal, reflections, amplitude = read_pair("cod_2240655.cif", "cod_2240655.cif")
    f = 0.1 * argand.structure_factors(crystal, reflections.hkl, table="neutron")
    assert r_factor(f, amplitude) < 0.0005
    assert phase_errors(f, reflections)[strong(amplitude)].max() < 0.1


@pytest.mark.parametrize(
    ("structure", "file", "block", "largest_r"),
    [
        ("structurefinder_106c.cif", "structurefinder_106c.fcf", None, 0.001),
        ("nacl_hikari.cif", "nacl_hikari.fcf", "NaCl", 0.0002),
        ("cod_2019572.cif", "cod_2019572.cif", None, 0.0005),
    ],
)
def test_against_shelxl_but_for_a_scale(
    structure: str, file: str, block: str | None, largest_r: float
) -> None:
    """After scaling the difference is the rounding of coordinates to five figures."""
    crystal, reflections, amplitude = read_pair(structure, file, block)
    f = argand.structure_factors(crystal, reflections.hkl, energy_kev=MO_KEV)
    assert scaled_r_factor(f, amplitude) < largest_r
