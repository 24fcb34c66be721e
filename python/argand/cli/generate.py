"""The verb ``argand generate``: artificial crystals in shards. It needs the core only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from argand.cli._extras import need_scheduler
from argand.cli._outputs import check_output_folder
from argand.simulate.artificial import ArtificialStream, atom_range, generate_shards

__all__ = ["generate"]


def generate(
    folder: Path,
    *,
    groups: str = "cod",
    kind: Literal["atoms", "fragments", "inorganic"] = "fragments",
    atoms: list[int] | None = None,
    samples: int = 10_000,
    shard: int = 2048,
    seed: int = 0,
    d_min: float = 1.0,
    noise: float = 0.0,
    missing: float = 0.0,
    workers: int = 1,
    scheduler: str | None = None,
) -> None:
    """Write artificial crystals and what is measured of them, in shards of the format zarr 3.

    Sample i is a pure function of the seed and i. The same command goes on where an interrupted one
    stopped; shards that are damaged are named and made again, and more samples extend a folder.

    Parameters
    ----------
    folder : FOLDER
        Write the shards into this folder.
    groups : GROUPS
        Draw crystals of these space groups, such as P-1,P21/c or P-1:0.7,P21/c:0.3; cod draws all
        230 as often as they are found.
    kind
        Fill the cells with single atoms, with molecules of flat fragments and chains, or with ions.
    atoms : N [N_MAX]
        Give the crystals N to N_MAX independent atoms (default: 8 24).
    samples : N
        Write N samples.
    shard : N
        Put N samples into each shard.
    seed : N
        Seed all random numbers with this integer.
    d_min : A
        Compute reflections to this resolution in angstrom.
    noise : X
        Give |F| a relative error of this size, such as 0.04.
    missing : SHARE
        Lose this share of the reflections at random.
    workers : N
        Make shards in N processes.
    scheduler : ADDRESS
        Let the workers of this dask.distributed scheduler make the shards, such as
        tcp://host:8786; they must see the folder under the same path.
    """
    need_scheduler(scheduler)
    stream = ArtificialStream(groups, kind, atom_range(atoms), d_min, noise, missing)
    check_output_folder(folder)
    new_shards = generate_shards(
        folder,
        stream,
        samples,
        seed=seed,
        shard=shard,
        workers=workers,
        scheduler=scheduler,
        report=_report,
    )
    total = -(-samples // shard)
    print(f"{folder}: {samples} samples in {total} shards, {new_shards} of them new")


def _report(line: str) -> None:
    """Print a line about a shard on standard error."""
    print(f"argand generate: {line}", file=sys.stderr)
