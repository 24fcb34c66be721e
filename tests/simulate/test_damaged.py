"""Damaged archives and descriptions of samples are refused in one line that names the file."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import argand
from argand.cli._sample_options import displacement_of, read_description
from argand.simulate import (
    Groups,
    Measurement,
    Modes,
    Perturbation,
    Simulation,
    Substitution,
    Unmodelled,
    Waves,
    from_json,
    read_samples,
    to_json,
    write_folder,
    write_samples,
)

CRYSTAL = argand.Crystal(
    cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "O2-"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]]),
    b_iso=2.0,
)
CHANGES = Perturbation(
    [Waves((0.1, 0.2)), Groups(0.1, [[0, 1]]), Modes(np.ones((1, 2, 3)).tolist(), 0.1)],
    substitutions=[Substitution("N", ("C",), (0.0, 0.5))],
    unmodelled=Unmodelled("O"),
    ramp=3,
)
MEASUREMENT = Measurement(noise=0.03, counts=1e4, scale=(0.5, 2.0))
SIMULATION = Simulation(CRYSTAL, CHANGES, MEASUREMENT, d_min=2.0, seed=3)

# Changed archives that are tried, each from a seed of its own.
MUTATIONS = 300


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a whole archive of three samples."""
    path = tmp_path_factory.mktemp("samples") / "s.npz"
    write_samples(path, SIMULATION, SIMULATION.draw(range(3)))
    return path.read_bytes()


def repacked(archive: bytes, **changed: NDArray[Any] | None) -> bytes:
    """Return an archive in which some arrays are others, or gone."""
    with np.load(io.BytesIO(archive)) as content:
        arrays = {name: content[name] for name in content.files}
    arrays.update(changed)
    present = {name: array for name, array in arrays.items() if array is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **present)
    return buffer.getvalue()


def test_a_changed_archive_is_refused_or_sane(archive: bytes, tmp_path: Path) -> None:
    """Bytes are overwritten, cut out or repeated at random places."""
    path = tmp_path / "changed.npz"
    refused = 0
    for seed in range(MUTATIONS):
        generator = random.Random(seed)
        data = bytearray(archive)
        for _ in range(generator.choice((1, 4, 64))):
            data[generator.randrange(len(data))] = generator.randrange(256)
        if seed % 5 == 0:
            del data[generator.randrange(len(data)) :]
        path.write_bytes(data)
        try:
            samples, hkl, _ = read_samples(path)
        except argand.ArgandError as error:
            refused += str(error).startswith(f"{path}: ")
            continue
        assert samples.f.shape == samples.mask.shape == (3, len(hkl))
        assert np.isfinite(samples.f).all()
    # Most changes are noticed, and all of them in words that begin with the name of the file.
    assert refused > MUTATIONS * 3 // 4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"f": np.zeros((3, 7), complex)}, r"f has shape \(3, 7\), needs"),
        ({"f": None}, "has no array 'f'"),
        ({"hkl": np.zeros((0, 3), np.int32)}, "needs"),
        ({"hkl": np.zeros(3, np.int32)}, "hkl has shape"),
        ({"sample": np.float64(3.0)}, r"sample has shape \(\)"),
        ({"displacement": np.zeros(3)}, "displacement has shape"),
        ({"scale": np.array([1.0, np.nan, 1.0])}, "scale holds a number that is not finite"),
        ({"b_change": np.array([1j, 1j, 1j])}, "b_change holds complex128, needs real numbers"),
        ({"cell": np.full((3, 6), "a")}, "cell holds <U1, needs real numbers"),
        ({"about": np.array("[" * 100000)}, "holds no samples"),
        ({"about": np.array("[]")}, "about is list"),
        ({"occ": np.array([[{}]])}, "Object arrays cannot be loaded"),
    ],
)
def test_arrays_that_do_not_fit(
    archive: bytes, tmp_path: Path, changed: dict[str, NDArray[Any] | None], words: str
) -> None:
    path = tmp_path / "changed.npz"
    path.write_bytes(repacked(archive, **changed))
    with pytest.raises(argand.ArgandError, match=words) as error:
        read_samples(path)
    assert str(error.value).startswith(f"{path}: ")


