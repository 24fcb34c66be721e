"""Predict a chunk of reflection files: read and merge them, estimate all at once, write each."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from argand.errors import ArgandError
from argand.estimate.estimate import Answer, Estimate, EstimateOptions, Estimator
from argand.jobs.parallel import SharedCount
from argand.jobs.sources import Source, second_answer
from argand.measured.check_crystal import check_content
from argand.r_factors import r1
from argand.series.folder import SeriesFolder
from argand.series.reading import DataSet, check_data_set, read_data_set, unexplained
from argand.series.record import Record
from argand.series.results import ResultWriter
from argand.series.settings import SeriesSettings

__all__ = ["SeriesWorker", "prepare_worker", "process_chunk"]

# Names of sites in a remark before the rest is only counted.
_NAMES_SHOWN = 5


class SeriesWorker:
    """Predict files with one estimator, and write their results into one folder.

    Parameters
    ----------
    estimator : Estimator
        Estimates displacements of many data sets at once.
    folder : SeriesFolder
        Folder of the series, which has been opened.
    settings : SeriesSettings
        How files are predicted.
    starts : SharedCount, optional
        Counts the starts that are refined.
    """

    def __init__(
        self,
        estimator: Estimator,
        folder: SeriesFolder,
        settings: SeriesSettings,
        starts: SharedCount | None = None,
    ) -> None:
        self.estimator, self.folder, self.settings = estimator, folder, settings
        self.known = estimator.crystal
        self.writer = ResultWriter(folder.path, self.known)
        self.starts = starts
        self.options = EstimateOptions(
            time_limit=settings.time_limit, force=settings.force, on_starts=self._count
        )

    def __call__(self, sources: Sequence[Source]) -> list[Record]:
        """Predict files, and return their records, each written after the results of its file."""
        start = time.perf_counter()
        failures: list[Record] = []
        data_sets: list[DataSet] = []
        for source in sources:
            try:
                data_sets.append(self._read(source))
            except ArgandError as error:
                failures.append(_failure(source, str(error)))
        estimates: Sequence[Estimate | ArgandError] = []
        if data_sets:
            merged = [data_set.merged for data_set in data_sets]
            refine = self.settings.refine
            estimates = self.estimator(merged, refine=refine, options=self.options)
        seconds_per_file = (time.perf_counter() - start) / len(sources)
        records = []
        for data_set, estimate in zip(data_sets, estimates, strict=True):
            try:
                if isinstance(estimate, ArgandError):
                    raise estimate
                records.append(self._write(data_set, estimate, seconds_per_file))
            except ArgandError as error:
                failures.append(_failure(data_set.source, str(error)))
        for record in failures:
            self.folder.write_record(record)
        return records + failures

    def _count(self, starts: int) -> None:
        """Add to the starts that all processes have refined."""
        if self.starts is not None:
            with self.starts.get_lock():
                self.starts.value += starts

    def _read(self, source: Source) -> DataSet:
        """Read a file, and refuse one that cannot be of a crystal like the known one."""
        data_set = read_data_set(
            source,
            self.known,
            self.settings.cell,
            self.estimator.radiation,
            reindex=self.settings.reindex,
        )
        try:
            check_data_set(data_set, self.estimator, explained=True)
        except ArgandError as error:
            # The remark makes sure that an answer is flagged even if it fits.
            return data_set._replace(warnings=(*data_set.warnings, self._forced(error, data_set)))
        return data_set

    def _doubts(self, data_set: DataSet, estimate: Estimate) -> list[str]:
        """List what is doubtful about data that their estimate does not explain.

        Another content is always named: wrong types can fit, and their map is wrong all the same.

        Raises
        ------
        ArgandError
            The data are not those of a crystal like the known one, and are not forced.
        """
        remarks = unexplained(data_set.merged, estimate) if self.settings.refine else []
        try:
            if estimate.flags or remarks:
                remarks += check_data_set(data_set, self.estimator, explained=False)
            if data_set.content is not None:
                remarks += check_content(data_set.content, self.known)
        except ArgandError as error:
            remarks.append(self._forced(error, data_set))
        return remarks

    def _forced(self, error: ArgandError, data_set: DataSet) -> str:
        """Return as a remark why a file would be refused; raise it unless files are forced."""
        if not self.settings.force:
            advice = "; --reindex uses these axes" if data_set.better_axes else ""
            raise ArgandError(f"{error}{advice}")
        return f"unlike the known crystal, and forced: {error}"

    def _write(self, data_set: DataSet, estimate: Estimate, seconds: float) -> Record:
        """Write the results of a file and its record; `seconds` were spent on it before."""
        remarks = [*self._doubts(data_set, estimate), *data_set.warnings]
        if estimate.vibrating is not None:
            remarks.append("its atoms vibrate differently: B of the sites were refined as well")
        if estimate.unseen:
            remarks.append(_unseen_words(estimate.unseen))
        start = time.perf_counter()
        name, merged = data_set.source.name, data_set.merged
        answer = Answer(estimate.displacement, estimate.f, estimate.further)
        names = [name]
        hkl, f = self.writer.write_answer(name, estimate, answer, merged.cell, data_set.axes)
        if estimate.other is not None:
            names.append(second_answer(name))
            self.writer.write_answer(names[1], estimate, estimate.other, merged.cell, data_set.axes)
            remarks.append(f"its mirror image explains it as well: atoms/{names[1]}.cif")
        if self.settings.maps:
            self.writer.write_density(name, hkl, f, merged.cell, merged.d_min)
            radiation = self.estimator.radiation
            if radiation.probe != "x-ray":
                remarks.append(f"the map is of {radiation.probe}s, in {radiation.density_unit}")
        flags = tuple(dict.fromkeys((*estimate.flags, *remarks)))
        seconds += time.perf_counter() - start
        record = _record(data_set, estimate, self.known.labels, flags, seconds)
        record = replace(record, outputs=self.folder.outputs(names))
        self.folder.write_record(record)
        return record


def _record(
    data_set: DataSet,
    estimate: Estimate,
    labels: Sequence[str],
    flags: tuple[str, ...],
    seconds: float,
) -> Record:
    """Summarise an estimate as the record of its file."""
    source, merged = data_set.source, data_set.merged
    measured = np.isfinite(estimate.amplitude)
    calculated_intensity = np.square(estimate.scale * np.abs(estimate.f[measured]))
    length = np.linalg.norm(estimate.displacement, axis=1)
    uncertainty = math.nan
    if len(estimate.sigma):
        uncertainty = float(np.sqrt(np.square(estimate.sigma).mean()))
    return Record(
        name=source.name,
        file=str(source.path),
        axes=data_set.axes,
        size=source.size,
        mtime_ns=source.mtime_ns,
        reflections=int(measured.sum()),
        completeness=merged.completeness,
        d_min=merged.d_min,
        r_known=estimate.r_known,
        r=estimate.r,
        r1=float(r1(merged.intensity, calculated_intensity, merged.strong)),
        rms=float(np.sqrt(np.square(length).mean())),
        uncertainty=uncertainty,
        largest=float(length.max()),
        atom=labels[int(length.argmax())],
        scale=estimate.scale,
        b_change=estimate.b_change,
        flags=flags,
        seconds=round(seconds, 4),
        temperature=math.nan if data_set.temperature is None else data_set.temperature,
        cell=data_set.cell or (),
        displacement=tuple(map(tuple, np.round(estimate.displacement, 5).tolist())),
        sigma=tuple(np.round(estimate.sigma, 5).tolist()),
    )


def _unseen_words(labels: Sequence[str]) -> str:
    """Say of which sites the data say little, the first few by name."""
    names = ", ".join(labels[:_NAMES_SHOWN])
    if len(labels) > _NAMES_SHOWN:
        names += f" and {len(labels) - _NAMES_SHOWN} more"
    return f"the data hardly see {names}: displacements of these sites are guesses"


def _failure(source: Source, reason: str) -> Record:
    """Return the record of a file that could not be used."""
    error = reason.removeprefix(f"{source.path}: ")
    return Record(source.name, str(source.path), source.size, source.mtime_ns, error=error)


# The worker of this process: chunks that follow use the estimator that the first one was given.
_worker_of_process: list[SeriesWorker] = []


def prepare_worker(
    estimator: Estimator, out: Path, settings: SeriesSettings, starts: SharedCount | None = None
) -> None:
    """Make the worker of this process, which `process_chunk` uses."""
    _worker_of_process[:] = [SeriesWorker(estimator, SeriesFolder(out), settings, starts)]


def process_chunk(sources: Sequence[Source]) -> list[Record]:
    """Predict a chunk of files with the worker of this process."""
    return _worker_of_process[0](sources)
