"""Temperature and cell that files of a series state: in records, tables and pictures."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from argand.cell import cell_volume
from argand.estimate.least_squares import LeastSquares
from argand.io import open_file, write_hklf4
from argand.series import Record, predict_series
from argand.simulate import Independent, Perturbation, Simulation
from stand_in import KNOWN

SIMULATION = Simulation(
    KNOWN, Perturbation([Independent(0.05)]), d_min=1.6, dtype="float64", seed=5
)

# Kelvin; the third file states none.
TEMPERATURES = ("100.0(2)", "150(1)", "?", "250")


def cif_text(index: int, temperature: str, tag: str = "_diffrn_ambient_temperature") -> str:
    """Write the reflections of a sample as a CIF whose cell grows with the index."""
    f = SIMULATION.draw([index]).f[0]
    a, b, c, alpha, beta, gamma = KNOWN.cell
    lines = [f"data_s{index}", f"{tag} {temperature}", f"_cell_length_a {a * (1 + 0.001 * index)}"]
    names = ("_cell_length_b", "_cell_length_c", "_cell_angle_alpha", "_cell_angle_beta")
    for name, value in zip(names, (b, c, alpha, beta), strict=True):
        lines.append(f"{name} {value}")
    lines += [f"_cell_angle_gamma {gamma}", f"_symmetry_space_group_name_H-M '{KNOWN.spacegroup}'"]
    lines.append("loop_")
    for name in ("index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma"):
        lines.append(f"_refln_{name}")
    for (h, k, l), value in zip(SIMULATION.hkl, np.abs(f) ** 2, strict=True):
        lines.append(f"{h} {k} {l} {value:.3f} {0.02 * value + 0.1:.3f}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write four CIF files, and one SHELX list that states neither cell nor temperature."""
    folder = tmp_path_factory.mktemp("in")
    for index, temperature in enumerate(TEMPERATURES):
        (folder / f"s{index}.cif").write_text(cif_text(index, temperature))
    intensity = np.abs(SIMULATION.draw([4]).f[0]) ** 2
    write_hklf4(folder / "s4.hkl", SIMULATION.hkl, intensity, 0.02 * intensity + 0.1)
    return folder


@pytest.fixture(scope="module")
def records(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Predict the files."""
    out = tmp_path_factory.mktemp("series") / "out"
    records = predict_series(LeastSquares(KNOWN), [folder], out, workers=1)
    assert [record.error for record in records] == [""] * 5
    with open(out / "table.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["temperature"] for row in rows] == ["100", "150", "", "250", ""]
    assert rows[4]["a"] == rows[4]["volume"] == ""
    for index, row in enumerate(rows[:4]):
        cell = (KNOWN.cell[0] * (1 + 0.001 * index), *KNOWN.cell[1:])
        stated = [float(row[name]) for name in ("a", "b", "c", "alpha", "beta", "gamma")]
        assert stated == pytest.approx(cell, rel=1e-5)
        assert float(row["volume"]) == pytest.approx(cell_volume(cell), rel=1e-5)
    # What is read from the folder again is what was written.
    again = predict_series(LeastSquares(KNOWN), [folder], out, workers=1)
    assert [record.cell for record in again] == [record.cell for record in records]
    return records


def test_records_have_what_files_state(records: list[Record]) -> None:
    temperatures = [record.temperature for record in records]
    np.testing.assert_array_equal(temperatures, [100.0, 150.0, math.nan, 250.0, math.nan])
    assert [len(record.cell) for record in records] == [6, 6, 6, 6, 0]


def test_axes_are_what_changes(records: list[Record]) -> None:
    pytest.importorskip("plotly", reason="needs plotly")
    from argand.report.series_figures import displacement_figure, fit_of_series, stated_axes

    axes = stated_axes(records)
    assert list(axes) == ["temperature (K)", "volume (Å³)", "a (Å)"]
    np.testing.assert_allclose(axes["a (Å)"][:4] / KNOWN.cell[0], 1 + 0.001 * np.arange(4))
    assert stated_axes(records[:1]) == {}
    for figure in (displacement_figure(records, KNOWN), fit_of_series(records)):
        (menu,) = figure.layout.updatemenus
        assert [button.label for button in menu.buttons] == ["file number", *axes]
        first, by_temperature = menu.buttons[:2]
        changes, layout, traces = by_temperature.args
        assert layout["xaxis.title.text"] == "temperature (K)"
        for trace, x in zip(traces, changes["x"], strict=True):
            # A line has each file once, a band there and back again.
            assert len(x) == len(figure.data[trace].x)
            known = [value for value in x if value is not None]
            assert set(known) <= {100.0, 150.0, 250.0}
        # The first choice is what the picture shows at first.
        for trace, x in zip(traces, first.args[0]["x"], strict=True):
            np.testing.assert_array_equal(x, figure.data[trace].x)


def test_a_band_that_would_cross_itself_is_left_out(records: list[Record]) -> None:
    pytest.importorskip("plotly", reason="needs plotly")
    from argand.report.series_figures import displacement_figure

    figure = displacement_figure([records[1], records[0], records[3]], KNOWN)
    changes, _, traces = figure.layout.updatemenus[0].buttons[1].args
    for trace, x in zip(traces, changes["x"], strict=True):
        is_band = figure.data[trace].mode == "none"
        assert list(x) == ([] if is_band else [150.0, 100.0, 250.0])


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        ("_diffrn_ambient_temperature", "293(2)", 293.0),
        ("_cell_measurement_temperature", "120.5", 120.5),
        ("_diffrn.ambient_temp", "100", 100.0),
        ("_diffrn_ambient_temperature", "-120", None),
        ("_diffrn_ambient_temperature", "0", None),
        ("_diffrn_ambient_temperature", "cold", None),
        ("_diffrn_ambient_temperature", "?", None),
    ],
)
def test_the_temperature_of_a_cif(
    tmp_path: Path, tag: str, text: str, expected: float | None
) -> None:
    path = tmp_path / "a.cif"
    path.write_text(cif_text(0, text, tag))
    assert open_file(path).experiment().temperature == expected


def test_impossible_cells_and_temperatures_are_made_again(tmp_path: Path) -> None:
    from argand.series.record import read_record, write_record

    path = tmp_path / "r.json"
    good = Record("a", "a.hkl", 1, 2, temperature=90.0, cell=KNOWN.cell)
    write_record(path, good)
    stored = read_record(path)
    assert stored is not None
    assert (stored.temperature, stored.cell) == (90.0, KNOWN.cell)
    impossible = ({"temperature": -1.0}, {"cell": (1.0,)}, {"cell": (0.0,) * 6})
    for fields in impossible:
        write_record(path, Record("a", "a.hkl", 1, 2, **fields))
        assert read_record(path) is None
