"""Damaged adaptations are refused in one line that names the file, and never overwritten."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import argand
from argand.adapt import Adaptation
from argand.adapt.store import save_adaptation
from argand.cli import main
from argand.errors import ArgandError
from argand.files import locked_folder
from argand.io import write_crystal
from argand.store import read_arrays, write_arrays

pytest.importorskip("safetensors")

Arrays = dict[str, NDArray[Any]]

ODD_VALUES = [None, True, "x", [], {}, [["x"]], -1, 0, 10**30, 10**400, 1e308, [None]]


@pytest.fixture
def folder(made: Adaptation, tmp_path: Path) -> Path:
    """Save an adaptation as an earlier argand did: without the digest of its arrays."""
    path = made.save(tmp_path / "made")
    rewrite_json(path, lambda content: content.pop("arrays_digest"))
    Adaptation.load(path)
    return path


def rewrite_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what adaptation.json holds."""
    path = folder / "adaptation.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def rewrite_arrays(folder: Path, change: Callable[[Arrays], object]) -> None:
    """Change what adaptation.safetensors holds."""
    arrays = {name: array.copy() for name, array in read_arrays(path_of(folder)).items()}
    change(arrays)
    write_arrays(path_of(folder), arrays)


def path_of(folder: Path) -> Path:
    return folder / "adaptation.safetensors"


ARRAYS_REFUSED: dict[str, tuple[Callable[[Arrays], object], str]] = {
    "no curve": (lambda a: a.pop("curve.r"), "has no array 'curve.r'"),
    "no weights": (lambda a: a.pop("0.weights"), "has no array '0.weights'"),
    "an amplitude too few": (
        lambda a: a.update({"0.expected": a["0.expected"][1:]}),
        "0.expected has shape",
    ),
    "a reflection too few": (lambda a: a.update(hkl=a["hkl"][1:]), "has shape"),
    "a site too few": (lambda a: a.update(modes=a["modes"][:, 1:]), "modes has shape"),
    "complex": (
        lambda a: a.update({"curve.width": a["curve.width"].astype(np.complex64)}),
        "curve.width holds complex64, needs real numbers",
    ),
    "integers": (
        lambda a: a.update({"crystal.occ": a["crystal.occ"].astype(int)}),
        "crystal.occ holds int64",
    ),
    "no error": (lambda a: a["0.error"].fill(0.0), "0.error holds 0, needs numbers above 0"),
    "negative spread": (lambda a: a["0.spread"].fill(-1.0), "0.spread holds -1"),
    "huge weights": (lambda a: a["0.weights"].fill(1e30), r"0.weights holds 1e\+30, too large"),
    "infinite modes": (lambda a: a["modes"].fill(np.inf), "modes holds a number that is not"),
    "a falling curve": (
        lambda a: a.update({"curve.r": a["curve.r"][::-1]}),
        "curve.r must rise",
    ),
    "no reflections": (lambda a: a.update(hkl=a["hkl"][:0]), "has shape"),
    "reflections of another crystal": (
        lambda a: a.update(hkl=a["hkl"] * np.int32(50)),
        "reflections beyond the resolution",
    ),
}


@pytest.mark.parametrize("name", ARRAYS_REFUSED)
def test_arrays_that_no_adaptation_has(folder: Path, name: str) -> None:
    change, words = ARRAYS_REFUSED[name]
    rewrite_arrays(folder, change)
    with pytest.raises(ArgandError, match=words) as error:
        Adaptation.load(folder)
    assert str(error.value).startswith(str(folder))


