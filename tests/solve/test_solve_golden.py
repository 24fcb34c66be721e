"""Files of a folder of solutions that argand wrote before are read as they were meant."""

from __future__ import annotations

import math
from pathlib import Path

from argand.jobs.records import is_current, read_record
from argand.jobs.sources import Source
from argand.solve.folder import SolveRecord
from argand.solve.solver import SolveOptions
from argand.store import read_json

GOLDEN = Path(__file__).parents[1] / "golden" / "solve"


def test_a_record() -> None:
    path = GOLDEN / "records" / "sample_0001.json"
    record = read_record(SolveRecord, path, kind="solve record", version=1)
    assert record is not None
    assert (record.verdict, record.probability, record.d_min) == ("probable", 0.75, 0.8)
    assert (record.spacegroup, record.formula) == ("P 1 21/c 1", "C24 H30 N2")
    assert record.notes[0].startswith("the wavelength is not known")
    assert math.isnan(record.r1)
    source = Source(Path(record.file), record.name, 27000, 1700000000123456789)
    assert is_current(record, source, GOLDEN)
    assert not is_current(record, source._replace(size=27001), GOLDEN)
    assert not is_current(record, source._replace(name="other"), GOLDEN)


def test_another_version_is_made_again() -> None:
    path = GOLDEN / "records" / "sample_0001.json"
    assert read_record(SolveRecord, path, kind="solve record", version=2) is None
    assert read_record(SolveRecord, path, kind="series record", version=1) is None


def test_the_options() -> None:
    options = read_json(SolveOptions, GOLDEN / "solve.json", kind="solve series", version=1)
    expected = SolveOptions(
        cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0), contents="C12 H15 N", wavelength=0.71073, seed=4
    )
    assert options == expected
    assert expected.differences(SolveOptions(seed=4)) == ["cell", "contents", "wavelength"]
