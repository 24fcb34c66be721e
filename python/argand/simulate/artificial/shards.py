"""Artificial crystals on disk: a zarr 3 group with a group for each shard of samples.

A shard is a pure function of the settings, the seed and its number. Its zarr.json, which has the
SHA-256 of every array, is written last: a shard without it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from argand._version import __version__
from argand.errors import ArgandError
from argand.files import locked_folder, remove_half_written
from argand.jobs.parallel import in_chunks, spread, spread_on_scheduler
from argand.simulate.artificial.measured import UniqueReflections
from argand.simulate.artificial.stream import ArtificialStream
from argand.simulate.artificial.zarr import (
    read_array,
    read_attributes,
    write_array,
    write_group,
)
from argand.store import from_builtins, to_builtins

__all__ = ["ShardFolder", "generate_shards", "read_shard"]

#: Version of the layout of the folders
FORMAT = 1

_KIND = "artificial crystals"
_SHARD_KIND = "shard of artificial crystals"

# Samples that are made at once for a shard.
_SAMPLES_AT_ONCE = 512


@dataclass(frozen=True)
class ShardFolder:
    """Describe a folder of shards, as the attributes of its group state it.

    Parameters
    ----------
    stream, seed
        The crystals and their measurement.
    shard
        Samples in each shard; the last one may have fewer.
    spacegroups
        Names of the space groups that the arrays `group` number.
    kind, format
        What the folder is, and the version of its layout.
    """

    stream: ArtificialStream
    seed: int
    shard: int
    spacegroups: tuple[str, ...]
    kind: str = _KIND
    format: int = FORMAT


@dataclass(frozen=True)
class ShardRecord:
    """Describe a complete shard, as the attributes of its group state it.

    Parameters
    ----------
    first, count
        Index of its first sample, and how many it has.
    digests
        SHA-256 of the chunk of each array, by name.
    argand
        Version that made it.
    kind, format
        What the group is, and the version of its layout.
    """

    first: int
    count: int
    digests: dict[str, str]
    argand: str
    kind: str = _SHARD_KIND
    format: int = FORMAT


def generate_shards(
    folder: str | Path,
    stream: ArtificialStream,
    samples: int,
    *,
    seed: int = 0,
    shard: int = 2048,
    workers: int = 1,
    scheduler: str | None = None,
    report: Callable[[str], None] | None = None,
) -> int:
    """Write artificial crystals to a folder; shards that are complete are not made again.

    Every shard that is there is read and compared with its SHA-256. One that is damaged is named
    and made again: the folder is then the same, byte for byte, as without the damage. The same call
    with more samples extends a folder.

    Parameters
    ----------
    folder
        Becomes a zarr 3 group, with one group a shard: s000000, s000001, ...
    stream, seed
        The crystals and their measurement.
    samples
        Samples 0 .. samples - 1 are written.
    shard
        Samples of a shard.
    workers
        Processes that make shards; 1: this one alone.
    scheduler
        Address of a dask.distributed scheduler whose workers make the shards instead.
    report
        Called with a line for each shard that is damaged, and for each that is written.

    Returns
    -------
    The number of shards that were made.

    Raises
    ------
    ArgandError
        The folder holds other samples, cannot be written, or another process is at work in it.
    """
    if samples < 1 or shard < 1:
        raise ArgandError(f"samples is {samples} and shard {shard}, needs 1 or more of each")
    root = Path(folder)
    description = ShardFolder(stream, seed, shard, stream.data(seed).spacegroups)
    made = 0
    with locked_folder(root):
        _check_same(root, description)
        missing = []
        for number in range(-(-samples // shard)):
            count = min(shard, samples - number * shard)
            if not _is_complete(root, number, count, description, report):
                missing.append((number, count))
        chunks: list[Sequence[tuple[int, int]]] = in_chunks(missing, 1)
        arguments = (root.absolute(), description)
        if scheduler is None:
            results = spread(_write, chunks, workers, setup=_prepare, arguments=arguments)
        else:
            results = spread_on_scheduler(
                _write, chunks, scheduler, setup=_prepare, arguments=arguments
            )
        for name in results:
            made += 1
            if report is not None:
                report(f"{root / name}: {made} of {len(missing)} written")
    return made


def read_shard(folder: str | Path, number: int) -> UniqueReflections:
    """Read the samples of a shard that `generate_shards` wrote.

    Parameters
    ----------
    folder
        Folder of all shards.
    number
        Number of the shard, from 0 on.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged.
    """
    group = Path(folder) / _name(number)
    record = _read_record(group)
    if set(record.digests) != set(UniqueReflections._fields):
        raise ArgandError(f"{group}: has not the arrays of a shard")
    arrays = {}
    for name in UniqueReflections._fields:
        arrays[name] = read_array(group / name, record.digests[name])
    reflections = UniqueReflections(**arrays)
    expected = np.arange(record.first, record.first + record.count)
    if not np.array_equal(reflections.sample, expected):
        raise ArgandError(f"{group}: holds other samples than its zarr.json says")
    return reflections


# What a process that writes shards was told: the folder and its description.
_task: tuple[Path, ShardFolder] | None = None


def _prepare(root: Path, description: ShardFolder) -> None:
    """Tell this process which folder it writes to."""
    global _task
    _task = root, description


def _write(chunk: Sequence[tuple[int, int]]) -> str:
    """Write one shard, given by its number and its samples, and return its name."""
    assert _task is not None
    root, description = _task
    (number, count) = chunk[0]
    group = root / _name(number)
    first = number * description.shard
    data = description.stream.data(description.seed)
    indices = np.arange(first, first + count)
    parts = []
    for start in range(0, count, _SAMPLES_AT_ONCE):
        parts.append(data.draw(indices[start : start + _SAMPLES_AT_ONCE]))
    reflections = UniqueReflections.joined(parts)
    # A shard that was damaged is none until it is complete again.
    (group / "zarr.json").unlink(missing_ok=True)
    digests = {}
    for name in UniqueReflections._fields:
        array = getattr(reflections, name)
        if (group / name).is_dir():
            remove_half_written(group / name)
        digests[name] = write_array(group / name, array)
    remove_half_written(group)
    record = ShardRecord(first, count, digests, __version__)
    write_group(group, to_builtins(record))
    return _name(number)


def _name(number: int) -> str:
    """Return the name of the group of a shard."""
    return f"s{number:06d}"


def _check_same(root: Path, description: ShardFolder) -> None:
    """Write what a folder holds; refuse a folder that holds something else."""
    if not (root / "zarr.json").exists():
        write_group(root, to_builtins(description))
        return
    saved = from_builtins(ShardFolder, read_attributes(root), str(root / "zarr.json"))
    if saved != description:
        raise ArgandError(f"{root}: holds other samples, needs another folder")


def _is_complete(
    root: Path,
    number: int,
    count: int,
    description: ShardFolder,
    report: Callable[[str], None] | None,
) -> bool:
    """Tell whether a shard is there and undamaged; report one that is damaged."""
    group = root / _name(number)
    if not (group / "zarr.json").exists():
        return False
    try:
        record = _read_record(group)
        # The last shard of a folder that is extended has too few samples.
        if (record.first, record.count) != (number * description.shard, count):
            return False
        read_shard(root, number)
    except ArgandError as error:
        if report is not None:
            report(f"{error}; the shard is made again")
        return False
    return True


def _read_record(group: Path) -> ShardRecord:
    """Read what a complete shard says of itself."""
    path = group / "zarr.json"
    record = from_builtins(ShardRecord, read_attributes(group), str(path))
    if record.kind != _SHARD_KIND or record.format != FORMAT:
        raise ArgandError(f"{path}: is no shard of format {FORMAT}")
    return record
