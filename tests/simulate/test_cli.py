"""`argand simulate`: what it prints and writes, and that bad input is one line and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import main
from argand.io import write_crystal
from argand.simulate import read_samples

CRYSTAL = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0),
    spacegroup="P 1 21/c 1",
    types=("C", "N", "O", "H"),
    labels=("C1", "N1", "O1", "H1"),
    frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1], [0.2, 0.4, 0.3], [0.03, 0.13, 0.28]]),
    b_iso=2.0,
)


@pytest.fixture
def cif(tmp_path: Path) -> Path:
    """The known crystal as a CIF."""
    write_crystal(tmp_path / "known.cif", CRYSTAL)
    return tmp_path / "known.cif"


def test_table_and_files(cif: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, folder = tmp_path / "s.npz", tmp_path / "series"
    options = [
        "--d-min",
        "1.5",
        "--samples",
        "12",
        "--rms",
        "0.1",
        "0.4",
        "--noise",
        "0.04",
        "--seed",
        "3",
    ]
    assert main(["simulate", str(cif), *options, "-o", str(archive), "--folder", str(folder)]) == 0
    out = capsys.readouterr().out
    for words in (
        "C4 H4 N4 O4: 4 sites",
        "of 12 samples",
        "displacement, rms",
        "12 reflection files, 12 of them new",
    ):
        assert words in out
    assert "change of volume" not in out
    samples, hkl, about = read_samples(archive)
    assert len(samples.sample) == 12
    assert about["perturbation"]["displacements"][0] == {
        "kind": "independent",
        "rms": [0.1, 0.4],
        "atoms": None,
    }
    assert len(argand.read_reflections(folder / "sample_0003.hkl").hkl) == len(hkl)
    assert (folder / "truth" / "sample_0003.cif").exists()
    # The description in a folder makes the same samples again.
    again = tmp_path / "again"
    assert (
        main(
            [
                "simulate",
                str(cif),
                "--d-min",
                "1.5",
                "--samples",
                "12",
                "--seed",
                "3",
                "--no-truth",
                "--description",
                str(folder / "simulation.json"),
                "--folder",
                str(again),
            ]
        )
        == 0
    )
    assert (again / "sample_0007.hkl").read_bytes() == (folder / "sample_0007.hkl").read_bytes()
    assert not (again / "truth").exists()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--move", "molecules"], "groups"),
        (["--move", "hydrogens"], "groups"),
        (["--move", "waves", "--atoms", "C1", "N"], "waves"),
        (["--atoms", "0", "O1"], "independent"),
        (
            ["--strain", "0.01", "--vibration", "0.2", "--substitute", "N1:O:0.5", "O:vacancy:0.2"],
            "independent",
        ),
        (["--break-symmetry", "--unmodelled", "O"], "independent"),
        (["--ramp"], "independent"),
    ],
)
def test_options(
    cif: Path,
    tmp_path: Path,
    options: list[str],
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive = tmp_path / "s.npz"
    assert (
        main(["simulate", str(cif), "--d-min", "2", "--samples", "5", *options, "-o", str(archive)])
        == 0
    )
    samples, _, about = read_samples(archive)
    assert about["perturbation"]["displacements"][0]["kind"] == kind
    assert np.abs(samples.f).min(axis=1).shape == (5,)
    assert ("change of volume" in capsys.readouterr().out) == ("--strain" in options)


def test_given_modes(cif: Path, tmp_path: Path) -> None:
    pattern = np.zeros((1, 4, 3))
    pattern[0, 1, 2] = 5.0
    np.save(tmp_path / "modes.npy", pattern)
    archive = tmp_path / "s.npz"
    options = [
        "--modes",
        str(tmp_path / "modes.npy"),
        "--rms",
        "0.2",
        "--samples",
        "4000",
        "--d-min",
        "3",
    ]
    assert main(["simulate", str(cif), *options, "-o", str(archive)]) == 0
    u = read_samples(archive)[0].displacement
    assert not u[:, [0, 2, 3]].any()
    assert u[:, 1, 2].std() == pytest.approx(0.2, rel=0.03)


def test_picture(cif: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / "samples.png"
    assert (
        main(["simulate", str(cif), "--d-min", "2", "--samples", "20", "--picture", str(target)])
        == 0
    )
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rms", "-1"], "rms"),
        (["--rms", "1", "2", "3"], "rms has 3 numbers"),
        (["--samples", "0"], "samples"),
        (["--atoms", "Zz"], "'Zz'"),
        (["--move", "molecules", "--atoms", "C1"], "atoms are given"),
        (["--substitute", "N1"], "substitute"),
        (["--substitute", "N1:Xx:0.5"], "Xx"),
        (["--substitute", "N1:O:5"], "share"),
        (["--unmodelled", "Xx"], "Xx"),
        (["--d-min", "100"], "no reflections"),
        (["--scale", "0"], "scale"),
        (["--modes", "absent.npy"], "absent.npy"),
        (["--description", "absent.json"], "absent.json"),
        (["-o", "samples.csv"], ".npz"),
    ],
)
def test_bad_options(
    cif: Path,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(cif.parent)
    assert main(["simulate", str(cif), "--d-min", "3", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert [path.name for path in cif.parent.iterdir()] == ["known.cif"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "no description"),
        ("{", "no description"),
        (
            json.dumps({"perturbation": {"kind": "perturbation", "strain": 7}, "measurement": {}}),
            "strain",
        ),
        (
            '{"perturbation": {"kind": "measurement"}, "measurement": {"kind": "measurement"}}',
            "needs a perturbation",
        ),
    ],
)
def test_bad_description(
    cif: Path,
    content: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = cif.parent / "d.json"
    path.write_text(content)
    assert main(["simulate", str(cif), "--description", str(path)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert "d.json" in err
