"""JSON that is checked against dataclasses, and arrays: what comes back, and what is refused."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argand.errors import ArgandError
from argand.radiation import Radiation
from argand.store import (
    from_builtins,
    read_arrays,
    read_json,
    to_builtins,
    write_arrays,
    write_json,
    write_text,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@dataclass(frozen=True)
class StoredStep:
    width: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredSettings:
    radiation: Radiation
    steps: tuple[StoredStep, ...] = ()
    limits: dict[str, StoredStep] = field(default_factory=dict)
    seed: int | None = None


SETTINGS = StoredSettings(
    Radiation("x-ray", 0.71, dispersion=True),
    (StoredStep(0.1, ("C1", "O2")), StoredStep(0.25)),
    {"low": StoredStep(1e-300)},
    seed=7,
)


def write(path: Path, **content: Any) -> Path:
    """Write JSON that claims to be settings of version 1."""
    path.write_text(json.dumps({"kind": "settings", "format": 1, **content}))
    return path


def read(path: Path) -> StoredSettings:
    return read_json(StoredSettings, path, kind="settings", version=1)


def test_settings_come_back(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", SETTINGS, kind="settings", version=1)
    assert read(tmp_path / "x.json") == SETTINGS
    assert list(json.loads((tmp_path / "x.json").read_text()))[:2] == ["kind", "format"]
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


@given(FINITE, st.lists(st.text(), max_size=3), st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=50, deadline=None)
def test_every_value_comes_back(width: float, names: list[str], seed: int) -> None:
    content = StoredSettings(Radiation(), (StoredStep(width, tuple(names)),), seed=seed)
    text = json.dumps(to_builtins(content))
    assert from_builtins(StoredSettings, json.loads(text), "x") == content


def test_arrays_numbers_and_paths_become_plain() -> None:
    content = {"a": np.arange(3.0), "b": np.int64(4), "c": Path("x"), "d": (True, None)}
    assert to_builtins(content) == {"a": [0.0, 1.0, 2.0], "b": 4, "c": "x", "d": (True, None)}
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        to_builtins(object())


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_not_written(tmp_path: Path, number: float) -> None:
    """NaN that msgspec turns into null would be read as something else."""
    path = tmp_path / "x.json"
    path.write_text("old")
    with pytest.raises(ArgandError, match=r"x\.json: cannot hold NaN or infinity"):
        write_json(path, {"width": number}, kind="settings", version=1)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "missing required field `radiation`"),
        ({"radiation": {"probe": "x-ray"}, "colour": 1}, "unknown field `colour` - at `\\$`"),
        (
            {"radiation": {"probe": "x-ray", "mode": 1}},
            "unknown field `mode` - at `\\$.radiation`",
        ),
        (
            {"radiation": {}, "steps": [{"width": 1.0}, {"width": 1.0, "depth": 2}]},
            r"unknown field `depth` - at `\$.steps\[1\]`",
        ),
        (
            {"radiation": {}, "limits": {"low": {"width": 1.0, "depth": 2}}},
            r"unknown field `depth` - at `\$.limits\['low'\]`",
        ),
        ({"radiation": {}, "seed": "7"}, "Expected `int | null`, got `str` - at `\\$.seed`"),
        ({"radiation": {}, "seed": 7.5}, "Expected `int | null`, got `float`"),
        ({"radiation": {}, "seed": True}, "Expected `int | null`, got `bool`"),
        ({"radiation": {}, "steps": [{"width": "1"}]}, "Expected `float`, got `str`"),
        ({"radiation": {}, "steps": {}}, "Expected `array`, got `object`"),
        ({"radiation": {"probe": "muon"}}, "Invalid enum value 'muon'"),
        ({"radiation": {"wavelength": -1.0}}, "wavelength is -1.0, needs to be positive"),
        ({"radiation": {"dispersion": True}}, "dispersion needs x-rays of a known wavelength"),
    ],
)
def test_content_that_does_not_fit_is_named(
    tmp_path: Path, content: dict[str, Any], words: str
) -> None:
    path = write(tmp_path / "x.json", **content)
    with pytest.raises(ArgandError, match=words.replace("|", r"\|")) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ('{"kind": "settings", "format": 1, "seed": NaN}', "NaN is no number of JSON"),
        ('{"kind": "settings", "format": 1, "seed": 1e999}', "1e999 is too large"),
        ('{"kind": "settings", "format": 1, "seed": -Infinity}', "-Infinity is no number"),
        ("[" * 100_000, "is no JSON: "),
        ("[1, 2]", "is no settings of argand"),
        ("null", "is no settings of argand"),
        ('{"kind": "weights", "format": 1}', "is no settings of argand"),
        ('{"kind": "settings", "format": 2}', "has format 2, needs 1: made by another version"),
        ('{"kind": "settings"}', "has format None, needs 1"),
        ('"\\ud800"', "is no settings of argand"),
    ],
)
def test_files_that_are_no_settings(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ArgandError, match=words) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgandError, match=r"x\.json: cannot be read: No such file"):
        read(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArgandError, match=r"x\.json: is no JSON"):
        read(tmp_path / "x.json")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_settings_are_read_or_refused(data: st.DataObject) -> None:
    """Cut short, with bytes changed, lost or put in: settings or one line, nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        write_json(path, SETTINGS, kind="settings", version=1)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            position = data.draw(st.integers(0, len(content)))
            length = data.draw(st.integers(0, 2))
            content[position : position + length] = data.draw(st.binary(max_size=3))
        path.write_bytes(bytes(content))
        complaint = f"{path}: "
        try:
            read(path)
        except ArgandError as error:
            complaint = str(error)
        assert complaint.startswith(f"{path}: ")
        assert "\n" not in complaint


