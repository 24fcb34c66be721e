"""``argand info``: say what this build is, or what a file holds."""

from __future__ import annotations

from pathlib import Path

import argand
from argand import cuda
from argand.cli._description_text import text_of_file
from argand.cli._json import json_text
from argand.describe import describe_file
from argand.errors import ArgandError
from argand.io import parse_formula


def info(
    file: Path | None = None,
    *,
    structure: Path | None = None,
    cell: tuple[float, float, float, float, float, float] | None = None,
    spacegroup: str | None = None,
    wavelength: float | None = None,
    contents: str | None = None,
    hklf: int | None = None,
    json: bool = False,
) -> None:
    """Say what is in a file: structure, reflections, and how they agree.

    Without a file, say what this build of argand is and how it runs.

    Parameters
    ----------
    file : FILE
        Structure (CIF, .res, .ins), reflections (CIF, FCF, HKL, MTZ, plain columns), or a map
        (CCP4).
    structure : FILE
        Structure (CIF, .res, .ins) that reflections belong to. Without one, x.hkl and x_hkl.hkl
        are read together with x.cif, x.res or x.ins in the same folder.
    cell : A B C ALPHA BETA GAMMA
        Cell of the reflections, angstrom and degrees.
    spacegroup : SYMBOL
        Space group of the reflections.
    wavelength : A
        Wavelength in angstrom.
    contents : FORMULA
        Atoms in the cell, such as "C36 H38 N2 O8".
    hklf : N
        3 when a SHELX list holds amplitudes, 4, 5 or 6 for intensities.
    json
        Print JSON; numbers that cannot be calculated are null.
    """
    if file is None:
        _print_build(as_json=json)
        return
    description = describe_file(
        file,
        structure=structure,
        cell=cell,
        spacegroup=spacegroup,
        wavelength=wavelength,
        content=_content(contents),
        hklf=hklf,
    )
    print(json_text(description) if json else text_of_file(description))


def _print_build(*, as_json: bool) -> None:
    """Print the configuration of this build, and whether a CUDA device is usable."""
    configuration: dict[str, str | int | bool] = {}
    for name, value in argand.build_config().items():
        # That CUDA is built in does not say that there is a device to run on.
        if name == "cuda":
            configuration["cuda_built_in"] = value
            configuration["cuda_device_usable"] = bool(value) and cuda.is_available()
        else:
            configuration[name] = value
    if as_json:
        print(json_text(configuration))
        return
    for name, value in configuration.items():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        print(f"{name.replace('_', ' '):<18} {text}")


def _content(contents: str | None) -> dict[str, float] | None:
    """Parse the option --contents."""
    if contents is None:
        return None
    formula = parse_formula(contents)
    if not formula:
        raise ArgandError(f"contents is {contents!r}, needs a formula such as 'Na4 Cl4'")
    return formula
