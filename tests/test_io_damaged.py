"""Damaged files of reflections and structures are read, or refused in one line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import argand
from argand.errors import ArgandError
from argand.io import identify
from data_dir import SHARED, needs_shared
from reflection_text import HEAD, LIST, loop

SOURCES = {
    "x.hkl": LIST.encode(),
    "x.csv": b"h,k,l,F,sigF\n1,0,0,3.0,0.1\n",
    "x.cif": f"{HEAD}_shelx_hkl_file\n;\n{LIST};\n".encode(),
    "x.fcf": (
        HEAD
        + loop(
            "_refln_",
            "index_h index_k index_l F_squared_meas F_squared_sigma",
            "1 0 0 5.0 1",
            "0 1 0 2 1",
        )
    ).encode(),
    "x.res": (
        b"TITL x\nCELL 0.7 5 6 7 90 90 90\nLATT 1\nSFAC C\nUNIT 4\nFVAR 1\n"
        b"C1 1 .1 .2 .3 11 .05\nHKLF 4\nEND\n"
    ),
}


def complaint(function: Callable[[Path], object], path: Path) -> str:
    """Return the error of reading a file, or its path where it is read."""
    try:
        function(path)
    except ArgandError as error:
        return str(error)
    return str(path)


@pytest.mark.parametrize("name", SOURCES)
@given(st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
def test_damaged_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    """Cut short, with bytes changed, lost or put in: a result or one line, nothing else."""
    content = bytearray(SOURCES[name])
    del content[data.draw(st.integers(1, len(content))) :]
    for _ in range(data.draw(st.integers(0, 4))):
        position = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=3)
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(content))
        for function in (argand.read_reflections, argand.read_crystal, identify):
            message = complaint(function, path)
            assert message.startswith(str(path))
            assert "\n" not in message


@needs_shared
@pytest.mark.parametrize("cut", [1, 100, 1000, 30001, 200002])
@pytest.mark.parametrize(
    "name",
    ["nacl_hikari.cif", "cod_2238212.hkl", "structurefinder_106c.fcf", "shelxfile_2240189.res"],
)
@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
def test_real_files_cut_short(tmp_path: Path, name: str, cut: int) -> None:
    path = tmp_path / name
    path.write_bytes((SHARED / "measured" / name).read_bytes()[:cut])
    for function in (argand.read_reflections, argand.read_crystal):
        message = complaint(function, path)
        assert message.startswith(str(path))
        assert "\n" not in message
