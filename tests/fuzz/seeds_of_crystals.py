"""Make the files of unknown crystals, and of crystals like a known one, for inputs."""

from __future__ import annotations

from functools import cache

import numpy as np

import argand
from fuzz.seeds import HEAD, INSTRUCTIONS, SITES, mtz_files

__all__ = ["command_files", "pairs", "problems", "short_problems"]

_CELL = (5.0, 6.0, 7.0, 90.0, 97.5, 90.0)
_GROUP = "P 1 21/c 1"


def _list_of(d_min: float) -> str:
    """Return the calculated intensities of a small crystal as a SHELX list."""
    frac = np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.6]])
    crystal = argand.Crystal(_CELL, _GROUP, ("C", "O"), frac, b_iso=1.0)
    hkl = argand.miller_indices(_CELL, _GROUP, d_min=d_min)
    intensity = np.abs(argand.structure_factors(crystal, hkl)) ** 2
    lines = []
    for (h, k, l), value in zip(hkl.tolist(), intensity.tolist(), strict=True):
        lines.append(f"{h:4d}{k:4d}{l:4d}{value:8.2f}{0.5:8.2f}\n")
    return "".join(lines)


def _problems_to(d_min: float) -> list[dict[str, bytes]]:
    """Return reflections of an unknown crystal, alone and with the files that belong to them."""
    text = _list_of(d_min)
    data = text.encode()
    embedded = f"{HEAD}_shelx_hkl_file\n;\n{text};\n_shelx_res_file\n;\n{INSTRUCTIONS};\n"
    return [
        {"x.hkl": data, "x.ins": INSTRUCTIONS[: INSTRUCTIONS.index("C1 1")].encode()},
        {"x.hkl": data, "x.res": INSTRUCTIONS.encode()},
        {"x.hkl": data, "x.cif": (HEAD + SITES).encode()},
        {"x.cif": embedded.encode()},
    ]


@cache
def problems() -> list[dict[str, bytes]]:
    """Return the files of an unknown crystal that can be solved."""
    return _problems_to(1.1)


@cache
def short_problems() -> list[dict[str, bytes]]:
    """Return the files of an unknown crystal with few reflections, which are read quickly."""
    return _problems_to(2.0)


@cache
def pairs() -> list[dict[str, bytes]]:
    """Return known structures, each with the data of a crystal like it."""
    text = _list_of(1.5)
    ends = "   0   0   0    0.00    0.00\n"
    loop = "loop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n"
    loop += "_refln_F_squared_meas\n_refln_F_squared_sigma\n"
    rows = [" ".join(line.split()) for line in text.splitlines()]
    cif = HEAD + loop + "\n".join(rows) + "\n"
    structure = (HEAD + SITES).encode()
    return [
        {"known.cif": structure, "x.hkl": (text + ends).encode()},
        {"known.cif": structure, "x.fcf": cif.encode()},
        {"known.res": INSTRUCTIONS.encode(), "x.hkl": text.encode()},
        {"known.res": INSTRUCTIONS.encode(), "x.fcf": cif.encode()},
    ]


@cache
def command_files() -> dict[str, bytes]:
    """Return the files that commands are given: a structure, a list of reflections, and phases."""
    return {
        "x.cif": (HEAD + SITES).encode(),
        "x.hkl": _list_of(1.5).encode(),
        "x.mtz": mtz_files()[-1],
    }
