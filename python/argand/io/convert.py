"""Convert reflections to and from gemmi, reciprocalspaceship and pandas.

A library is imported when it is used. Flagged reflections and batch numbers are left out, except by
pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np

from argand.cell import cell_parameters
from argand.errors import ArgandError
from argand.io.mtz import reflections_of_mtz
from argand.io.mtz_writer import mtz_of_columns
from argand.io.named_columns import checked_indices
from argand.io.reflections import Reflections
from argand.io.source_file import warn_of_notes
from argand.symmetry import SpaceGroup, find_spacegroup, group_ops, spacegroup_name, triplets

if TYPE_CHECKING:
    import pandas
    import reciprocalspaceship

__all__ = ["from_dataset", "from_mtz", "from_pandas", "to_dataset", "to_mtz", "to_pandas"]

_INDEX_NAMES = ("H", "K", "L")

# Columns of Reflections that a frame may have.
_FRAME_COLUMNS = (
    "intensity",
    "amplitude",
    "sigma",
    "amplitude_calc",
    "phase",
    "map_coefficients",
    "batch",
    "left_out",
)


def from_mtz(
    mtz: gemmi.Mtz, *, mates: bool = False, columns: tuple[str, str] | None = None
) -> Reflections:
    """Make reflections of a gemmi.Mtz, as `argand.read_reflections` reads an MTZ file.

    Parameters
    ----------
    mtz
        Merged or unmerged reflections.
    mates
        Read Friedel mates in columns of their own where there is their mean as well.
    columns
        Names of the amplitude and of the phase of the coefficients of a map.

    Raises
    ------
    ArgandError
        There are no reflections, or a column is missing.
    """
    is_unmerged = any(column.type == "Y" for column in mtz.columns)
    reflections, notes = reflections_of_mtz(mtz, "mtz", mates=mates, columns=columns)
    if is_unmerged:
        # The argument belongs to the caller.
        mtz.switch_to_asu_hkl()
    warn_of_notes(notes)
    return reflections


def to_mtz(reflections: Reflections) -> gemmi.Mtz:
    """Make a gemmi.Mtz of reflections, phases in degrees.

    Intensities become I and SIGI, amplitudes F and SIGF, calculated F FC and PHIC; a phase without
    calculated amplitudes PHI; coefficients of a map FWT and PHWT.

    Raises
    ------
    ArgandError
        The reflections have no cell, a space group without a name, or overlapping twin domains.
    """
    cell = reflections.cell
    if cell is None:
        raise ArgandError("the reflections have no cell, needs one")
    group = reflections.spacegroup or "P 1"
    if find_spacegroup(group) is None:
        raise ArgandError(f"spacegroup is {group}, needs one with a name: MTZ files have no other")
    batch = reflections.batch
    if batch is not None and (batch < 0).any():
        raise ArgandError("the reflections are of overlapping twin domains, needs one domain")
    if reflections.left_out is not None:
        reflections = reflections[~reflections.left_out]
    columns: dict[str, Any] = {}
    if reflections.intensity is not None:
        columns["I"] = reflections.intensity
        if reflections.sigma is not None:
            columns["SIGI"] = reflections.sigma
    if reflections.amplitude is not None:
        columns["F"] = reflections.amplitude
        if reflections.sigma is not None and reflections.intensity is None:
            columns["SIGF"] = reflections.sigma
    phase = reflections.phase
    if reflections.amplitude_calc is not None:
        columns["FC"] = reflections.amplitude_calc
        if phase is not None:
            columns["PHIC"] = phase
    elif phase is not None:
        columns["PHI"] = phase
    if reflections.map_coefficients is not None:
        columns["FWT"] = reflections.map_coefficients
    return mtz_of_columns(
        reflections.hkl,
        columns,
        cell=cell,
        spacegroup=group,
        wavelength=reflections.wavelength,
    )


def from_dataset(
    dataset: reciprocalspaceship.DataSet,
    *,
    mates: bool = False,
    columns: tuple[str, str] | None = None,
) -> Reflections:
    """Make reflections of a reciprocalspaceship.DataSet; see `from_mtz` for what is taken."""
    return from_mtz(dataset.to_gemmi(), mates=mates, columns=columns)


def to_dataset(reflections: Reflections) -> reciprocalspaceship.DataSet:
    """Make a reciprocalspaceship.DataSet of reflections; see `to_mtz` for its columns."""
    import reciprocalspaceship

    return reciprocalspaceship.DataSet.from_gemmi(to_mtz(reflections))


def from_pandas(
    frame: pandas.DataFrame,
    *,
    cell: Sequence[float] | None = None,
    spacegroup: SpaceGroup | None = None,
    wavelength: float | None = None,
) -> Reflections:
    """Make reflections of a DataFrame with the columns of `Reflections`, all in its units.

    Phases are in radians. Other columns are ignored.

    Parameters
    ----------
    frame
        Columns or index levels H, K and L, and one or more of intensity, amplitude, sigma,
        amplitude_calc, phase, map_coefficients, batch, left_out.
    cell, spacegroup, wavelength
        Unit cell in angstrom and degrees, name or operations of the space group, and wavelength in
        angstrom; else what `frame.attrs` states.

    Raises
    ------
    ArgandError
        The frame lacks indices, or has none of the columns.
    """
    plain = frame.reset_index() if frame.index.names != [None] else frame
    for name in _INDEX_NAMES:
        if name not in plain.columns:
            raise ArgandError(f"frame has no column or index level {name}, needs H, K and L")
    columns = {name: plain[name].to_numpy() for name in _FRAME_COLUMNS if name in plain.columns}
    if not columns:
        raise ArgandError(
            f"frame has the columns {', '.join(map(str, plain.columns))}, "
            f"needs one of {', '.join(_FRAME_COLUMNS)}"
        )
    group = spacegroup if spacegroup is not None else frame.attrs.get("spacegroup")
    spacegroup_text: str | None = None
    if group is not None:
        operations = group_ops(group)
        spacegroup_text = spacegroup_name(operations) or ";".join(triplets(operations))
    unit_cell = cell if cell is not None else frame.attrs.get("cell")
    indices = plain[list(_INDEX_NAMES)].to_numpy(np.float64)
    return Reflections(
        checked_indices(indices, "frame"),
        cell=None if unit_cell is None else cell_parameters(unit_cell),
        spacegroup=spacegroup_text,
        wavelength=wavelength if wavelength is not None else frame.attrs.get("wavelength"),
        format="pandas",
        **columns,
    )


def to_pandas(reflections: Reflections) -> pandas.DataFrame:
    """Make a DataFrame of reflections, with the index H, K, L and the columns they have.

    Phases are in radians. `attrs` holds cell, spacegroup and wavelength.
    """
    import pandas

    h, k, l = reflections.hkl.T
    index = pandas.MultiIndex.from_arrays([h, k, l], names=_INDEX_NAMES)
    frame = pandas.DataFrame(reflections.columns(), index=index)
    frame.attrs["cell"] = reflections.cell
    frame.attrs["spacegroup"] = reflections.spacegroup
    frame.attrs["wavelength"] = reflections.wavelength
    return frame
