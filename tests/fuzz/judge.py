"""Run one input in this process, and tell what became of it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import NamedTuple

from argand.errors import ArgandError
from fuzz.sanity import Nonsense
from fuzz.targets import Files, Target, targets

# Bytes by which an input may raise the memory of the process.
_LARGEST_GROWTH = 2**29

# Failures that are no faults: an input that was read, and one that was refused in one line.
HARMLESS = ("accepted", "refused")


@dataclass(frozen=True)
class Case:
    """Hold an input: the name of its target and its files by name."""

    target: str
    files: Files


class Outcome(NamedTuple):
    """Hold what became of an input: a kind, the place in the code, and what was said."""

    kind: str
    place: str = ""
    words: str = ""

    @property
    def is_failure(self) -> bool:
        """Tell whether the input found a fault."""
        return self.kind not in HARMLESS


def failure_kind(case: Case, outcome: Outcome) -> tuple[str, str, str]:
    """Return what two inputs have in common that found one fault."""
    return case.target, outcome.kind, outcome.place or outcome.words


class _Slow(BaseException):
    """Interrupt an input that takes too long."""


class Judge:
    """Draw inputs from a seed and run them, in a folder of this process alone."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._targets = targets()
        self._seeds: dict[str, list[Files]] = {}

    def draw(self, seed: int, name: str, number: int) -> Case:
        """Draw an input of a target, which follows from the seed of the campaign and its number."""
        random = Random(f"{seed} {name} {number}")
        target = self._targets[name]
        seeds = self._seeds_of(name, target)
        files = target.mutate(random, random.choice(seeds), random.choice(seeds))
        return Case(name, files)

    def run(self, case: Case) -> Outcome:
        """Read an input, and tell what became of it."""
        target = self._targets[case.target]
        folder = self._scratch / "input"
        _clear(folder)
        for name, content in case.files.items():
            (folder / name).write_bytes(content)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if signal.getsignal(signal.SIGVTALRM) is not _interrupt:
            signal.signal(signal.SIGVTALRM, _interrupt)
        signal.setitimer(signal.ITIMER_VIRTUAL, target.longest)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.read(folder)
            outcome = Outcome("accepted")
        except _Slow:
            outcome = Outcome("slow", _place(sys.exc_info()[1]))
        except Nonsense as error:
            outcome = Outcome("nonsense", "", str(error))
        except Exception as error:
            outcome = _judged(error, folder, case)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # The system counts in units of 1024 bytes.
        if (after - before) * 1024 > _LARGEST_GROWTH:
            outcome = Outcome("memory", outcome.place, f"{(after - before) >> 10} MiB")
        return outcome

    def _seeds_of(self, name: str, target: Target) -> list[Files]:
        """Return the seeds of a target, which are read once."""
        if name not in self._seeds:
            self._seeds[name] = target.seeds()
        return self._seeds[name]


def _clear(folder: Path) -> None:
    """Make a folder, or remove what it holds."""
    folder.mkdir(exist_ok=True)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _judged(error: Exception, folder: Path, case: Case) -> Outcome:
    """Tell whether an exception is a refusal in one line, or a fault."""
    message = str(error)
    if isinstance(error, ArgandError):
        cause = error.__cause__
        if cause is not None:
            return Outcome("exception", _place(cause), f"{type(cause).__name__}: {cause}")
        if "\n" in message:
            return Outcome("lines", _place(error), message)
        if case.target != "seam" and str(folder) not in message:
            return Outcome("unnamed", _place(error), message)
        return Outcome("refused")
    # Functions on arrays may complain in Python's own words.
    if case.target == "seam" and type(error) in (ValueError, TypeError) and "\n" not in message:
        return Outcome("refused")
    return Outcome("exception", _place(error), f"{type(error).__name__}: {message}")


def _place(error: BaseException | None) -> str:
    """Return the innermost line of argand in the traceback of an exception."""
    if error is None:
        return ""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        name = frame.filename.replace("\\", "/")
        if "/argand/" in name:
            place = f"{name.rsplit('/argand/', 1)[1]}:{frame.name}"
    return f"{type(error).__name__} in {place}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop an input that takes too long."""
    raise _Slow
