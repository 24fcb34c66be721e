"""Make the golden files of a folder of solutions: its options and one record.

Run `python tests/golden/solve/make.py` after a format has changed on purpose.
"""

from __future__ import annotations

from pathlib import Path

from argand.jobs.records import write_record
from argand.solve.folder import SolveRecord
from argand.solve.solver import SolveOptions
from argand.store import write_json

FOLDER = Path(__file__).parent

RECORD = SolveRecord(
    name="sample_0001",
    file="/data/sample_0001.hkl",
    size=27000,
    mtime_ns=1700000000123456789,
    verdict="probable",
    probability=0.75,
    spacegroup="P 1 21/c 1",
    reflections=1879,
    d_min=0.8,
    free_correlation=0.875,
    formula="C24 H30 N2",
    notes=("the wavelength is not known: no dispersion, no absolute structure",),
    seconds=1.25,
)

OPTIONS = SolveOptions(
    cell=(7.0, 8.0, 9.0, 90.0, 97.0, 90.0), contents="C12 H15 N", wavelength=0.71073, seed=4
)

if __name__ == "__main__":
    (FOLDER / "records").mkdir(exist_ok=True)
    record_path = FOLDER / "records" / "sample_0001.json"
    write_record(record_path, RECORD, kind="solve record", version=1)
    write_json(FOLDER / "solve.json", OPTIONS, kind="solve series", version=1)
