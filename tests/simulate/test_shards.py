"""Test shards on disk: complete, resumable, the same after damage, and readable as zarr 3."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from argand.cli import main
from argand.errors import ArgandError
from argand.simulate.artificial import (
    ArtificialStream,
    UniqueReflections,
    generate_shards,
    read_shard,
)

STREAM = ArtificialStream("P-1,P21/c,P1", kind="atoms", atoms=(3, 5), d_min=1.5, noise=0.02)
SAMPLES, SHARD, SEED = 11, 4, 3


def content_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder by their relative names, lock files left out."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if not path.name.startswith(".argand")
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three shards."""
    folder = tmp_path_factory.mktemp("shards") / "all"
    assert generate_shards(folder, STREAM, SAMPLES, seed=SEED, shard=SHARD) == 3
    return folder


def test_shards_hold_the_samples_of_the_stream(undisturbed: Path) -> None:
    data = STREAM.data(SEED)
    for number, count in enumerate((4, 4, 3)):
        shard = read_shard(undisturbed, number)
        expected = data.draw(range(number * SHARD, number * SHARD + count))
        for name in UniqueReflections._fields:
            array = getattr(shard, name)
            np.testing.assert_array_equal(array, getattr(expected, name), err_msg=name)
            assert array.dtype == getattr(expected, name).dtype


def test_complete_shards_are_not_made_again(undisturbed: Path) -> None:
    before = content_of(undisturbed)
    assert generate_shards(undisturbed, STREAM, SAMPLES, seed=SEED, shard=SHARD) == 0
    assert content_of(undisturbed) == before


def test_a_folder_can_be_extended(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "grown"
    generate_shards(folder, STREAM, 6, seed=SEED, shard=SHARD)
    # The second shard had two of its four samples.
    assert generate_shards(folder, STREAM, SAMPLES, seed=SEED, shard=SHARD) == 2
    assert content_of(folder) == content_of(undisturbed)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("s000001/f/0.0", lambda data: data[: len(data) // 2]),
        ("s000001/e/0.0", lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:]),
        ("s000001/hkl/0.0.0", lambda data: b""),
        ("s000001/mask/zarr.json", lambda data: data.replace(b'"bool"', b'"int32"')),
        ("s000001/zarr.json", lambda data: data[:-20]),
        ("s000001/zarr.json", lambda data: data.replace(b'"first": 4', b'"first": "x"')),
    ],
)
def test_a_damaged_shard_is_named_and_made_again(
    undisturbed: Path, tmp_path: Path, file: str, damage: object
) -> None:
    folder = tmp_path / "damaged"
    generate_shards(folder, STREAM, SAMPLES, seed=SEED, shard=SHARD)
    path = folder / file
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ArgandError, match="s000001"):
        read_shard(folder, 1)
    lines: list[str] = []
    made = generate_shards(folder, STREAM, SAMPLES, seed=SEED, shard=SHARD, report=lines.append)
    assert made == 1
    assert "s000001" in lines[0]
    assert lines[0].endswith("the shard is made again")
    assert content_of(folder) == content_of(undisturbed)


def test_other_samples_need_another_folder(undisturbed: Path) -> None:
    with pytest.raises(ArgandError, match="holds other samples, needs another folder"):
        generate_shards(undisturbed, STREAM, SAMPLES, seed=SEED + 1, shard=SHARD)


def test_arrays_follow_the_format(undisturbed: Path) -> None:
    """Every array states shape, type, one chunk and its codecs, as zarr 3 wants them."""
    root = json.loads((undisturbed / "zarr.json").read_text())
    assert root["zarr_format"] == 3
    assert root["attributes"]["stream"]["spacegroups"] == "P-1,P21/c,P1"
    assert root["attributes"]["seed"] == SEED
    array = json.loads((undisturbed / "s000000" / "f" / "zarr.json").read_text())
    assert array["node_type"] == "array"
    assert array["data_type"] == "complex64"
    assert array["shape"] == list(read_shard(undisturbed, 0).f.shape)
    assert [codec["name"] for codec in array["codecs"]] == ["bytes", "gzip"]


def test_zarr_reads_the_shards(undisturbed: Path) -> None:
    """The reference implementation finds the same numbers."""
    zarr = pytest.importorskip("zarr", minversion="3")
    root = zarr.open_group(undisturbed, mode="r")
    shard = read_shard(undisturbed, 2)
    for name in UniqueReflections._fields:
        np.testing.assert_array_equal(root["s000002"][name][...], getattr(shard, name))


def test_the_verb_writes_shards(
    undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "by-verb"
    options = ["--groups", "P-1,P21/c,P1", "--kind", "atoms", "--atoms", "3", "5", "--d-min", "1.5"]
    options += ["--noise", "0.02", "--samples", "11", "--shard", "4", "--seed", str(SEED)]
    assert main(["generate", str(folder), *options]) == 0
    assert "11 samples in 3 shards, 3 of them new" in capsys.readouterr().out
    assert content_of(folder) == content_of(undisturbed)
    assert main(["generate", str(folder), *options[:-1], "4"]) == 2
    assert "needs another folder" in capsys.readouterr().err
    assert main(["generate", str(tmp_path / "new"), "--groups", "P-1,nonsense"]) == 2
    assert not (tmp_path / "new").exists()
