"""MTZ files out."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.reflections import as_hkl
from argand.symmetry import named_spacegroup

__all__ = ["write_reflections"]

# MTZ column types by the beginning of the name: standard deviation, phase, weight, intensity, amplitude; else real
_TYPES = (("SIG", "Q"), ("PH", "P"), ("FOM", "W"), ("I", "J"), ("F", "F"))


def write_reflections(
    path: PathLike,
    hkl: npt.ArrayLike,
    f: npt.ArrayLike | None = None,
    *,
    cell: Any,
    spacegroup: str = "P 1",
    **columns: npt.ArrayLike,
) -> None:
    """Write reflections as an MTZ file (float32), phases in degrees.

    Parameters
    ----------
    path : the file appears when it is complete
    hkl : (m, 3)
    f : (m,) complex, becomes the columns F and PHI; real, the column F
    cell, spacegroup : angstrom and degrees; Hermann-Mauguin name
    columns : further columns by name, (m,); complex FC becomes FC and PHIC; a name PH... holds radians

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or the file that cannot be written.
    """
    indices, group = as_hkl(hkl), named_spacegroup(spacegroup)
    data: dict[str, FloatArray] = {}
    given = columns if f is None else {"F": f, **columns}
    for name, values in given.items():
        data.update(_real_columns(name, np.asarray(values), len(indices)))
    mtz = gemmi.Mtz(with_base=True)
    mtz.title = "written by argand"
    mtz.spacegroup = group
    mtz.set_cell_for_all(gemmi.UnitCell(*cell_parameters(cell)))
    mtz.add_dataset("argand")
    for name in data:
        mtz.add_column(name, next((kind for start, kind in _TYPES if name.startswith(start)), "R"))
    mtz.set_data(np.column_stack([indices, *data.values()]).astype(np.float32))
    with replacing(path) as temporary:
        mtz.write_to_file(temporary)


def _real_columns(name: str, values: npt.NDArray[Any], m: int) -> dict[str, FloatArray]:
    if values.shape != (m,):
        raise ArgandError(f"{name} has shape {values.shape}, needs ({m},) like hkl")
    if np.iscomplexobj(values):
        return {name: np.abs(values), f"PHI{name[1:]}": np.degrees(np.angle(values))}
    return {name: np.degrees(values) if name.startswith("PH") else values.astype(np.float64)}