def test_an_archive_beyond_the_memory_limit_is_refused(archive: bytes, tmp_path: Path) -> None:
    """A thousand million zeros take a megabyte in the archive."""
    path = tmp_path / "bomb.npz"
    path.write_bytes(archive)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as content:
        content.writestr("zeros.npy", bytes(10**8))
    limit = argand.memory_limit()
    argand.set_memory_limit(10**7)
    try:
        with pytest.raises(argand.ArgandError, match=r"bomb\.npz: its arrays need 1e\+08 bytes"):
            read_samples(path)
    finally:
        argand.set_memory_limit(limit)


def described() -> dict[str, Any]:
    """Return the description of the simulation as JSON holds it."""
    content = {"perturbation": to_json(CHANGES), "measurement": to_json(MEASUREMENT)}
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def replace_in(content: dict[str, Any], path: str, value: object) -> None:
    """Write a value at a path such as ``perturbation.displacements.0.rms``."""
    *parents, last = path.split(".")
    part: Any = content
    for key in parents:
        part = part[int(key)] if key.isdigit() else part[key]
    part[last] = value


def test_a_description_comes_back() -> None:
    content = described()
    changes = from_json(content["perturbation"])
    assert to_json(changes) == to_json(CHANGES)
    assert to_json(from_json(content["measurement"])) == to_json(MEASUREMENT)
    again = Simulation(CRYSTAL, changes, MEASUREMENT, d_min=2.0, seed=3).draw([0, 2])
    np.testing.assert_array_equal(again.f, SIMULATION.draw([0, 2]).f)


ODD_VALUES = [None, True, "x", [], {}, [[]], -1, 10**30, 10**400, 1e308, ["a", None], {"kind": []}]


def paths_of(content: Any, path: str = "") -> list[str]:
    """Return the paths of all fields of a description."""
    paths: list[str] = []
    if isinstance(content, dict):
        for key, value in content.items():
            paths += [f"{path}{key}", *paths_of(value, f"{path}{key}.")]
    elif isinstance(content, list) and content and isinstance(content[0], dict):
        for index, value in enumerate(content):
            paths += paths_of(value, f"{path}{index}.")
    return paths


@pytest.mark.parametrize("field", paths_of(described()))
def test_a_changed_description_is_refused_or_gives_finite_samples(
    field: str, tmp_path: Path
) -> None:
    path = tmp_path / "simulation.json"
    for value in ODD_VALUES:
        content = described()
        replace_in(content, field, value)
        path.write_text(json.dumps(content))
        try:
            changes, measurement = read_description(path)
            simulation = Simulation(CRYSTAL, changes, measurement, d_min=2.0)
        except argand.ArgandError:
            # The description is impossible, or one of another crystal.
            continue
        for array in simulation.draw(range(2)):
            assert array.dtype.kind not in "fc" or np.isfinite(array).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Waves(harmonics=180), "harmonics is 180, needs to be a whole number from 1 to 32"),
        (lambda: Unmodelled(number=10**12), "number is 1000000000000, needs to be 1 to 1000"),
        (lambda: Perturbation(ramp=10**30), "needs to be 2 to 1000000000 samples"),
        (lambda: Waves(rms=1e308), r"needs a number or a range \(low, high\) from 0 to 1e\+06"),
        (lambda: Waves(rms=10**400), "rms is 1000"),
        (lambda: Measurement(counts=1e300), r"needs a number from 1e-06 to 1e\+18"),
        (lambda: Groups(groups=[]), "groups holds no sites"),
        (lambda: Groups(groups=[[0], []]), "groups holds no sites"),
        (lambda: Modes([[[1e200, 0.0, 0.0]]]), "finite numbers"),
    ],
)
def test_limits_before_work(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (", b"{" * 500],
    ids=["empty", "magic only", "half a header", "text"],
)
def test_a_damaged_file_of_patterns(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "modes.npy"
    path.write_bytes(data)
    with pytest.raises(argand.ArgandError, match=r"modes\.npy: is no array"):
        displacement_of("atoms", 0.1, None, path)
    np.save(path, np.zeros((3, 4)))
    with pytest.raises(argand.ArgandError, match=r"modes\.npy: has shape \(3, 4\)"):
        displacement_of("atoms", 0.1, None, path)


def test_an_empty_file_is_no_sample(tmp_path: Path) -> None:
    paths = write_folder(tmp_path, SIMULATION, range(2))
    content = paths[1].read_bytes()
    paths[1].write_bytes(b"")
    written: list[int] = []
    write_folder(tmp_path, SIMULATION, range(2), progress=written.append)
    assert written == [1]
    assert paths[1].read_bytes() == content
