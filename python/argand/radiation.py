"""Describe the radiation that a crystal is measured with: probe, wavelength, form factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.errors import ArgandError
from argand.form_factors import Corrections, corrections_by_element, form_factors
from argand.reflections import stol

__all__ = ["KEV_ANGSTROM", "Probe", "Radiation", "reachable", "wavelength"]

Probe = Literal["x-ray", "neutron", "electron"]

#: Photon energy times wavelength, h c in keV angstrom (CODATA 2018, exact)
KEV_ANGSTROM = 12.398419843320026

_TABLES: dict[Probe, str] = {"x-ray": "it92", "neutron": "neutron", "electron": "electron"}
_DENSITY_UNITS: dict[Probe, str] = {"x-ray": "e/Å³", "neutron": "fm/Å³", "electron": "1/Å²"}
_PROBES: dict[str, Probe] = {table: probe for probe, table in _TABLES.items()}


@dataclass(frozen=True)
class Radiation:
    """Say what is scattered, and how its form factors are calculated.

    Parameters
    ----------
    probe
        "x-ray", "neutron" or "electron".
    wavelength
        In angstrom; None where it is not known. Extinction and the limit d >= lambda/2 need it.
    dispersion
        Whether f' + i f'' at `wavelength` is added to the form factors; x-rays of known wavelength
        only.
    corrections
        (element, f', f'') in electrons at `wavelength`, where they are known better than the tables
        have them; with dispersion only.

    Raises
    ------
    ArgandError
        An unknown probe, a wavelength that is not positive, dispersion where it cannot be
        calculated, or corrections that are no numbers of electrons.
    """

    probe: Probe = "x-ray"
    wavelength: float | None = None
    dispersion: bool = False
    corrections: Corrections = ()

    def __post_init__(self) -> None:
        if self.probe not in _TABLES:
            raise ArgandError(f"probe is {self.probe!r}, needs to be one of {', '.join(_TABLES)}")
        if self.wavelength is not None:
            positive = math.isfinite(self.wavelength) and self.wavelength > 0.0
            if not positive:
                raise ArgandError(
                    f"wavelength is {self.wavelength}, needs to be positive, in angstrom"
                )
        if self.dispersion and (self.probe != "x-ray" or self.wavelength is None):
            raise ArgandError("dispersion needs x-rays of a known wavelength")
        if self.corrections and not self.dispersion:
            raise ArgandError("corrections are f' and f'': they need dispersion")
        stated = corrections_by_element(self.corrections)
        corrections = tuple((element, f.real, f.imag) for element, f in stated.items())
        # A list would make the radiation one that cannot be hashed.
        object.__setattr__(self, "corrections", corrections)

    @classmethod
    def of_table(cls, table: str = "it92", energy_kev: float | None = None) -> Radiation:
        """Make the radiation of a table of form factors, as `argand.structure_factors` takes it.

        A photon energy in keV switches dispersion on.
        """
        if table not in _PROBES:
            raise ArgandError(f"table is {table!r}, needs to be one of {', '.join(_PROBES)}")
        probe = _PROBES[table]
        if energy_kev is None:
            return cls(probe)
        return cls(probe, wavelength(energy_kev), dispersion=True)

    @property
    def table(self) -> str:
        """Return the name of the table of form factors: "it92", "neutron" or "electron"."""
        return _TABLES[self.probe]

    @property
    def density_unit(self) -> str:
        """Return the unit of a density: form factors are in electrons, fm or angstrom."""
        return _DENSITY_UNITS[self.probe]

    @property
    def energy_kev(self) -> float | None:
        """Return the photon energy (keV) of the form factors, or None without dispersion."""
        if not self.dispersion or self.wavelength is None:
            return None
        return KEV_ANGSTROM / self.wavelength

    def form_factors(self, types: Sequence[str], stol: ArrayLike) -> NDArray[Any]:
        """Calculate form factors (n, ...) of n atom types at sin(theta)/lambda (...), 1/angstrom.

        They are complex with dispersion, else real; see `argand.form_factors`.
        """
        return form_factors(
            types,
            stol,
            table=self.table,
            energy_kev=self.energy_kev,
            corrections=self.corrections,
        )


def wavelength(energy_kev: float) -> float:
    """Return the wavelength in angstrom of photons of an energy in keV: 1.23984 A at 10 keV."""
    if not 0.0 < energy_kev < math.inf:
        raise ArgandError(f"energy_kev is {energy_kev}, needs a photon energy in keV")
    return KEV_ANGSTROM / energy_kev


def reachable(hkl: ArrayLike, cell: Sequence[float], energy_kev: float) -> NDArray[np.bool_]:
    """Tell which reflections (m, 3) can be measured at a photon energy: those with d >= lambda/2.

    sin(theta) is at most 1. `cell` is in angstrom and degrees, `energy_kev` in keV.
    """
    sin_theta = stol(hkl, cell) * wavelength(energy_kev)
    return np.asarray(sin_theta <= 1.0)
