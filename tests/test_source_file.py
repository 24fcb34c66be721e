"""`open_file`: a file is opened and parsed once, whatever is read from it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.cli import main
from argand.errors import ArgandError, ArgandWarning
from argand.io import open_file, source_file
from cif_text import HEAD, ONE, loop
from data_dir import DATA

REFLECTIONS = loop("_refln_index_h _refln_index_k _refln_index_l _refln_F_meas", "1 0 0 5.0")
INSTRUCTIONS = (
    "TITL x\nCELL 0.71073 5 6 7 90 90 90\nLATT -1\nSFAC C\nUNIT 1\nFVAR 1\n"
    "C1 1 0.1 0.2 0.3 11 0.05\nHKLF 4\nEND\n"
)
LIST = "   1   0   0   34.12    0.50\n   0   1   0   14.12    0.50\n"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each file is opened, and each kind of content parsed."""
    counts: Counter[str] = Counter()
    read_bytes = Path.read_bytes
    read_string = gemmi.cif.read_string
    parse_instructions = source_file.parse_instructions
    read_columns = source_file.read_columns

    def counting_read_bytes(path: Path) -> bytes:
        counts[path.name] += 1
        return read_bytes(path)

    def counting_read_string(*args: object, **options: object) -> gemmi.cif.Document:
        counts["CIF"] += 1
        return read_string(*args, **options)

    def counting_parse_instructions(text: str, source: str) -> object:
        counts["SHELX"] += 1
        return parse_instructions(text, source)

    def counting_read_columns(*args: object, **options: object) -> object:
        counts["columns"] += 1
        return read_columns(*args, **options)

    monkeypatch.setattr(Path, "read_bytes", counting_read_bytes)
    monkeypatch.setattr(gemmi.cif, "read_string", counting_read_string)
    monkeypatch.setattr(source_file, "parse_instructions", counting_parse_instructions)
    monkeypatch.setattr(source_file, "read_columns", counting_read_columns)
    return counts


def test_info_parses_a_cif_once(parsed: Counter[str]) -> None:
    assert main(["info", str(DATA / "4003024.cif")]) == 0
    assert parsed == {"4003024.cif": 1, "CIF": 1}


def test_info_parses_instructions_once(tmp_path: Path, parsed: Counter[str]) -> None:
    (tmp_path / "x.res").write_text(INSTRUCTIONS)
    assert main(["info", str(tmp_path / "x.res")]) == 0
    assert parsed == {"x.res": 1, "SHELX": 1}


def test_info_parses_a_list_and_its_structure_once_each(
    tmp_path: Path, parsed: Counter[str]
) -> None:
    (tmp_path / "x.hkl").write_text(LIST)
    (tmp_path / "x.res").write_text(INSTRUCTIONS)
    assert main(["info", str(tmp_path / "x.hkl")]) == 0
    assert parsed == {"x.hkl": 1, "x.res": 1, "SHELX": 1, "columns": 1}


def test_an_opened_file_is_not_read_again(tmp_path: Path, parsed: Counter[str]) -> None:
    """The series asks one file for its reflections and for its experiment."""
    path = tmp_path / "x.cif"
    path.write_text(HEAD + "_space_group_name_H-M_alt 'P 1'\n" + ONE + REFLECTIONS)
    source = open_file(path)
    path.unlink()
    assert source.reflections().hkl.tolist() == [[1, 0, 0]]
    assert source.experiment().cell == source.crystal().cell
    assert parsed == {"x.cif": 1, "CIF": 1}


def test_an_opened_file_answers_as_the_functions_do() -> None:
    path = DATA / "4003024.cif"
    source = open_file(path)
    reflections = argand.read_reflections(path)
    assert source.contents() == argand.io.identify(path)
    assert source.experiment() == argand.io.read_experiment(path)
    assert source.crystal().labels == argand.read_crystal(path).labels
    np.testing.assert_array_equal(source.reflections().intensity, reflections.intensity)


def test_notes_belong_to_the_reading_that_made_them(tmp_path: Path) -> None:
    """Reading the experiment meets the same oddities and says nothing of them."""
    path = tmp_path / "x.cif"
    path.write_text(HEAD + ONE + REFLECTIONS)
    source = open_file(path)
    for _ in range(2):
        source.experiment()
        with pytest.warns(ArgandWarning, match="states no symmetry") as caught:
            source.crystal()
        assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source.reflections()


def test_a_failed_reading_leaves_no_notes(tmp_path: Path) -> None:
    path = tmp_path / "x.cif"
    path.write_text(HEAD + ONE.replace("0.3", "up") + REFLECTIONS)
    source = open_file(path)
    with pytest.raises(ArgandError, match="_atom_site_fract_z is 'up', needs a number"):
        source.crystal()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source.reflections()


def test_a_warning_points_to_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "x.cif"
    path.write_text(HEAD + ONE)
    source = open_file(path)
    for read in (source.crystal, lambda: argand.read_crystal(path)):
        with pytest.warns(ArgandWarning) as caught:
            read()
        assert caught[0].filename == __file__


def test_reading_and_measuring_import_nothing_heavy() -> None:
    heavy = ("msgspec", "safetensors", "torch", "matplotlib")
    code = (
        "import sys, argand.io, argand.measured, argand.describe, argand.store;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_file_of_a_series_is_parsed_once(parsed: Counter[str], tmp_path: Path) -> None:
    """Reflections, and the content that the same CIF states, come from one reading."""
    from argand.jobs.sources import find_sources
    from argand.series.reading import read_data_set

    known = argand.read_crystal(DATA / "4003024.cif")
    parsed.clear()
    (source,) = find_sources([DATA / "4003024.cif"])
    data_set = read_data_set(source, known, None)
    assert data_set.content is not None
    assert parsed["CIF"] == 1
