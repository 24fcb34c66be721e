"""The reflection files of a series, each with a unique name for its results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from argand.errors import ArgandError

__all__ = ["Source", "find_sources", "printable", "second_answer"]

# Endings of the reflection files that are looked for in folders.
SUFFIXES = (".hkl", ".mtz", ".fcf", ".cif", ".hklf")


class Source(NamedTuple):
    """Name a reflection file, its results, and the stamp that shows whether it has changed."""

    path: Path
    name: str
    size: int
    mtime_ns: int


def printable(text: str) -> str:
    """Return the name of a file, or words with it, for a table: '_' for what is not printable.

    A line feed would begin another row, an escape would change the terminal.
    """
    return "".join(letter if letter.isprintable() else "_" for letter in text)


def second_answer(name: str) -> str:
    """Return the name of the results of a second answer for the file of a name."""
    return f"{name}_other"


def find_sources(
    paths: Iterable[str | Path],
    *,
    suffixes: Sequence[str] = SUFFIXES,
    choose: Callable[[list[Path]], list[Path]] | None = None,
    may_be_empty: bool = False,
) -> list[Source]:
    """List reflection files and the content of folders, numbers in names in numerical order.

    Parameters
    ----------
    paths : paths
        Reflection files, and folders of them. Folders inside folders are not searched. A file that
        is given twice is listed once.
    suffixes : sequence of str
        Endings, in lower case, of the files that folders are searched for.
    choose : function
        Takes the files in their order, and returns those that are meant; None takes all.
    may_be_empty : bool
        Whether a folder may hold no reflection file.

    Returns
    -------
    list of Source
        Results are named after the file without its ending; files that share this name are called
        FOLDER_NAME_ENDING.

    Raises
    ------
    ArgandError
        Names a path that does not exist, a folder without reflection files, or a name that would
        stand for two files.
    """
    files: list[Path] = []
    # A shell lists s10 before s9: files that are named one after another are sorted as a folder is.
    named: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += sorted(named, key=_numerical_order)
            named.clear()
            files += _files_of_folder(path, suffixes, may_be_empty)
        elif path.exists():
            named.append(path)
        else:
            raise ArgandError(f"{path}: no such file")
    files += sorted(named, key=_numerical_order)
    absolute = [path.resolve() if path.exists() else path.absolute() for path in files]
    unique_files = list(dict.fromkeys(absolute))
    if choose is not None:
        unique_files = choose(unique_files)
    sources = []
    for path, name in zip(unique_files, _unique_names(unique_files), strict=True):
        size, changed = 0, 0
        # A link to a file that is gone is listed, so that its record says so.
        if path.exists():
            status = path.stat()
            size, changed = status.st_size, status.st_mtime_ns
        sources.append(Source(path, name, size, changed))
    return sources


def _files_of_folder(folder: Path, suffixes: Sequence[str], may_be_empty: bool) -> list[Path]:
    """List the reflection files of a folder, hidden ones left out."""
    candidates = []
    for path in folder.iterdir():
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            candidates.append(path)
    if not candidates and not may_be_empty:
        raise ArgandError(f"{folder}: holds no reflection file ({' '.join(suffixes)})")
    files = [path for path in candidates if path.is_file() or not path.exists()]
    return sorted(files, key=_numerical_order)


def _numerical_order(path: Path) -> list[tuple[int, int, str]]:
    """Return a sort key in which digits compare as numbers: s9 stands before s10."""
    key = []
    for part in re.split(r"(\d+)", path.name.lower()):
        number = int(part) if part.isdecimal() else 0
        key.append((int(part.isdecimal()), number, part))
    return key


def _unique_names(paths: list[Path]) -> list[str]:
    """Name results after their files, with folder and ending where the bare name is ambiguous."""
    stem_counts = Counter(path.stem for path in paths)
    # Another file may be called as a second answer is.
    second_answers = {second_answer(stem) for stem in stem_counts}
    names = []
    for path in paths:
        if stem_counts[path.stem] == 1 and path.stem not in second_answers:
            names.append(path.stem)
        else:
            names.append(f"{path.parent.name}_{path.stem}_{path.suffix[1:]}")
    for name, count in Counter(names).items():
        if count > 1:
            raise ArgandError(
                f"several files would be called {name!r} in the results: work on them one by one"
            )
    return names
