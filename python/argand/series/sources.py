"""The reflection files of a series, each under a name of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from argand.errors import ArgandError

__all__ = ["Source", "find_sources"]

#: Endings of reflection files that are looked for in folders
SUFFIXES = (".hkl", ".mtz", ".fcf", ".cif", ".hklf")


class Source(NamedTuple):
    """A reflection file, the name of its results, and what tells whether it has changed since."""

    path: Path
    name: str
    size: int
    mtime_ns: int


def find_sources(given: Iterable[str | Path]) -> list[Source]:
    """Files as given, and those of folders (not of folders within), in the order a person counts: 9 before 10.

    Results are called like the file without its ending; where two would have one name, like the file and its folder.
    An `ArgandError` names what is not there, or a folder that holds no reflection file.
    """
    paths: list[Path] = []
    for item in map(Path, given):
        if item.is_dir():
            inside = [
                p
                for p in item.iterdir()
                if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")
            ]
            if not inside:
                raise ArgandError(f"{item}: holds no reflection file ({' '.join(SUFFIXES)})")
            paths += sorted((p for p in inside if p.is_file()), key=_counted)
        elif item.exists():
            paths.append(item)
        else:
            raise ArgandError(f"{item}: no such file")
    paths = list(dict.fromkeys(path.resolve() for path in paths))
    return [
        Source(path, name, *_stamp(path)) for path, name in zip(paths, _names(paths), strict=True)
    ]


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _counted(path: Path) -> list[tuple[int, int, str]]:
    """Digits compare as numbers."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part.isdigit()), int(part) if part.isdigit() else 0, part) for part in parts]


def _names(paths: list[Path]) -> list[str]:
    stems = Counter(path.stem for path in paths)
    names = [
        path.stem if stems[path.stem] == 1 else f"{path.parent.name}_{path.stem}_{path.suffix[1:]}"
        for path in paths
    ]
    again = [name for name, count in Counter(names).items() if count > 1]
    if again:
        raise ArgandError(
            f"several files would be called {again[0]!r} in the results: predict them apart"
        )
    return names
