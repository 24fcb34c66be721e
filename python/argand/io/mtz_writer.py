"""Write MTZ files, with the column types and names that other programs look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gemmi
import numpy as np
import numpy.typing as npt

from argand._memory import demand
from argand._numbers import complex_array, real_array
from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.io.mtz_columns import ANOMALOUS_COLUMNS, MAP_COLUMNS, MINUS, PLUS
from argand.reflections import HklArray, as_hkl, centric, friedel_sides
from argand.rows import unique_rows
from argand.symmetry import named_spacegroup

__all__ = ["mtz_of_columns", "write_reflections"]

# Bytes of a number that is written: in double and in single precision, twice, and in gemmi's table.
_BYTES_OF_NUMBER = 28

# Type of a written column by the beginning of its name: standard deviation, phase, weight, flag of
# cross-validation, intensity, amplitude, coefficients of maps, anomalous difference. Others are
# real numbers, R.
_TYPES_BY_PREFIX = (
    ("SIG", "Q"),
    ("PH", "P"),
    ("FOM", "W"),
    ("FREE", "I"),
    ("I", "J"),
    ("F", "F"),
    ("DELFWT", "F"),
    ("2FOFCWT", "F"),
    ("ANOM", "F"),
    ("DANO", "D"),
)

# Name of the phase of each amplitude of a map.
_PHASES_BY_AMPLITUDE = dict((*MAP_COLUMNS, *ANOMALOUS_COLUMNS))

# Type of a column of one Friedel mate, F(+) or F(-), by the type of the column of both.
_TYPES_OF_MATES = {"F": "G", "J": "K", "Q": "M"}


def write_reflections(
    path: PathLike,
    hkl: npt.ArrayLike,
    f: npt.ArrayLike | None = None,
    *,
    cell: Sequence[float] | FloatArray,
    spacegroup: str = "P 1",
    wavelength: float | None = None,
    history: Sequence[str] = (),
    mates: bool = False,
    **columns: npt.ArrayLike,
) -> None:
    """Write reflections as an MTZ file (float32), phases in degrees.

    Columns have the types and names that other programs look for: FWT and PHWT, DELFWT and PHDELWT,
    2FOFCWT and PH2FOFCWT, FAN and PHAN are coefficients of maps; F(+) and F(-), I(+) and I(-) with
    their SIG are Friedel mates, and PHI(-) is the phase of F(-h); DANO is their difference.

    Parameters
    ----------
    path
        File to write, complete or not at all.
    hkl : (m, 3)
        Miller indices. A row 0 0 0 holds F(000).
    f : (m,)
        Complex values become the columns F and PHI, real ones the column F.
    cell, spacegroup
        Unit cell in angstrom and degrees; Hermann-Mauguin name.
    wavelength
        Angstrom.
    history
        Lines for people, of at most 80 characters each.
    mates
        Write h and -h into one row: X becomes X(+) of h and X(-) of -h, empty where there is none.
        Rows are the reflections of the asymmetric unit. Where both mates are equivalent by
        symmetry, real values are written for both.
    columns : (m,)
        Further columns by name. A complex FC becomes FC and PHIC; a name PH... holds radians.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or the file that cannot be written. With `mates`
        reflections have to be unique, and complex values to belong to h of the asymmetric unit or
        to -h.
    """
    mtz = mtz_of_columns(
        hkl,
        columns if f is None else {"F": f, **columns},
        cell=cell,
        spacegroup=spacegroup,
        wavelength=wavelength,
        history=history,
        mates=mates,
    )
    with replacing(path) as temporary:
        mtz.write_to_file(temporary)


def mtz_of_columns(
    hkl: npt.ArrayLike,
    columns: Mapping[str, npt.ArrayLike],
    *,
    cell: Sequence[float] | FloatArray,
    spacegroup: str = "P 1",
    wavelength: float | None = None,
    history: Sequence[str] = (),
    mates: bool = False,
) -> gemmi.Mtz:
    """Make a gemmi.Mtz of reflections (m, 3) and columns (m,) by name; see `write_reflections`."""
    indices = as_hkl(hkl)
    group = named_spacegroup(spacegroup)
    real_columns: dict[str, FloatArray] = {}
    numbers = len(indices) * (3 + 2 * len(columns))
    demand(f"a file of {numbers:,} numbers", _BYTES_OF_NUMBER * numbers, "write fewer columns")
    for name, values in columns.items():
        real_columns.update(_real_columns(name, values, len(indices)))
    if mates:
        indices, real_columns = _mates_in_columns(indices, real_columns, spacegroup)
    mtz = gemmi.Mtz(with_base=True)
    mtz.title = "written by argand"
    mtz.history = list(history)
    mtz.spacegroup = group
    mtz.set_cell_for_all(gemmi.UnitCell(*cell_parameters(cell)))
    # The data set of the indices states it too: some readers warn where data sets differ.
    mtz.add_dataset("argand")
    for dataset in mtz.datasets:
        dataset.wavelength = _checked_wavelength(wavelength)
    for name in real_columns:
        mtz.add_column(name, _column_type(name))
    table = np.column_stack([indices, *real_columns.values()])
    mtz.set_data(table.astype(np.float32))
    return mtz


def _checked_wavelength(wavelength: float | None) -> float:
    """Return a wavelength in angstrom as an MTZ file states it, 0 for an unknown one."""
    if wavelength is None:
        return 0.0
    if not 0.0 < wavelength < np.inf:
        raise ArgandError(f"wavelength is {wavelength}, needs a wavelength in angstrom")
    return float(wavelength)


def _mates_in_columns(
    hkl: HklArray, columns: dict[str, FloatArray], spacegroup: str
) -> tuple[HklArray, dict[str, FloatArray]]:
    """Put the values of h and of -h into columns of their own.

    Parameters
    ----------
    hkl : (m, 3)
        Reflections, with Friedel mates in rows of their own.
    columns : name -> (m,)
        Values of the reflections.
    spacegroup
        Name of the space group.

    Returns
    -------
    Reflections (n, 3) of the asymmetric unit of the Laue group, and columns X(+) and X(-) (n,).
    """
    unit_hkl, is_minus = friedel_sides(hkl, spacegroup)
    is_centric = centric(unit_hkl, spacegroup)
    listed_as_mate = (hkl == -unit_hkl).all(axis=1) & hkl.any(axis=1)
    is_minus |= is_centric & listed_as_mate
    unique, row = unique_rows(unit_hkl)
    place = 2 * row + is_minus
    if len(np.unique(place)) < len(place):
        raise ArgandError("hkl holds equivalent reflections, needs merged ones to write mates")
    has_phase = any(_column_type(name) == "P" for name in columns)
    in_unit = (hkl == np.where(is_minus[:, None], -unit_hkl, unit_hkl)).all(axis=1)
    if has_phase and not in_unit.all():
        h, k, l = hkl[np.flatnonzero(~in_unit)[0]]
        raise ArgandError(
            f"hkl holds {h} {k} {l}, needs reflections of the asymmetric unit and their mates: "
            "the phases of others differ"
        )
    copies_equivalent = centric(unique, spacegroup) & unique.any(axis=1) & (not has_phase)
    by_side: dict[str, FloatArray] = {}
    for name, values in columns.items():
        sides = np.full((len(unique), 2), np.nan)
        sides.reshape(-1)[place] = values
        for side in (0, 1):
            is_empty = copies_equivalent & np.isnan(sides[:, side])
            sides[is_empty, side] = sides[is_empty, 1 - side]
        by_side[name + PLUS] = sides[:, 0]
        by_side[name + MINUS] = sides[:, 1]
    return np.ascontiguousarray(unique, np.int32), by_side


def _column_type(name: str) -> str:
    """Return the MTZ type of a column to write, by its name."""
    column_type = "R"
    for prefix, kind in _TYPES_BY_PREFIX:
        if name.upper().startswith(prefix):
            column_type = kind
            break
    if not name.endswith((PLUS, MINUS)):
        return column_type
    if column_type == "Q" and name.startswith("SIGF"):
        return "L"
    return _TYPES_OF_MATES.get(column_type, column_type)


def _phase_name(name: str) -> str:
    """Return the name of the phase of a complex column: PHI of F, PHIC of FC, PHWT of FWT."""
    return _PHASES_BY_AMPLITUDE.get(name, f"PHI{name[1:]}")


def _real_columns(name: str, values: npt.ArrayLike, m: int) -> dict[str, FloatArray]:
    """Return the columns (m,) to write for an argument: two for complex values."""
    is_complex = np.iscomplexobj(values)
    numbers = complex_array(name, values) if is_complex else real_array(name, values)
    if numbers.shape != (m,):
        raise ArgandError(f"{name} has shape {numbers.shape}, needs ({m},) like hkl")
    if np.isinf(numbers).any():
        raise ArgandError(f"{name} holds infinity, needs numbers, or NaN where there is none")
    if is_complex:
        return {name: np.abs(numbers), _phase_name(name): np.degrees(np.angle(numbers))}
    if name.startswith("PH"):
        return {name: np.degrees(numbers)}
    return {name: np.asarray(numbers)}
