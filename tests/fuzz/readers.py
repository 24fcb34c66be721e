"""Read changed files of the field, and check what was read of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import argand
from argand.errors import ArgandError
from argand.io import Experiment, open_file
from fuzz import sanity
from fuzz.sanity import Nonsense

# Reflections at which F of every structure that was read is computed.
_FEW_HKL = np.array([[0, 0, 0], [1, 0, 0], [0, 2, -1], [3, 1, 4]], dtype=np.int32)

# Structures with more sites are read without computing F, to keep a campaign quick.
_MOST_SITES = 60

#: Infinity and NaN where a number is printed; "In" and "nano" are other words.
NO_NUMBER = re.compile(r"(?<![\w'\"-])-?(?:inf|nan)(?![\w'\"-])", re.IGNORECASE)


def only_file(paths: Path) -> Path:
    """Return the only file of a folder."""
    (path,) = paths.iterdir()
    return path


def read_structure(folder: Path) -> None:
    """Read a crystal, what its file states of the experiment, and compute F."""
    file = open_file(only_file(folder))
    _read_parts((file.contents, file.crystal, file.experiment))


def read_instructions(folder: Path) -> None:
    """Read SHELX instructions, and the crystal of their atoms."""
    file = open_file(only_file(folder))
    _read_parts((file.instructions, file.contents, file.crystal, file.experiment))


def _read_parts(parts: Sequence[Callable[[], object]]) -> None:
    """Read all parts of a file that can be read, check them, and raise the worst error."""
    failures = []
    for read in parts:
        try:
            content = read()
        except ArgandError as error:
            failures.append(error)
            continue
        if isinstance(content, argand.Crystal):
            sanity.check_crystal(content)
            if len(content.types) <= _MOST_SITES:
                f = argand.structure_factors(content, _FEW_HKL)
                sanity.check_finite("F", f)
        elif isinstance(content, Experiment):
            sanity.check_experiment(content)
    raise_first(failures)


def raise_first(failures: Sequence[ArgandError]) -> None:
    """Raise a fault of argand among errors, else the first of them; do nothing without errors."""
    for error in failures:
        if error.__cause__ is not None:
            raise error
    if failures:
        raise failures[0]


def read_reflections(folder: Path) -> None:
    """Read reflections."""
    reflections = argand.read_reflections(only_file(folder))
    sanity.check_reflections(reflections)


def read_mates(folder: Path) -> None:
    """Read reflections, and again with Friedel mates in columns of their own as rows."""
    file = open_file(only_file(folder))
    failures = []
    for mates in (False, True):
        try:
            reflections = file.reflections(mates=mates)
        except ArgandError as error:
            failures.append(error)
        else:
            sanity.check_reflections(reflections)
    raise_first(failures)


def merge(folder: Path) -> None:
    """Read reflections and merge them, in a unit cell and a space group that they may lack."""
    from argand.measured import merge

    reflections = argand.read_reflections(only_file(folder))
    group = reflections.spacegroup or "P 1 21/c 1"
    cell = reflections.cell or (5.0, 6.0, 7.0, 90.0, 97.5, 90.0)
    try:
        merged = merge(replace(reflections, cell=cell, spacegroup=group))
    except ArgandError as error:
        # The function has no file; its message is about an argument.
        raise ArgandError(f"{only_file(folder)}: {error}") from error.__cause__
    sanity.check_bounded("merged intensity", merged.intensity, 1e31)
    if merged.sigma is not None:
        sanity.check_bounded("merged sigma", merged.sigma, 1e31)
    # Ratios of sums of numbers that a file may make as small as it likes.
    for name in ("r_int", "r_sigma", "completeness"):
        sanity.check_bounded(name, getattr(merged, name), 1e100, nan=True)


def read_map(folder: Path) -> None:
    """Read a density map."""
    density, cell, _ = argand.read_map(only_file(folder))
    sanity.check_finite("density", density)
    sanity.check_bounded("cell", cell, 1e6)


def describe(folder: Path) -> None:
    """Describe a file as `argand info` does, as text and as JSON."""
    from argand.cli._description_text import text_of_file
    from argand.cli._json import json_text
    from argand.describe import describe_file
    from argand.store import to_builtins

    path = only_file(folder)
    content = path.read_bytes()
    description = describe_file(path)
    sanity.check_description("description", to_builtins(description))
    json_text(description)
    match = NO_NUMBER.search(text_of_file(description))
    if match is not None and not NO_NUMBER.search(content.decode("latin-1")):
        raise Nonsense(f"the description says {match[0]}")
