"""Structure factors that SHELXL and GSAS wrote beside their refined structures."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.io import Reflections
from argand.radiation import KEV_ANGSTROM
from data_dir import SHARED, needs_shared

pytestmark = needs_shared

MEASURED = SHARED / "measured"
MO_KEV, CU_KEV = KEV_ANGSTROM / 0.71073, KEV_ANGSTROM / 1.540598


def pair(
    structure: str, reflections: str, block: str | None = None
) -> tuple[argand.Crystal, Reflections, np.ndarray]:
    """A crystal, its reflections, and the calculated |F| there."""
    found = argand.read_reflections(MEASURED / reflections)
    assert found.amplitude_calc is not None
    return argand.read_crystal(MEASURED / structure, block=block), found, found.amplitude_calc


def r_factor(f: np.ndarray, amplitude: np.ndarray) -> float:
    return float(np.abs(np.abs(f) - amplitude).sum() / amplitude.sum())


def phase_errors(f: np.ndarray, found: Reflections, amplitude: np.ndarray) -> np.ndarray:
    """Degrees, where |F| is above 1 % of the largest: the sign of a weak F hangs on the rounding of the file."""
    assert found.phase is not None
    strong = amplitude > 0.01 * amplitude.max()
    return np.degrees(np.abs(np.angle(f * np.exp(-1j * found.phase))))[strong]


def test_list_6_of_shelxl() -> None:
    """|Fc| includes dispersion, the phases do not: SHELXL writes the phases that a density map needs."""
    crystal, found, amplitude = pair("structurefinder_106c.cif", "structurefinder_106c.fcf")
    assert (
        r_factor(argand.structure_factors(crystal, found.hkl, energy_kev=MO_KEV), amplitude) < 0.001
    )
    f = argand.structure_factors(crystal, found.hkl)
    size = np.abs(f)
    assert (
        r_factor(f * (size @ amplitude) / (size @ size), amplitude) < 0.002
    )  # f' is mostly a matter of scale
    assert phase_errors(f, found, amplitude).max() < 0.1
    error = np.degrees(np.abs(np.angle(f * np.exp(-1j * found.phase))))
    assert error @ amplitude / amplitude.sum() < 0.001
    assert (
        amplitude[error > 1] <= 0.01
    ).all()  # only where the file's own |Fc| is rounded to nothing


def test_list_4_of_shelxl_with_dispersion() -> None:
    crystal, found, amplitude = pair("nacl_hikari.cif", "nacl_hikari.fcf", block="NaCl")
    assert (
        r_factor(argand.structure_factors(crystal, found.hkl, energy_kev=MO_KEV), amplitude)
        < 0.0005
    )
    assert r_factor(argand.structure_factors(crystal, found.hkl), amplitude) > 0.02


def test_list_4_in_a_cif_rhombohedral() -> None:
    crystal, found, amplitude = pair("cod_2019572.cif", "cod_2019572.cif")
    assert (
        r_factor(argand.structure_factors(crystal, found.hkl, energy_kev=MO_KEV), amplitude)
        < 0.0015
    )


def test_gsas_x_rays() -> None:
    """Refined without dispersion, as its table of f' and f'' says: all 0."""
    crystal, found, amplitude = pair("cod_1516218.cif", "cod_1516218.cif")
    f = argand.structure_factors(crystal, found.hkl)
    assert r_factor(f, amplitude) < 0.0005
    assert phase_errors(f, found, amplitude).max() < 0.1
    assert (
        r_factor(argand.structure_factors(crystal, found.hkl, energy_kev=CU_KEV), amplitude) > 0.01
    )


def test_gsas_neutrons() -> None:
    """GSAS counts scattering lengths in 1e-12 cm, we in fm."""
    crystal, found, amplitude = pair("cod_2240655.cif", "cod_2240655.cif")
    f = 0.1 * argand.structure_factors(crystal, found.hkl, table="neutron")
    assert r_factor(f, amplitude) < 0.0005
    assert phase_errors(f, found, amplitude).max() < 0.1


@pytest.mark.parametrize(
    ("structure", "reflections", "block", "scaled_r"),
    [
        ("structurefinder_106c.cif", "structurefinder_106c.fcf", None, 0.001),
        ("nacl_hikari.cif", "nacl_hikari.fcf", "NaCl", 0.0002),
        ("cod_2019572.cif", "cod_2019572.cif", None, 0.0005),
    ],
)
def test_against_shelxl_but_for_a_scale(
    structure: str, reflections: str, block: str | None, scaled_r: float
) -> None:
    """What is left after a scale is the rounding of coordinates: the files have five figures."""
    crystal, found, amplitude = pair(structure, reflections, block)
    f = np.abs(argand.structure_factors(crystal, found.hkl, energy_kev=MO_KEV))
    assert r_factor(f * (f @ amplitude) / (f @ f), amplitude) < scaled_r
