"""Arguments and kinds of files of `read_reflections`, whatever the format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.io import identify
from reflection_text import HEAD, LIST, loop, read


class TestArguments:
    def test_they_prevail(self) -> None:
        reflections = read(LIST, cell=(5, 6, 7, 90, 90, 90), spacegroup="P21/c", wavelength=0.7)
        assert (reflections.cell, reflections.spacegroup, reflections.wavelength) == (
            (5, 6, 7, 90, 90, 90),
            "P 1 21/c 1",
            0.7,
        )
        embedded = read(f"{HEAD}_shelx_hkl_file\n;\n{LIST};\n", name="x.cif", spacegroup="P 1")
        assert (embedded.cell, embedded.spacegroup) == ((5, 6, 7, 90, 90, 90), "P 1")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"cell": (5, 6, 7)}, "cell has 3 numbers"),
            ({"spacegroup": "P 7"}, "unknown space group 'P 7'"),
            ({"wavelength": -1.0}, "wavelength is -1"),
        ],
    )
    def test_bad_ones(self, options: dict[str, object], words: str) -> None:
        with pytest.raises(ArgandError, match=words):
            read(LIST, **options)

    def test_some_of_the_rows(self) -> None:
        reflections = read(LIST, cell=(5, 6, 7, 90, 90, 90))
        chosen = reflections[reflections.hkl[:, 0] > 0]
        assert chosen.hkl.tolist() == [[1, 0, 0]]
        assert chosen.cell == reflections.cell
        assert chosen.sigma.tolist() == [0.5]


def test_compressed(tmp_path: Path) -> None:
    (tmp_path / "x.hkl.gz").write_bytes(gzip.compress(LIST.encode()))
    assert len(argand.read_reflections(tmp_path / "x.hkl.gz").hkl) == 2


def test_kinds_of_files(tmp_path: Path) -> None:
    argand.write_map(tmp_path / "m", np.ones((4, 4, 4)), (5, 5, 5, 90, 90, 90))
    argand.write_reflections(tmp_path / "r", [[1, 0, 0]], [1j], cell=(5, 5, 5, 90, 90, 90))
    (tmp_path / "c").write_text(
        HEAD + loop("_atom_site_", "label fract_x fract_y fract_z", "C1 0 0 0")
    )
    (tmp_path / "h").write_text(LIST)
    (tmp_path / "s").write_text("TITL x\nCELL 0.7 5 6 7 90 90 90\n")
    kinds = {name: identify(tmp_path / name) for name in "mrchs"}
    assert [kinds[name].format for name in "mrchs"] == ["map", "MTZ", "CIF", "columns", "SHELX"]
    assert [name for name, kind in kinds.items() if kind.reflections] == ["r", "h"]
    assert [name for name, kind in kinds.items() if kind.structure] == ["c", "s"]
