"""Form factors: values of the tables, ions, isotopes, dispersion."""

from __future__ import annotations

import warnings

import gemmi
import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.errors import ArgandError, ArgandWarning
from argand.form_factors import dispersion, gaussians

STOL = np.array([0.0, 0.1, 0.25, 0.6])


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Let every test see the warnings that come once only."""
    gaussians.cache_clear()


def gemmi_row(symbol: str, table: str):
    """Return gemmi's row of an element in a table."""
    element = gemmi.Element(symbol)
    rows = {"it92": element.it92, "electron": element.c4322, "neutron": element.neutron92}
    return rows[table]


@pytest.mark.parametrize("table", ["it92", "electron", "neutron"])
def test_every_element_has_what_gemmi_calculates(table: str) -> None:
    symbols = []
    for z in range(1, 93):
        element = gemmi.Element(z)
        if table != "neutron" or element.neutron92.get_coefs()[0]:
            symbols.append(element.name)
    form = argand.form_factors(symbols, STOL, table=table)
    assert form.shape == (len(symbols), 4)
    # gemmi evaluates its tables in single precision.
    for symbol, f in zip(symbols, form, strict=True):
        row = gemmi_row(symbol, table)
        expected = [row.calculate_sf(s * s) for s in STOL]
        np.testing.assert_allclose(f, expected, rtol=1e-6, err_msg=symbol)


@pytest.mark.parametrize("table", ["it92", "electron"])
def test_gaussians_are_good_to_a_few_units_in_the_last_place(table: str) -> None:
    # At the largest stol every exponential is 0.
    stol = np.concatenate([np.linspace(0.0, 6.0, 1003), [50.0, 1e6]])
    for symbol in ("H", "C", "Cu", "Th"):
        amplitudes, widths = gaussians(symbol, table)
        exponent = widths[:, None].astype(np.longdouble) * np.square(stol)
        terms = amplitudes[:, None].astype(np.longdouble) * np.exp(-exponent)
        f = argand.form_factors([symbol], stol, table=table)[0]
        error = np.abs(f - terms.sum(axis=0))
        # The exponent is rounded, so that its own size counts.
        rounding = ((1.0 + exponent) * np.abs(terms)).sum(axis=0)
        assert (error <= 2.0**-51 * rounding + 1e-300).all()


def test_x_ray_form_factors_at_zero_are_the_electrons() -> None:
    types = ["H", "D", "C", "O", "Fe", "O1-", "Na1+", "Cl1-", "Fe3+", "Ti4+", "Zr4+"]
    electrons = []
    for symbol in types:
        element, charge, _ = atom_type(symbol)
        electrons.append(gemmi.Element(element).atomic_number - charge)
    np.testing.assert_allclose(argand.form_factors(types, 0.0), electrons, atol=0.01)


def test_an_ion_is_not_the_neutral_atom() -> None:
    neutral, ion = argand.form_factors(["O", "O2-"], STOL)
    assert ion[0] == pytest.approx(10, abs=0.01)
    # Atom and ion differ in the outer electrons only.
    assert abs(neutral[3] - ion[3]) < 0.1


