"""Read which reflections a refinement used, and how it merged them: its R1 is of these alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = ["RefinedData", "parse_threshold", "with_instruction"]

# SHELXL and most other programs call a reflection strong above so many sigma(I).
_STRONG_SIGMAS = 2.0

# No list of reflections has larger indices.
_LARGEST_INDEX = 9999

# The number in 'I > 2\s(I)', '>2sigma(I)', 'I>=3.0u(I)' or 'F > 4σ(F)'.
_SIGMAS = re.compile(r">\s*=?\s*([0-9]+\.?[0-9]*)\s*\*?\s*(\\?s|\\?u|σ)", re.IGNORECASE)

# The sigma of an amplitude, '\s(F)' or 'sigma(|Fo|)'; '\s(F^2^)' is one of an intensity.
_AMPLITUDE = re.compile(r"\(\s*\|?\s*F\s*(o|~o~|obs)?\s*\|?\s*\)", re.IGNORECASE)


@dataclass(frozen=True)
class RefinedData:
    """Hold which reflections a refinement used; a value that is not stated is None or without end.

    Parameters
    ----------
    threshold
        A reflection is strong where its intensity is above so many sigma.
    d_min, d_max
        Limits of the lattice spacing in angstrom (SHEL).
    theta_max
        Largest Bragg angle in degrees (OMIT, or that of the data in a CIF).
    omitted
        Reflections that were left out, each (h, k, l) with its equivalents (OMIT).
    merging
        SHELXL's MERG: 0 merges nothing, 1 and 2 keep Friedel mates apart, 3 and 4 merge them.
    count
        Number of reflections, after merging.
    shelxl
        Whether SHELXL merged the reflections.
    """

    threshold: float = _STRONG_SIGMAS
    d_min: float = 0.0
    d_max: float = float("inf")
    theta_max: float | None = None
    omitted: tuple[tuple[int, int, int], ...] = ()
    merging: int | None = None
    count: int | None = None
    shelxl: bool = True


def with_instruction(data: RefinedData, name: str, numbers: Sequence[float]) -> RefinedData:
    """Add a SHELXL instruction OMIT, SHEL or MERG.

    OMIT with three numbers leaves out a reflection, OMIT s 2theta all beyond an angle in degrees.
    SHEL has two resolutions in angstrom, in any order.

    Source: SHELXL manual, chapter 7 (OMIT, SHEL, MERG).
    """
    if name == "OMIT" and len(numbers) == 3:
        if max(map(abs, numbers)) > _LARGEST_INDEX:
            return data
        h, k, l = (round(number) for number in numbers)
        return replace(data, omitted=(*data.omitted, (h, k, l)))
    if name == "OMIT" and len(numbers) == 2 and 0.0 < numbers[1] < 180.0:
        return replace(data, theta_max=numbers[1] / 2.0)
    if name == "SHEL" and len(numbers) == 2:
        return replace(data, d_min=min(numbers), d_max=max(numbers))
    if name == "MERG" and numbers:
        return replace(data, merging=round(numbers[0]))
    return data


def parse_threshold(expression: str) -> float:
    """Return the intensity in sigma above which a CIF calls a reflection strong, 2 if it is silent.

    F > n sigma(F) is I > (n/2) sigma(I), because sigma(I) = 2 F sigma(F).
    """
    number = _SIGMAS.search(expression)
    if number is None:
        return _STRONG_SIGMAS
    sigmas = float(number[1])
    return sigmas / 2.0 if _AMPLITUDE.search(expression) else sigmas
