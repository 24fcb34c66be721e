"""Samples on disk: one archive of arrays, or a folder with a reflection file for each as a beamline leaves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from argand._version import __version__
from argand.errors import ArgandError
from argand.files import replacing
from argand.io import write_crystal, write_hklf4, write_reflections
from argand.reflections import in_p1
from argand.simulate.description import to_json
from argand.simulate.samples import Samples
from argand.simulate.simulation import Simulation
from argand.symmetry import find_spacegroup

__all__ = ["read_samples", "write_folder", "write_samples"]


def write_samples(path: str | Path, simulation: Simulation, samples: Samples) -> Path:
    """Write the fields of `Samples`, `hkl`, `f0`, and what was simulated (JSON), to a .npz; nothing is pickled."""
    target = Path(path)
    if target.suffix != ".npz":
        raise ArgandError(f"{target}: needs a name that ends in .npz")
    about = json.dumps(_about(simulation))
    with replacing(target) as name:
        np.savez_compressed(
            name, hkl=simulation.hkl, f0=simulation.f0, about=np.array(about), **samples._asdict()
        )
    return target


def read_samples(path: str | Path) -> tuple[Samples, NDArray[np.int32], dict[str, Any]]:
    """What `write_samples` wrote: samples, hkl, and what was simulated."""
    try:
        with np.load(path, allow_pickle=False) as file:
            samples = Samples(*(file[name] for name in Samples._fields))
            return samples, file["hkl"], json.loads(str(file["about"]))
    except (OSError, ValueError, KeyError) as error:
        raise ArgandError(f"{path}: holds no samples: {error}") from None


def write_folder(
    folder: str | Path,
    simulation: Simulation,
    indices: Iterable[int],
    *,
    format: Literal["hkl", "mtz"] = "hkl",
    truth: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write sample i to FOLDER/sample_000i.hkl (SHELX HKLF 4) or .mtz (I, SIGI): what `argand predict` reads.

    With `truth` FOLDER/truth/sample_000i.cif is the crystal and FOLDER/truth/sample_000i.mtz its F. Files that are
    there already are not made again: an interrupted folder is completed. Returns the reflection files.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    _same_simulation(root / "simulation.json", _about(simulation))
    if truth:
        (root / "truth").mkdir(exist_ok=True)
    wanted = sorted(set(indices))
    paths = [root / f"sample_{i:04d}.{format}" for i in wanted]
    todo = [(i, path) for i, path in zip(wanted, paths, strict=True) if not path.exists()]
    for start in range(0, len(todo), 64):
        part = todo[start : start + 64]
        samples = simulation.draw([i for i, _ in part])
        for row, (_, path) in enumerate(part):
            if truth:
                _write_truth(root / "truth" / path.stem, simulation, samples, row)
            _write_measured(path, simulation, samples, row)  # last: what is there is complete
        if progress is not None:
            progress(len(part))
    return paths


def _write_measured(path: Path, simulation: Simulation, samples: Samples, row: int) -> None:
    seen = samples.mask[row]
    intensity, sigma = samples.intensity[row, seen], samples.sigma[row, seen]
    # a file without errors is none that a measurement leaves
    sigma = np.maximum(sigma, 1e-3 * max(float(intensity.mean()), 1e-30)) if len(sigma) else sigma
    hkl = simulation.hkl[seen]
    if path.suffix == ".hkl":
        write_hklf4(path, hkl, intensity, sigma)
    else:
        # a list of measured reflections is one in any setting, named or not
        group = simulation.crystal.spacegroup if _named(simulation) else "P 1"
        write_reflections(
            path, hkl, cell=tuple(samples.cell[row]), spacegroup=group, I=intensity, SIGI=sigma
        )


def _write_truth(stem: Path, simulation: Simulation, samples: Samples, row: int) -> None:
    cell, group, hkl, f = (
        tuple(samples.cell[row]),
        simulation.crystal.spacegroup,
        simulation.hkl,
        samples.f[row],
    )
    if not _named(simulation):
        hkl, turn = in_p1(hkl, group)
        group, f = "P 1", turn(f)
    write_reflections(stem.with_suffix(".mtz"), hkl, f, cell=cell, spacegroup=group)
    write_crystal(stem.with_suffix(".cif"), simulation.true_crystal(samples, row))


def _named(simulation: Simulation) -> bool:
    """Whether the setting has a name: MTZ files know no other ones."""
    return find_spacegroup(simulation.crystal.spacegroup) is not None


def _about(simulation: Simulation) -> dict[str, Any]:
    crystal = simulation.crystal
    return {
        "argand": __version__,
        "formula": crystal.formula,
        "cell": list(crystal.cell),
        "spacegroup": crystal.spacegroup,
        "reflections": len(simulation.hkl),
        "seed": simulation.seed,
        "perturbation": to_json(simulation.perturbation),
        "measurement": to_json(simulation.measurement),
    }


def _same_simulation(path: Path, about: dict[str, Any]) -> None:
    """Write what a folder holds; refuse one that holds something else."""
    text = json.dumps(about, indent=1) + "\n"
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise ArgandError(
                f"{path.parent}: holds samples of another simulation, needs another folder"
            )
        return
    with replacing(path) as name:
        Path(name).write_text(text, encoding="utf-8")
