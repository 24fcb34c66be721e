"""Read the header of reflections of XDS: lines after exclamation marks above the list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import gemmi

from argand.cell import Cell, cell_parameters
from argand.errors import ArgandError

__all__ = ["XdsHeader", "xds_header"]

_KEYWORD = re.compile(r"!\s*([A-Z][A-Z_-]*(?:\([A-Z]+\))?)\s*=\s*(.*)")

# Places of h, k, l, intensity and sigma in a row of XDS.
_PLACES = {"ITEM_H": 1, "ITEM_K": 2, "ITEM_L": 3, "ITEM_IOBS": 4, "ITEM_SIGMA(IOBS)": 5}

# There are so many types of space groups.
_MOST_GROUPS = 230


class XdsHeader(NamedTuple):
    """Hold what XDS states above a list of reflections; None for what it does not state.

    Parameters
    ----------
    cell
        (a, b, c, alpha, beta, gamma) in angstrom and degrees.
    spacegroup
        Name of the space group, in its standard setting.
    wavelength
        Angstrom.
    """

    cell: Cell | None
    spacegroup: str | None
    wavelength: float | None


def xds_header(lines: Sequence[str], source: str) -> XdsHeader | None:
    """Read the lines above a list of reflections; None where XDS did not write them.

    Parameters
    ----------
    lines
        Lines before the first reflection.
    source
        Name of the file, for complaints.

    Raises
    ------
    ArgandError
        Names the file and a value that cannot be read, or an order of columns that is not used.
    """
    values: dict[str, str] = {}
    for line in lines:
        # Two keywords that stand in one line are FORMAT and MERGE, which are not needed.
        match = _KEYWORD.match(line.strip())
        if match:
            values[match[1]] = match[2]
    if "UNIT_CELL_CONSTANTS" not in values and "FORMAT" not in values:
        return None
    try:
        for item, place in _PLACES.items():
            if int(values.get(item, place)) != place:
                raise ValueError(f"{item} is {values[item]}, needs to be {place}")
        constants = values.get("UNIT_CELL_CONSTANTS")
        cell = None
        if constants is not None:
            cell = cell_parameters([float(word) for word in constants.split()])
        number = int(values.get("SPACE_GROUP_NUMBER", "0"))
        if not 0 <= number <= _MOST_GROUPS:
            raise ValueError(f"SPACE_GROUP_NUMBER is {number}, needs to be 1 to {_MOST_GROUPS}")
        group = gemmi.find_spacegroup_by_number(number) if number else None
        wavelength = float(values.get("X-RAY_WAVELENGTH", "0"))
    except (ValueError, ArgandError) as error:
        raise ArgandError(f"{source}: the header of XDS: {error}") from None
    return XdsHeader(cell, group.xhm() if group else None, wavelength if wavelength > 0 else None)