def test_any_changed_field_is_refused_or_harmless(folder: Path) -> None:
    """A damaged adaptation is refused, or is read whole with finite numbers."""
    original = json.loads((folder / "adaptation.json").read_text())
    paths = [(key,) for key in original] + [("settings", key) for key in original["settings"]]
    paths += [("settings", "radiation", key) for key in original["settings"]["radiation"]]
    harmless = set()
    for path in paths:
        for value in ODD_VALUES:
            content = json.loads(json.dumps(original))
            part = content
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = value
            (folder / "adaptation.json").write_text(json.dumps(content))
            try:
                Adaptation.load(folder)
            except ArgandError:
                continue
            harmless.add(path[-1])
    # Settings of samples that were drawn, and words for people, decide nothing any more; a seed
    # and a number of rounds may be any; a null element is no element, a null wavelength
    # none, and an empty list no corrections.
    assert harmless <= {
        "warning",
        "remarks",
        "seed",
        "rounds",
        "noise",
        "b_change",
        "extinction",
        "samples",
        "unmodelled",
        "break_symmetry",
        "network",
        "wavelength",
        "dispersion",
        "corrections",
    }


def test_changed_bytes_are_noticed(made: Adaptation, tmp_path: Path) -> None:
    """Every change of the arrays' file is noticed by its digest."""
    path = path_of(made.save(tmp_path / "made"))
    data = path.read_bytes()
    for seed in range(40):
        generator = random.Random(seed)
        changed = bytearray(data)
        position = generator.randrange(len(changed))
        changed[position] ^= 1 << generator.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(ArgandError, match=r"adaptation\.safetensors: "):
            Adaptation.load(path.parent)


def test_two_folders_are_not_mixed(made: Adaptation, tmp_path: Path) -> None:
    folder, other = made.save(tmp_path / "made"), made.save(tmp_path / "other")
    rewrite_arrays(other, lambda arrays: arrays["0.offset"].__iadd__(0.01))
    path_of(folder).write_bytes(path_of(other).read_bytes())
    with pytest.raises(ArgandError, match=r"is damaged, or of another adaptation"):
        Adaptation.load(folder)


def test_what_cannot_be_saved_is_kept(
    made: Adaptation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that has become a file refuses, as a full disk does."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "made").write_text("")
    with pytest.raises(ArgandError, match=r"made/.*: cannot be written") as error:
        save_adaptation(made, tmp_path / "made")
    rescue = Path(str(error.value).rpartition(" is in ")[2])
    assert rescue.parent == tmp_path
    assert Adaptation.load(rescue).fingerprint == made.fingerprint


def test_two_commands_do_not_work_in_one_folder(
    crystal: argand.Crystal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one is refused before it learns; one that fails leaves no folder behind."""
    write_crystal(tmp_path / "known.cif", crystal)
    out = tmp_path / "made"
    command = ["adapt", str(tmp_path / "known.cif"), "-o", str(out), "--d-min", "1.4"]
    with locked_folder(out):
        assert main(command) == 2
    assert f"{out}: another process is at work in this folder" in capsys.readouterr().err
    assert list(out.iterdir()) == []
    out.rmdir()
    assert main([*command, "--samples", "3"]) == 2
    assert "samples is 3" in capsys.readouterr().err
    assert not out.exists()


def test_a_full_disk_is_refused_at_the_door(
    crystal: argand.Crystal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_crystal(tmp_path / "known.cif", crystal)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4096))
    out = tmp_path / "made"
    assert main(["adapt", str(tmp_path / "known.cif"), "-o", str(out)]) == 2
    words = f"{out}: cannot be written: the disk of {tmp_path} is full"
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_an_adaptation_is_not_overwritten(
    crystal: argand.Crystal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_crystal(tmp_path / "known.cif", crystal)
    out = tmp_path / "made"
    options = ["--d-min", "1.4", "--samples", "60", "--width", "0.2", "--test", "0"]
    command = ["adapt", str(tmp_path / "known.cif"), "-o", str(out), *options]
    assert main(command) == 0
    before = path_of(out).read_bytes()
    capsys.readouterr()
    assert main([*command, "--seed", "1"]) == 2
    assert f"{out}: holds an adaptation already; --force replaces it" in capsys.readouterr().err
    assert path_of(out).read_bytes() == before
    assert main([*command, "--seed", "1", "--force"]) == 0
    assert path_of(out).read_bytes() != before
    assert sorted(path.name for path in out.iterdir()) == [
        "adaptation.json",
        "adaptation.safetensors",
    ]
