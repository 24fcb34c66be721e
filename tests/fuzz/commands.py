"""Type commands of argand with odd options, and check their exit code and what they print.

A command is JSON: a list of words, in which `{folder}` stands for the folder of its files.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import argand
from argand.errors import ArgandError
from fuzz import odd, sanity
from fuzz.readers import NO_NUMBER
from fuzz.sanity import Nonsense
from fuzz.seeds_of_crystals import command_files

__all__ = ["COMMAND", "draw", "read"]

#: Name of the file that holds the words of a command
COMMAND = "command.json"

# Ordinary options of each verb, in the order in which they are typed.
_OPTIONS: dict[str, list[list[str]]] = {
    "sf": [
        ["{folder}/x.cif"],
        ["--d-min", "1.5"],
        ["-o", "{folder}/out.mtz"],
        ["--table", "electron"],
        ["--energy-kev", "8.0"],
        ["--sphere"],
        ["--anomalous"],
        ["--f000"],
    ],
    "map": [
        ["{folder}/x.mtz"],
        ["-o", "{folder}/out.ccp4"],
        ["--sample-rate", "3.0"],
        ["--shape", "8", "8", "9"],
    ],
    "info": [
        ["{folder}/x.hkl"],
        ["--structure", "{folder}/x.cif"],
        ["--cell", "5", "6", "7", "90", "97.5", "90"],
        ["--spacegroup", "P 1 21/c 1"],
        ["--wavelength", "0.71073"],
        ["--contents", "C8 H16 O4"],
        ["--hklf", "4"],
        ["--json"],
    ],
    "simulate": [
        ["{folder}/x.cif"],
        ["--d-min", "2.5"],
        ["--samples", "2"],
        ["-o", "{folder}/out.npz"],
        ["--seed", "3"],
        ["--rms", "0.1", "0.2"],
        ["--move", "waves"],
        ["--atoms", "C", "O1"],
        ["--strain", "0.01"],
        ["--vibration", "0.1"],
        ["--substitute", "O1:N:0.1"],
        ["--unmodelled", "N"],
        ["--break-symmetry"],
        ["--ramp"],
        ["--noise", "0.04"],
        ["--counts", "1000"],
        ["--scale", "0.5", "2.0"],
        ["--b-change", "0.2"],
        ["--missing", "0.1"],
        ["--strongest", "0.01"],
        ["--wedge", "10"],
    ],
    "predict": [
        ["{folder}/x.cif"],
        ["{folder}/x.hkl"],
        ["-o", "{folder}/out", "--workers", "1", "--no-report", "--no-progress"],
        ["--time-limit", "0.1"],
        ["--cell", "5", "6", "7", "90", "97.5", "90"],
        ["--no-refine"],
        ["--maps"],
        ["--reindex"],
        ["--force"],
    ],
}

# Options without which a verb does nothing: its files, and where the results go.
_FIRST = {"sf": 3, "map": 2, "info": 1, "simulate": 4, "predict": 3}

# Numbers that make a command long are left out: what they need is refused by the limit of memory.
_SHORTEST_D = 0.3
_MOST_SAMPLES = 20

# One complaint, of one line, and warnings before it.
_COMPLAINT = re.compile(r"(?:argand \w+: warning: .*\n)*argand(?: \w+)?: (?!warning: ).*\n")


def draw(random: Random) -> bytes:
    """Draw a command: some options of a verb, up to three words of which are odd."""
    verb = random.choice(list(_OPTIONS))
    options = [list(option) for option in _OPTIONS[verb]]
    first = _FIRST[verb]
    chosen = options[:first]
    for option in options[first:]:
        if random.random() < 0.3:
            chosen.append(option)
    for _ in range(random.choice((1, 1, 2, 3))):
        is_ordinary = random.random() < 0.7 and len(chosen) > first
        option = random.choice(chosen[first:] if is_ordinary else chosen)
        # Names of options are changed less often than what follows them.
        word_index = random.randrange(len(option) > 1 and random.random() < 0.9, len(option))
        kind = random.random()
        if kind < 0.8:
            option[word_index] = _odd_word(random, option)
        elif kind < 0.9 and len(option) > 1:
            del option[word_index]
        else:
            option.insert(word_index, _odd_word(random, option))
    words = [verb]
    for option in chosen:
        words += option
    return json.dumps(words).encode()


def _odd_word(random: Random, option: list[str]) -> str:
    """Return a number or a word that makes no command long."""
    kind = random.random()
    word = random.choice(odd.NUMBERS if kind < 0.7 else odd.WORDS)
    if kind < 0.4:
        word = random.choice(("0", "1", "2", "2.5", "1e-3", "1e-30", "3", "20", "0.5", "-1", "90"))
    try:
        number = float(word)
    except ValueError:
        # A text of a file must not have a byte of value 0, and no other word has one.
        return word
    is_long = 1e-3 < abs(number) < _SHORTEST_D or _MOST_SAMPLES < number < 1e12
    return "2.5" if is_long or "--shape" in option else word


def read(folder: Path) -> None:
    """Run a command in its folder; raise `Nonsense` or the error of argand that it prints."""
    from argand.cli import main

    words = json.loads((folder / COMMAND).read_bytes())
    for name, content in command_files().items():
        (folder / name).write_bytes(content)
    typed = [word.replace("{folder}", str(folder)) for word in words]
    # A word like ../.. stays within the folder.
    inside = folder / "a" / "b" / "c"
    inside.mkdir(parents=True)
    output, complaint = io.StringIO(), io.StringIO()
    limit = argand.memory_limit()
    with (
        _working_in(inside),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(complaint),
    ):
        code = main(typed)
    argand.set_memory_limit(limit)
    argand.set_num_threads(1)
    printed = complaint.getvalue()
    if code not in (0, 2, 3) or "Traceback" in printed:
        raise RuntimeError(f"exit code {code}: {printed[-300:]}")
    if code == 0:
        match = NO_NUMBER.search(output.getvalue())
        if match is not None and not NO_NUMBER.search(" ".join(words)):
            raise Nonsense(f"the command prints {match[0]}")
        _check_results(folder)
        return
    if code == 2 and not _COMPLAINT.fullmatch(printed):
        raise Nonsense(f"exit code 2 with {printed[-300:]!r}")
    raise ArgandError(f"{folder}: {printed}")


@contextlib.contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Make a folder the working one for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _check_results(folder: Path) -> None:
    """Read what a command has written."""
    for path in folder.glob("out*"):
        if path.suffix == ".mtz":
            sanity.check_reflections(argand.read_reflections(path))
        elif path.suffix == ".ccp4":
            sanity.check_finite("density", argand.read_map(path)[0])
        elif path.suffix == ".npz":
            from argand.simulate import read_samples

            sanity.check_arrays(read_samples(path)[0]._asdict())
