"""Write maps of measured data with phases, and print their peaks, holes and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell
from argand.cli._density import density_of, write_density
from argand.cli._json import json_text
from argand.crystal import Crystal
from argand.describe.file import structure_beside
from argand.describe.map_peaks import MapPeak, describe_peaks
from argand.describe.phased import PhasedDescription, phase_data
from argand.errors import ArgandError, reading
from argand.io import SourceFile, open_file
from argand.io.beside import reflections_beside
from argand.measured.phased_mtz import in_named_setting, write_phased_mtz
from argand.measured.scaled_phases import ScaledPhases, phases_of_list
from argand.radiation import Radiation
from argand.reflections import HklArray

__all__ = ["KnownMap", "ListedMap", "print_maps"]

_NO_WEIGHTS = "coefficients have no sigma-A weights, which are close to 1 for small structures"


class PhasedMap:
    """Hold phased amplitudes of a file, and write and print their maps.

    Parameters
    ----------
    phased
        Amplitudes, phases and coefficients.
    cell, spacegroup
        Unit cell in angstrom and degrees; name or operations of the space group.
    crystal
        Structure that names atoms beside peaks; None without one.
    radiation
        Radiation of the data.
    """

    def __init__(
        self,
        phased: ScaledPhases,
        cell: Cell,
        spacegroup: str,
        crystal: Crystal | None,
        radiation: Radiation,
    ) -> None:
        self.phased = phased
        self.cell = cell
        self.spacegroup = spacegroup
        self.crystal = crystal
        self.radiation = radiation

    def coefficients(self, synthesis: str) -> tuple[HklArray, NDArray[np.complex128]]:
        """Return reflections (n, 3) and coefficients (n,) of a synthesis."""
        phased = self.phased
        assert phased.calculated is not None
        by_name = {
            "Fo-Fc": phased.observed - phased.calculated,
            "2Fo-Fc": phased.density_coefficients,
            "Fo": phased.observed,
            "Fc": phased.calculated,
        }
        if synthesis not in by_name:
            raise ArgandError("the anomalous map needs --difference KNOWN, and Friedel mates")
        return phased.hkl, by_name[synthesis]

    def write_coefficients(self, path: Path) -> list[str]:
        """Write the coefficients of all maps as an MTZ file, and return lines about it."""
        named = write_phased_mtz(
            path,
            self.phased,
            cell=self.cell,
            spacegroup=self.spacegroup,
            wavelength=self.radiation.wavelength,
        )
        return [f"{path}: {len(self.phased.hkl)} reflections in {named}; {_NO_WEIGHTS}"]

    def write_map(
        self,
        path: Path,
        synthesis: str,
        sample_rate: float,
        shape: tuple[int, int, int] | None,
    ) -> list[str]:
        """Write the map of a synthesis, and return lines about it."""
        listed, coefficients = self.coefficients(synthesis)
        hkl, expand, named = in_named_setting(listed, self.spacegroup)
        line = write_density(
            path,
            hkl,
            expand(coefficients),
            self.cell,
            named,
            sample_rate=sample_rate,
            shape=shape,
            unit=self.radiation.density_unit,
            crystal=self.crystal,
        )
        return [f"{line}; {synthesis}", _NO_WEIGHTS]

    def figures(self) -> tuple[dict[str, Any], list[str]]:
        """Return figures of the data for JSON, and the lines that tell them to people."""
        scale = self.phased.scale
        return {"scale": scale}, [f"|Fo| = {scale:.4g} × |Fc|, with the phases of the list"]

    def print(
        self,
        path: Path,
        words: Sequence[str],
        synthesis: str | None,
        sample_rate: float,
        most: int,
        *,
        as_json: bool,
    ) -> None:
        """Print what was written, and the peaks and holes of the difference map."""
        name = "anomalous" if synthesis == "anomalous" else "Fo-Fc"
        hkl, coefficients = self.coefficients(name)
        rho = density_of(hkl, coefficients, self.cell, self.spacegroup, sample_rate=sample_rate)
        peaks, holes = describe_peaks(rho, self.cell, self.spacegroup, self.crystal, most=most)
        figures, lines = self.figures()
        unit = self.radiation.density_unit
        rms = float(rho.std())
        content = {
            "written": str(path),
            **figures,
            "synthesis": name,
            "unit": unit,
            "rms": rms,
            "peaks": peaks,
            "holes": holes,
        }
        lines = [*lines, *words]
        span = f"{rho.min():.3g} to {rho.max():.3g} {unit}, rms {rms:.3g}"
        lines.append(f"{name}: {span}")
        lines += _peak_lines("peaks", peaks, unit)
        lines += _peak_lines("holes", holes, unit)
        print_maps(content, "\n".join(lines), as_json=as_json)


class ListedMap(PhasedMap):
    """Hold amplitudes that their file lists with calculated ones and their phases."""

    def __init__(self, source: SourceFile) -> None:
        reflections = source.reflections()
        if reflections.cell is None:
            raise ArgandError(f"{source.path}: states no cell")
        with reading(source.source):
            phased = phases_of_list(reflections)
        radiation = Radiation(wavelength=reflections.wavelength)
        holder = source if source.contents().structure else None
        if source.contents().format == "CIF":
            radiation = Radiation(source.experiment().probe, reflections.wavelength)
        path = structure_beside(source.path)
        if holder is None and path is not None:
            holder = open_file(path)
        super().__init__(
            phased,
            reflections.cell,
            reflections.spacegroup or "P 1",
            None if holder is None else holder.crystal(),
            radiation,
        )


class KnownMap(PhasedMap):
    """Hold measured amplitudes with the phases of a known structure.

    Parameters
    ----------
    source
        File of the measured data.
    known
        File of the structure.
    hklf
        3, 4 or 5 for a SHELX list; None to go by the structure's file.
    force
        Take data that seem to be those of another crystal.
    """

    def __init__(self, source: SourceFile, known: Path, hklf: int | None, force: bool) -> None:
        holder = open_file(known)
        if not holder.contents().structure:
            raise ArgandError(
                f"{known}: has no atoms, needs a structure (CIF, .res, .ins); F and phases of a "
                "list are mapped without --difference"
            )
        crystal = holder.crystal()
        experiment = holder.experiment()
        reflections = reflections_beside(source, holder, experiment, hklf=hklf)
        mates = None
        if source.contents().format != "columns":
            # Such files may have a mean of the mates, which has been read, and both of them.
            mates = reflections_beside(source, holder, experiment, hklf=hklf, mates=True)
        with reading(source.source):
            self.description: PhasedDescription = phase_data(
                reflections, crystal, experiment, mates=mates, force=force
            )
        super().__init__(
            self.description.phased,
            crystal.cell,
            crystal.spacegroup,
            crystal,
            self.description.radiation,
        )
        self._source = source

    def coefficients(self, synthesis: str) -> tuple[HklArray, NDArray[np.complex128]]:
        """Return reflections (n, 3) and coefficients (n,) of a synthesis."""
        if synthesis != "anomalous":
            return super().coefficients(synthesis)
        anomalous = self.description.anomalous
        if anomalous is None:
            raise ArgandError(f"{self._source.path}: {self.description.without_anomalous}")
        return anomalous.hkl, anomalous.coefficients

    def write_coefficients(self, path: Path) -> list[str]:
        """Write the coefficients of all maps as an MTZ file, and return lines about it."""
        anomalous = self.description.anomalous
        named = write_phased_mtz(
            path,
            self.phased,
            cell=self.cell,
            spacegroup=self.spacegroup,
            wavelength=self.radiation.wavelength,
            anomalous=anomalous,
        )
        columns = f"{len(self.phased.hkl)} reflections in {named}"
        if anomalous is not None:
            pairs = f"{len(anomalous.hkl)} with both Friedel mates"
            is_written = named == self.spacegroup
            columns += f", {pairs}" if is_written else ", without Friedel mates"
        return [f"{path}: {columns}; {_NO_WEIGHTS}"]

    def figures(self) -> tuple[dict[str, Any], list[str]]:
        """Return figures of the data for JSON, and the lines that tell them to people."""
        description = self.description
        fit = description.agreement
        content = {
            "scale": fit.scale,
            "r1": fit.r1,
            "r1_all": fit.r1_all,
            "wr2": fit.wr2,
            "reflections": fit.count,
            "extinction": description.extinction,
            "twin_fraction": description.twin_fraction,
            "doubts": description.doubts,
        }
        words = f"R1 {fit.r1:.4f} ({fit.strong} above 2σ), {fit.r1_all:.4f} (all {fit.count})"
        words += f", |Fo| = {fit.scale:.4g} × |Fc|"
        if description.radiation.dispersion:
            words += f", dispersion at {description.radiation.wavelength:g} Å taken out"
        if description.extinction is not None:
            words += f", extinction {description.extinction:g} taken out"
        if description.twin_fraction:
            words += f", twin of {description.twin_fraction:g} taken out"
        return content, [words, *description.doubts]


def print_maps(content: Any, text: str, *, as_json: bool) -> None:
    """Print a text, or the content as JSON with null for NaN."""
    if not as_json:
        print(text)
        return
    print(json_text(content))


def _peak_lines(title: str, peaks: Sequence[MapPeak], unit: str) -> list[str]:
    """Return a table of peaks or holes, with the atom beside each."""
    if not peaks:
        return []
    lines = [f"{title:<6}{'x':>9}{'y':>9}{'z':>9}{unit:>9}{'σ':>8}{'in .6 Å':>9}  nearest atom"]
    for number, peak in enumerate(peaks, start=1):
        x, y, z = peak.frac
        line = f"{number:<6}{x:>9.4f}{y:>9.4f}{z:>9.4f}{peak.height:>9.3f}{peak.sigmas:>8.1f}"
        line += f"{peak.content:>9.3f}"
        if peak.atom is not None:
            line += f"  {peak.atom} at {peak.distance:.2f} Å"
        lines.append(line)
    return lines