class TestArrays:
    pytest.importorskip("safetensors")

    def test_arrays_come_back(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(1)
        arrays = {
            "doubles": rng.normal(size=(3, 4)),
            "singles": rng.normal(size=5).astype(np.float32),
            "indices": rng.integers(-9, 9, (4, 3)).astype(np.int32),
            "flags": np.array([True, False]),
            "empty": np.empty((0, 3)),
            # A transposed array is not contiguous.
            "transposed": rng.normal(size=(2, 3)).T,
        }
        write_arrays(tmp_path / "x.safetensors", arrays)
        stored = read_arrays(tmp_path / "x.safetensors")
        assert stored.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(stored[name], array)
            assert stored[name].dtype == array.dtype
        assert len(list(tmp_path.iterdir())) == 1

    def test_missing_and_damaged_files_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "x.safetensors"
        with pytest.raises(ArgandError, match=r"x\.safetensors: is missing"):
            read_arrays(path)
        write_arrays(path, {"a": np.arange(100.0)})
        whole = path.read_bytes()
        for damaged in (b"", b"hello", whole[:50], whole[:-8], b"\xff" * 100):
            path.write_bytes(damaged)
            with pytest.raises(ArgandError, match=r"x\.safetensors: is no safetensors file: "):
                read_arrays(path)

    @pytest.mark.parametrize("number", [np.nan, np.inf])
    def test_numbers_that_are_not_finite_are_refused(self, tmp_path: Path, number: float) -> None:
        path = tmp_path / "x.safetensors"
        write_arrays(path, {"good": np.ones(2), "bad": np.array([1.0, number])})
        with pytest.raises(ArgandError, match="bad holds a number that is not finite"):
            read_arrays(path)


def test_text_is_written_in_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "Å")
    assert (tmp_path / "x").read_bytes() == "Å".encode()


def test_arrays_on_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files fails as a full disk does, in the words of safetensors."""
    pytest.importorskip("safetensors")
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"a": np.zeros(3)})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ArgandError, match=r"x\.safetensors: cannot be written: "):
            write_arrays(path, {"a": np.zeros(3000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]
