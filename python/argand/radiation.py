"""The radiation that a crystal is measured with: probe, wavelength, form factors, dispersion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

from argand.errors import ArgandError
from argand.form_factors import form_factors

__all__ = ["KEV_ANGSTROM", "Probe", "Radiation"]

Probe = Literal["x-ray", "neutron", "electron"]

#: Photon energy times wavelength, h c in keV angstrom (CODATA 2018, exact)
KEV_ANGSTROM = 12.398419843320026

_TABLES: dict[str, str] = {"x-ray": "it92", "neutron": "neutron", "electron": "electron"}


@dataclass(frozen=True)
class Radiation:
    """What is scattered, and how its form factors are calculated.

    Parameters
    ----------
    probe
        "x-ray", "neutron" or "electron".
    wavelength
        In angstrom; None where it is not known. Extinction and the limit d >= lambda/2 need it.
    dispersion
        Whether f' + i f'' at `wavelength` is added to the form factors; x-rays of known wavelength only.

    Raises
    ------
    ArgandError
        An unknown probe, a wavelength that is not positive, or dispersion where it cannot be calculated.
    """

    probe: Probe = "x-ray"
    wavelength: float | None = None
    dispersion: bool = False

    def __post_init__(self) -> None:
        if self.probe not in _TABLES:
            raise ArgandError(f"probe is {self.probe!r}, needs to be one of {', '.join(_TABLES)}")
        if self.wavelength is not None and not (
            math.isfinite(self.wavelength) and self.wavelength > 0.0
        ):
            raise ArgandError(f"wavelength is {self.wavelength}, needs to be positive, in angstrom")
        if self.dispersion and (self.probe != "x-ray" or self.wavelength is None):
            raise ArgandError("dispersion needs x-rays of a known wavelength")

    @classmethod
    def of_table(cls, table: str = "it92", energy_kev: float | None = None) -> Radiation:
        """Make the radiation of a table of form factors, as `argand.structure_factors` takes it.

        A photon energy in keV switches dispersion on.
        """
        probes = {name: probe for probe, name in _TABLES.items()}
        if table not in probes:
            raise ArgandError(f"table is {table!r}, needs to be one of {', '.join(probes)}")
        if energy_kev is None:
            return cls(probes[table])  # type: ignore[arg-type]
        if not energy_kev > 0.0:
            raise ArgandError(f"energy_kev is {energy_kev}, needs to be positive")
        return cls(probes[table], KEV_ANGSTROM / energy_kev, dispersion=True)  # type: ignore[arg-type]

    @property
    def table(self) -> str:
        """The name of the table of form factors: "it92", "neutron" or "electron"."""
        return _TABLES[self.probe]

    @property
    def energy_kev(self) -> float | None:
        """The photon energy at which form factors are calculated; None leaves dispersion out."""
        if not self.dispersion or self.wavelength is None:
            return None
        return KEV_ANGSTROM / self.wavelength

    def form_factors(self, types: Sequence[str], stol: ArrayLike) -> NDArray[Any]:
        """Calculate the form factors of atom types at sin(theta)/lambda, see `argand.form_factors`."""
        return form_factors(types, stol, table=self.table, energy_kev=self.energy_kev)
