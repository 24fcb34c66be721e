"""Samples on disk: one archive of arrays, or a folder of reflection files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from argand._version import __version__
from argand.errors import ArgandError, reading
from argand.files import locked_folder, remove_half_written, replacing, size_of
from argand.io import write_crystal, write_hklf4, write_reflections
from argand.reflections import in_p1
from argand.simulate.description import from_json, to_json
from argand.simulate.samples import Samples
from argand.simulate.simulation import Simulation
from argand.store import axis_length, check_shapes, read_json, read_npz, write_json
from argand.symmetry import find_spacegroup

__all__ = ["read_samples", "write_folder", "write_samples"]

#: Version of the layout of simulation.json
FORMAT = 1

_KIND = "simulation"

# Samples that are drawn together for a folder.
_SAMPLES_AT_ONCE = 64

# Least standard deviation over the mean intensity: every measured file has errors.
_LEAST_SIGMA = 1e-3


def write_samples(path: str | Path, simulation: Simulation, samples: Samples) -> Path:
    """Write samples, `hkl`, `f0` and a description of the simulation to a .npz archive.

    Nothing is pickled. Returns the path.

    Raises
    ------
    ArgandError
        The name does not end in .npz, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix != ".npz":
        raise ArgandError(f"{target}: needs a name that ends in .npz")
    arrays = {"hkl": simulation.hkl, "f0": simulation.f0, **samples._asdict()}
    about = np.array(json.dumps(_about(simulation)))
    with replacing(target) as temporary:
        np.savez_compressed(temporary, about=about, **arrays)
    return target


def read_samples(path: str | Path) -> tuple[Samples, NDArray[np.int32], dict[str, Any]]:
    """Read the samples, hkl (m, 3), and what was simulated, as `write_samples` wrote them.

    Raises
    ------
    ArgandError
        Names a file that is missing, damaged, or holds no samples.
    """
    name = os.fspath(path)
    with reading(path):
        arrays = read_npz(path)
        b = axis_length(arrays, "sample", 0)
        n = axis_length(arrays, "displacement", 1)
        m = axis_length(arrays, "hkl", 0)
        check_shapes(arrays, _shapes(b, n, m), name)
        try:
            about = json.loads(str(arrays["about"]))
        except (ValueError, RecursionError) as error:
            raise ArgandError(f"{name}: holds no samples: {error}") from None
        if not isinstance(about, dict):
            raise ArgandError(f"{name}: holds no samples: about is {type(about).__name__}")
        return Samples(*(arrays[field] for field in Samples._fields)), arrays["hkl"], about