def test_an_ion_without_a_row_warns_once_and_is_neutral() -> None:
    with pytest.warns(ArgandWarning, match="no row for N3-: neutral N is used"):
        ion = argand.form_factors(["N3-"], STOL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ion_and_atom = argand.form_factors(["N3-", "N"], STOL)
    np.testing.assert_array_equal(ion_and_atom, np.repeat(ion, 2, axis=0))
    with pytest.warns(ArgandWarning, match="electron has no row for Fe3\\+"):
        argand.form_factors(["Fe3+"], STOL, table="electron")


def test_the_switch_of_gemmi_stays_as_it_was() -> None:
    before = gemmi.IT92_get_ignore_charge()
    try:
        for ignored in (True, False):
            gemmi.IT92_set_ignore_charge(ignored)
            gaussians.cache_clear()
            electrons = argand.form_factors(["O2-"], 0.0)[0]
            assert electrons == pytest.approx(10, abs=0.01)
            assert gemmi.IT92_get_ignore_charge() is ignored
    finally:
        gemmi.IT92_set_ignore_charge(before)


def test_deuterium_differs_for_neutrons_only() -> None:
    np.testing.assert_array_equal(*argand.form_factors(["H", "D"], STOL))
    np.testing.assert_array_equal(*argand.form_factors(["H", "D"], STOL, table="electron"))
    hydrogen, deuterium = argand.form_factors(["H", "D"], STOL, table="neutron")
    assert hydrogen.tolist() == [-3.739] * 4
    assert deuterium.tolist() == [6.671] * 4
    # A charge does not change how a nucleus scatters.
    oxide = argand.form_factors(["O2-"], 0.3, table="neutron")
    assert oxide[0] == 5.803


def test_dispersion_is_added() -> None:
    plain = argand.form_factors(["Cl", "H"], STOL)
    f = argand.form_factors(["Cl", "H"], STOL, energy_kev=17.444627)
    assert f.dtype == np.complex128
    # SHELXL has this dispersion for chlorine.
    np.testing.assert_allclose(f[0] - plain[0], 0.1484 + 0.1585j, atol=2e-3)
    np.testing.assert_array_equal(f[1], plain[1])
    # f' of iron falls just below its K edge.
    assert dispersion("Fe", 7.1).real < dispersion("Fe", 7.0).real < -3
    assert dispersion("Fe3+", 8.0) == dispersion("Fe", 8.0)


def test_shapes_follow_stol() -> None:
    assert argand.form_factors(["C", "O"], np.zeros((3, 4))).shape == (2, 3, 4)
    assert argand.form_factors([], STOL).shape == (0, 4)
    assert argand.form_factors(["C"], 0.1).shape == (1,)


@pytest.mark.parametrize("table", ["it92", "electron"])
def test_all_elements_up_to_californium_scatter(table: str) -> None:
    elements = [gemmi.Element(z).name for z in range(1, 99)]
    f = argand.form_factors(elements, STOL, table).real
    assert (f[:, 0] > 0.0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"types": ["Zz"]}, "unknown atom type 'Zz'"),
        ({"types": ["Es"]}, "no table has form factors beyond californium"),
        ({"types": ["Po"], "table": "neutron"}, "no neutron scattering length for 'Po'"),
        ({"types": ["C"], "table": "waaskirf"}, "needs to be one of it92, electron, neutron"),
        ({"types": ["C"], "table": "neutron", "energy_kev": 10.0}, "energy_kev is for x-rays"),
        ({"types": ["C"], "table": "electron", "energy_kev": 10.0}, "energy_kev is for x-rays"),
        ({"types": ["C"], "energy_kev": -1.0}, "needs a photon energy"),
        ({"types": ["Pu"], "energy_kev": 10.0}, "end at uranium"),
    ],
)
def test_bad_arguments_are_named(call: dict[str, object], message: str) -> None:
    with pytest.raises(ArgandError, match=message):
        argand.form_factors(stol=STOL, **call)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("O2-", "O2-"),
        ("O-2", "O2-"),
        ("O-", "O1-"),
        ("Fe+3", "Fe3+"),
        ("C0+", "C"),
        ("CL", "Cl"),
        ("2H", "D"),
        (" Na ", "Na"),
    ],
)
def test_types_as_files_write_them(written: str, canonical: str) -> None:
    assert atom_type(written).symbol == canonical


@pytest.mark.parametrize(
    "written",
    ["", "?", "Wat", "O2", "5Fe", "99Fe", "99999999999999999999Fe", "Fe2.5+", "X", "T", "Xx1+"],
)
def test_a_text_that_is_no_type_is_refused(written: str) -> None:
    with pytest.raises(ArgandError, match="unknown atom type"):
        atom_type(written)


# Natural abundances in percent: IUPAC, Pure Appl. Chem. 83 (2011) 397.
ABUNDANCES = {
    "B": {10: 19.9, 11: 80.1},
    "Ti": {46: 8.25, 47: 7.44, 48: 73.72, 49: 5.41, 50: 5.18},
    "Cr": {50: 4.345, 52: 83.789, 53: 9.501, 54: 2.365},
    "Fe": {54: 5.845, 56: 91.754, 57: 2.119, 58: 0.282},
    "Ni": {58: 68.0769, 60: 26.2231, 61: 1.1399, 62: 3.6345, 64: 0.9256},
    "Cu": {63: 69.15, 65: 30.85},
    "Zn": {64: 48.268, 66: 27.975, 67: 4.102, 68: 19.024, 70: 0.631},
    "Cl": {35: 75.76, 37: 24.24},
    "Sn": {112: 0.97, 114: 0.66, 115: 0.34, 116: 14.54, 117: 7.68, 118: 24.22, 119: 8.59}
    | {120: 32.58, 122: 4.63, 124: 5.79},
}


@pytest.mark.parametrize("element", ABUNDANCES)
def test_isotopes_make_the_natural_scattering_length(element: str) -> None:
    mean = 0.0
    for mass_number, percent in ABUNDANCES[element].items():
        symbol = f"{mass_number}{element}"
        mean += percent / 100 * argand.form_factors([symbol], 0.0, table="neutron")[0]
    natural = argand.form_factors([element], 0.0, table="neutron")[0]
    assert mean == pytest.approx(natural, rel=0.01)


def test_isotopes_differ_for_neutrons_alone() -> None:
    lengths = argand.form_factors(["6Li", "7Li", "46Ti", "2H"], 0.0, table="neutron")
    np.testing.assert_allclose(lengths, [2.00, -2.22, 4.93, 6.671])
    for table in ("it92", "electron"):
        isotope, natural = argand.form_factors(["7Li", "Li"], STOL, table=table)
        np.testing.assert_array_equal(isotope, natural)
    with pytest.raises(ArgandError, match="no neutron scattering length for the isotope '98Tc'"):
        argand.form_factors(["98Tc"], 0.0, table="neutron")


def test_a_charge_beyond_any_ion_is_refused() -> None:
    with pytest.raises(ArgandError, match="'Fe30\\+' has a charge of 30, needs at most 8"):
        argand.form_factors(["Fe30+"], 0.0)
