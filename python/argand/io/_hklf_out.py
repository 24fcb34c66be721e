"""SHELX HKLF 4 out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from argand.errors import ArgandError
from argand.files import PathLike, replacing
from argand.reflections import as_hkl

__all__ = ["write_hklf4"]

#: What F8.2 holds with four digits before a negative number of the same size no longer fits
_LARGEST = 9999.0


def write_hklf4(
    path: PathLike, hkl: npt.ArrayLike, intensity: npt.ArrayLike, sigma: npt.ArrayLike
) -> float:
    """Write intensities and their standard uncertainties, 3I4 2F8.2, ended by 0 0 0; returns the factor on them.

    The largest becomes 9999, so that two decimals keep what there is: the scale of such a file is arbitrary anyway.
    An `ArgandError` names the argument that does not fit.
    """
    indices = as_hkl(hkl)
    columns = [np.asarray(values, dtype=np.float64) for values in (intensity, sigma)]
    for name, values in zip(("intensity", "sigma"), columns, strict=True):
        if values.shape != (len(indices),) or not np.isfinite(values).all():
            raise ArgandError(
                f"{name} has shape {values.shape}, needs ({len(indices)},) finite numbers like hkl"
            )
    if np.abs(indices).max(initial=0) > 999:
        raise ArgandError(
            f"hkl holds an order of {np.abs(indices).max()}, needs four characters at most"
        )
    largest = max((float(np.abs(values).max(initial=0.0)) for values in columns), default=0.0)
    factor = _LARGEST / largest if largest > 0 else 1.0
    lines = [
        f"{h:4d}{k:4d}{l:4d}{factor * i:8.2f}{max(factor * s, 0.01):8.2f}"
        for (h, k, l), i, s in zip(indices.tolist(), *columns, strict=True)
    ]
    lines.append(f"{0:4d}{0:4d}{0:4d}{0.0:8.2f}{0.0:8.2f}")
    with replacing(path) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="ascii")
    return factor