def write_folder(
    folder: str | Path,
    simulation: Simulation,
    indices: Iterable[int],
    *,
    format: Literal["hkl", "mtz"] = "hkl",
    truth: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write each sample to a reflection file of its own, as `argand predict` reads them.

    Files that exist and are not empty are not made again: an interrupted folder is completed.

    Parameters
    ----------
    folder
        Where sample i becomes sample_000i.hkl or .mtz, beside simulation.json.
    simulation, indices
        Where the samples come from, and which are written.
    format
        "hkl": SHELX HKLF 4. "mtz": columns I and SIGI.
    truth
        Whether truth/sample_000i.cif gets the crystal and truth/sample_000i.mtz its F.
    progress
        Called with the number of files after each batch.

    Returns
    -------
    Paths of the reflection files, in the order of the indices.

    Raises
    ------
    ArgandError
        The folder holds samples of another simulation, or another process is at work in it.
    """
    root = Path(folder)
    path_of_index = {i: root / f"sample_{i:04d}.{format}" for i in sorted(set(indices))}
    with locked_folder(root):
        _check_same_simulation(root / "simulation.json", _about(simulation))
        if truth:
            (root / "truth").mkdir(exist_ok=True)
            remove_half_written(root / "truth")
        _write_missing(path_of_index, simulation, truth, progress)
    return list(path_of_index.values())


def _write_missing(
    path_of_index: Mapping[int, Path],
    simulation: Simulation,
    truth: bool,
    progress: Callable[[int], None] | None,
) -> None:
    """Write the samples that have no file, or an empty one."""
    missing = [i for i, path in path_of_index.items() if not size_of(path)]
    for start in range(0, len(missing), _SAMPLES_AT_ONCE):
        batch = missing[start : start + _SAMPLES_AT_ONCE]
        samples = simulation.draw(batch)
        for row, i in enumerate(batch):
            path = path_of_index[i]
            if truth:
                _write_truth(path.parent / "truth" / path.stem, simulation, samples, row)
            # The reflections come last: where they exist, the sample is complete.
            _write_measured(path, simulation, samples, row)
        if progress is not None:
            progress(len(batch))


def _shapes(
    b: int | None, n: int | None, m: int | None
) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Return kinds and shapes of the arrays of b samples of n sites and m reflections."""
    return {
        "hkl": ("i", (m, 3)),
        "f0": ("c", (m,)),
        "about": ("U", ()),
        "sample": ("i", (b,)),
        "f": ("c", (b, m)),
        "amplitude": ("f", (b, m)),
        "intensity": ("f", (b, m)),
        "sigma": ("f", (b, m)),
        "mask": ("b", (b, m)),
        "displacement": ("f", (b, n, 3)),
        "frac": ("f", (b, n, 3)),
        "occ": ("f", (b, None)),
        "vibration": ("f", (b, n)),
        "unmodelled": ("f", (b, None, 3)),
        "cell": ("f", (b, 6)),
        "scale": ("f", (b,)),
        "b_change": ("f", (b,)),
    }


def _write_measured(path: Path, simulation: Simulation, samples: Samples, row: int) -> None:
    """Write the measured reflections of a sample as SHELX HKLF 4 or MTZ, by the suffix."""
    mask = samples.mask[row]
    hkl = simulation.hkl[mask]
    intensity = samples.intensity[row, mask]
    sigma = samples.sigma[row, mask]
    if len(sigma):
        mean = max(float(intensity.mean()), 1e-30)
        sigma = np.maximum(sigma, _LEAST_SIGMA * mean)
    if path.suffix == ".hkl":
        write_hklf4(path, hkl, intensity, sigma)
        return
    # A list of measured reflections is right in P 1 too, where the setting has no name.
    spacegroup = simulation.crystal.spacegroup if _has_name(simulation) else "P 1"
    cell = tuple(samples.cell[row])
    write_reflections(
        path,
        hkl,
        cell=cell,
        spacegroup=spacegroup,
        wavelength=simulation.radiation.wavelength,
        I=intensity,
        SIGI=sigma,
    )


def _write_truth(stem: Path, simulation: Simulation, samples: Samples, row: int) -> None:
    """Write the true structure factors of a sample to STEM.mtz and its crystal to STEM.cif."""
    cell = tuple(samples.cell[row])
    spacegroup = simulation.crystal.spacegroup
    hkl = simulation.hkl
    f = samples.f[row]
    if not _has_name(simulation):
        hkl, expand = in_p1(hkl, spacegroup)
        f = expand(f)
        spacegroup = "P 1"
    path = stem.with_suffix(".mtz")
    write_reflections(
        path,
        hkl,
        f,
        cell=cell,
        spacegroup=spacegroup,
        wavelength=simulation.radiation.wavelength,
    )
    write_crystal(stem.with_suffix(".cif"), simulation.true_crystal(samples, row))


def _has_name(simulation: Simulation) -> bool:
    """Return whether the setting of the space group has a name: MTZ files know no others."""
    return find_spacegroup(simulation.crystal.spacegroup) is not None


def _about(simulation: Simulation) -> dict[str, Any]:
    """Describe a simulation as JSON takes it."""
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


def _check_same_simulation(path: Path, about: dict[str, Any]) -> None:
    """Write what a folder holds; refuse a folder that holds something else."""
    if not path.exists():
        write_json(path, about, kind=_KIND, version=FORMAT)
        return
    saved = read_json(dict[str, Any], path, kind=_KIND, version=FORMAT)
    # A setting that an earlier version did not have has its default.
    for name in ("perturbation", "measurement"):
        if name in saved:
            description = from_json(saved[name], f"{path}: {name}")
            saved[name] = json.loads(json.dumps(to_json(description)))
    # The version of the format decides whether a folder can be completed, not that of argand.
    if saved | {"argand": about["argand"]} != json.loads(json.dumps(about)):
        raise ArgandError(
            f"{path.parent}: holds samples of another simulation, needs another folder"
        )
