"""What is done with a chunk of reflection files: read, merge, estimate all of them at once, write each."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell
from argand.density import grid_shape, map_from_structure_factors
from argand.errors import ArgandError, ArgandWarning
from argand.estimate.estimate import Answer, Estimate, Estimator, with_atom
from argand.estimate.observed import noise
from argand.io import (
    Reflections,
    read_experiment,
    read_reflections,
    write_crystal,
    write_map,
    write_reflections,
)
from argand.measured import Merged, check_data, merge
from argand.radiation import Radiation
from argand.r_factors import r1
from argand.reflections import HklArray, in_p1
from argand.series.folder import SeriesFolder
from argand.series.record import Record
from argand.series.sources import Source
from argand.site_symmetry import cartesian_axes
from argand.symmetry import find_spacegroup

__all__ = ["Options", "Work", "prepare", "work"]


_STATING = (".cif", ".fcf")  # files that may tell of their content
_R_POOR, _BEYOND = (
    0.1,
    3.0,
)  # an R of refined atoms that asks for a reason: this, and so many times the errors


@dataclass(frozen=True)
class Options:
    """How a series is predicted; `cell` is for files that state none and are not of the known crystal's cell."""

    refine: bool = True
    maps: bool = False
    cell: Cell | None = None


class _Data(NamedTuple):
    """A file as it was read, and what was said of it."""

    source: Source
    reflections: Reflections
    merged: Merged
    notes: tuple[str, ...]
    content: dict[str, float] | None  # of the cell, where the file states it


class Work:
    """An estimator at work in a folder."""

    def __init__(self, estimator: Estimator, folder: SeriesFolder, options: Options) -> None:
        self.estimator, self.folder, self.options = estimator, folder, options
        self.known = estimator.crystal
        # files know named settings only: what has none is written in P 1
        self.named = find_spacegroup(self.known.spacegroup) is not None
        self.spacegroup = self.known.spacegroup if self.named else "P 1"

    def __call__(self, sources: Sequence[Source]) -> list[Record]:
        """The records of files, each of them written when its results are."""
        begun = time.perf_counter()
        failed: list[Record] = []
        data: list[_Data] = []
        for source in sources:
            try:
                data.append(self._read(source))
            except ArgandError as error:
                failed.append(_failure(source, str(error)))
        estimates = (
            self.estimator([own.merged for own in data], refine=self.options.refine) if data else []
        )
        each = (time.perf_counter() - begun) / len(sources)
        done = []
        for own, estimate in zip(data, estimates, strict=True):
            try:
                if isinstance(estimate, ArgandError):
                    raise estimate
                done.append(
                    self._write(own, estimate, (*self._doubts(own, estimate), *own.notes), each)
                )
            except ArgandError as error:
                failed.append(_failure(own.source, str(error)))
        for record in failed:
            self.folder.write_record(record)
        return done + failed

    def _doubts(self, own: _Data, estimate: Estimate) -> list[str]:
        """What is odd about data that look odd; an `ArgandError` where that is too much."""
        said = self._unexplained(own.merged, estimate)
        return [*said, *self._check(own, explained=False)] if estimate.flags or said else []

    def _check(self, own: _Data, *, explained: bool) -> list[str]:
        return check_data(
            own.reflections,
            self.known,
            content=own.content,
            radiation=Radiation(self.estimator.radiation.probe),
            merged=own.merged,
            explained=explained,
        )

    def _unexplained(self, merged: Merged, estimate: Estimate) -> list[str]:
        """Where the errors of the data would let a model be better, once it is refined."""
        if not self.options.refine or merged.sigma is None:
            return []
        own = float(noise(estimate.amplitude, estimate.sigma_amplitude))
        if estimate.r < max(_R_POOR, _BEYOND * own):
            return []
        return [
            f"R is {estimate.r:.2f}, errors explain {own:.2f}: another content, or atoms that no model has?"
        ]

    def _read(self, source: Source) -> _Data:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ArgandWarning)
            reflections = read_reflections(source.path)
            cell = self.options.cell or reflections.cell or self.known.cell
            stated = replace(
                reflections, cell=cell, spacegroup=reflections.spacegroup or self.known.spacegroup
            )
            merged = merge(stated, cell=cell, spacegroup=self.known.symops)
        notes = (str(warning.message).removeprefix(f"{source.path}: ") for warning in said)
        content = (
            read_experiment(source.path).content if source.path.suffix.lower() in _STATING else None
        )
        found = _Data(source, stated, merged, tuple(notes), content)
        self._check(
            found, explained=True
        )  # what cannot be right, however well it might be explained, is not tried
        return found

    def _listed(self, hkl: HklArray) -> tuple[HklArray, Callable[[Any], Any]]:
        """Reflections as a file can hold them, and what makes values of theirs from those of `hkl`."""
        return (hkl, lambda values: values) if self.named else in_p1(hkl, self.known.symops)

    def _write(
        self, own: _Data, estimate: Estimate, notes: tuple[str, ...], seconds: float
    ) -> Record:
        begun = time.perf_counter()
        source, merged = own.source, own.merged
        measured = np.isfinite(estimate.amplitude)
        cell, u = merged.cell, estimate.displacement
        hkl, f = self._answer(source.name, estimate, Answer(u, estimate.f, estimate.further), cell)
        if estimate.other is not None:
            self._answer(f"{source.name}_other", estimate, estimate.other, cell)
            notes = (*notes, f"its mirror image explains it as well: atoms/{source.name}_other.cif")
        if self.options.maps:
            shape = grid_shape(cell, self.spacegroup, merged.d_min)
            rho = map_from_structure_factors(hkl, f, shape, cell=cell, spacegroup=self.spacegroup)
            write_map(self.folder.path / "maps" / f"{source.name}.ccp4", rho, cell, self.spacegroup)
        length = np.linalg.norm(u, axis=1)
        calculated = np.square(estimate.scale * np.abs(estimate.f[measured]))
        record = Record(
            name=source.name,
            file=str(source.path),
            size=source.size,
            mtime_ns=source.mtime_ns,
            reflections=int(measured.sum()),
            completeness=merged.completeness,
            d_min=merged.d_min,
            r_known=estimate.r_known,
            r=estimate.r,
            r1=float(r1(merged.intensity, calculated, merged.strong)),
            rms=float(np.sqrt(np.square(length).mean())),
            uncertainty=float(np.sqrt(np.square(estimate.sigma).mean()))
            if len(estimate.sigma)
            else float("nan"),
            largest=float(length.max()),
            atom=self.known.labels[int(length.argmax())],
            scale=estimate.scale,
            b_change=estimate.b_change,
            flags=tuple(dict.fromkeys((*estimate.flags, *notes))),
            seconds=round(seconds + time.perf_counter() - begun, 4),
            displacement=tuple(tuple(row) for row in np.round(u, 5).tolist()),
            sigma=tuple(np.round(estimate.sigma, 5).tolist()),
        )
        self.folder.write_record(record)
        return record

    def _answer(
        self, name: str, estimate: Estimate, found: Answer, cell: Cell
    ) -> tuple[HklArray, NDArray[Any]]:
        """Write phases and atoms that were found; returned are the measured |F| with these phases."""
        measured = np.isfinite(estimate.amplitude)
        hkl, turn = self._listed(estimate.hkl[measured])
        phased = estimate.amplitude * np.exp(1j * np.angle(found.f))
        f, f_calc = (turn(values[measured]) for values in (phased, found.f))
        sigma = np.abs(turn(estimate.sigma_amplitude[measured]))
        path = self.folder.path / "phases" / f"{name}.mtz"
        write_reflections(
            path, hkl, f, cell=cell, spacegroup=self.spacegroup, SIGF=sigma, FC=f_calc
        )
        moved = self.known.frac + found.displacement @ np.linalg.inv(cartesian_axes(self.known)).T
        crystal = with_atom(self.known.replace(frac=moved, cell=cell), found.further)
        write_crystal(self.folder.path / "atoms" / f"{name}.cif", crystal, name=name)
        return hkl, f


def _failure(source: Source, words: str) -> Record:
    words = words.removeprefix(f"{source.path}: ")
    return Record(source.name, str(source.path), source.size, source.mtime_ns, error=words)


_ready: list[Work] = []  # one a process: chunks that follow use what the first has loaded


def prepare(load: Callable[[Path], Estimator], adapted: Path, out: Path, options: Options) -> None:
    """Load what `work` needs, once a process."""
    _ready[:] = [Work(load(adapted), SeriesFolder(out), options)]


def work(sources: Sequence[Source]) -> list[Record]:
    """`Work` as it was prepared in this process, on a chunk of files."""
    return _ready[0](sources)
