"""Pictures show what numbers say: places, colours, units; no two phases look alike to anyone."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from argand import viz
from argand.cell import metric
from argand.radiation import Probe, Radiation
from argand.viz.density import orthogonal
from argand.viz.frames import density_frames
from argand.viz.plane import Plane
from argand.viz.style import LIGHT, number, phase_colorscale, theme_of

AXIS = np.arange(-6, 7)
CUBE = np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")
HKL = np.stack(CUBE, axis=-1).reshape(-1, 3)
FACE_CENTRES = [(0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
EDGE = 4.078
# Fractional corner of the pictures: the atom at the origin stays in one piece.
CORNER = (-0.25, -0.25, -0.25)
CELL = (EDGE, EDGE, EDGE, 90.0, 90.0, 90.0)

# sRGB (linear) to cone responses, and cube roots of cone responses to OKLab (B. Ottosson, 2020).
RGB_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
CONES_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def displaced_fcc(u: float) -> np.ndarray:
    """Return F (13, 13, 13) of an fcc cell whose atom 0 moved by u along a."""
    frac = np.array([(u, 0, 0), *FACE_CENTRES])
    squares = (HKL**2).sum(axis=1)
    envelope = 79 * np.exp(-0.03 * squares)
    phase_factors = np.exp(2j * np.pi * HKL @ frac.T)
    f = envelope * phase_factors.sum(axis=1)
    return np.asarray(f.reshape(13, 13, 13))


def density_of(box: np.ndarray, points: int = 20) -> np.ndarray:
    """Return the density (points, points, points) of structure factors, e/A^3."""
    grid = np.zeros((points,) * 3, dtype=complex)
    grid[tuple((HKL % points).T)] = box.ravel()
    return np.asarray(np.fft.fftn(grid).real / EDGE**3)


def draw(figure: Any) -> None:
    """Render a figure, which fails for one that cannot be drawn."""
    figure.savefig(io.BytesIO(), dpi=40)


def texts_of(figure: Any) -> set[str]:
    """Return all texts of a figure."""
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)}


def to_oklab(rgb: np.ndarray) -> np.ndarray:
    """Turn sRGB colours (n, 3) into OKLab."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ RGB_TO_CONES.T
    return np.asarray(np.cbrt(cones) @ CONES_TO_OKLAB.T)


def sorted_rows(table: np.ndarray) -> np.ndarray:
    """Sort the rows of a table, so that two orders of the same rows compare equal."""
    return table[np.lexsort(table.round(9).T)]


@pytest.mark.parametrize(
    "lost_axis", [None, 1, 2], ids=["all colours", "red-green", "no colour along b"]
)
def test_phases_a_quarter_turn_apart_look_different(lost_axis: int | None) -> None:
    """Colours stay apart in OKLab, also for readers who do not see the red-green axis.

    Without the blue-yellow axis (tritanopia) red and green remain, so it holds there too.
    """
    phi = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    lab = to_oklab(viz.phase_rgb(phi))
    if lost_axis is not None:
        lab[:, lost_axis] = 0
    for turn in (18, 27, 36):
        turned = np.roll(lab, turn, axis=0)
        distance = np.linalg.norm(lab - turned, axis=1)
        assert distance.min() > 0.07


def test_phase_colours_are_cyclic_and_smooth() -> None:
    rgb = viz.phase_rgb(np.linspace(-np.pi, np.pi, 361))
    assert rgb[0] == pytest.approx(rgb[-1])
    assert np.abs(np.diff(rgb, axis=0)).max() < 0.04
    assert np.all((rgb >= 0) & (rgb <= 1))
    scale = phase_colorscale()
    (first, first_colour), (last, last_colour) = scale[0], scale[-1]
    assert (first, last) == (0, 1)
    assert first_colour == last_colour


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hkl_points_carry_amplitude_and_phase(theme: viz.ThemeName) -> None:
    f = displaced_fcc(0.03).ravel()
    figure = viz.plot_hkl(HKL, f, title="gold", theme=theme)
    draw(figure)
    # Points are drawn from the back to the front, in another order than they were given.
    points = figure.axes[0].collections[0]
    rgb = points.get_facecolor()[:, :3]
    drawn = np.column_stack([points.get_sizes(), rgb])
    strength = np.abs(f) / np.abs(f).max()
    expected_rgb = viz.phase_rgb(np.angle(f))
    expected = np.column_stack([2 + 110 * strength, expected_rgb])
    expected = expected[strength > 1e-3]
    assert sorted_rows(drawn) == pytest.approx(sorted_rows(expected))
    assert {"h", "k", "l", "gold", "phase"} <= texts_of(figure)


def test_tiles_show_every_layer_twice() -> None:
    before, after = displaced_fcc(0), displaced_fcc(0.05)
    before[0, 0, 0] = np.nan
    figure = viz.plot_tiles(before, after)
    titled = [axes for axes in figure.axes if axes.images and axes.get_title() != ""]
    images = [axes.images[0].get_array() for axes in titled]
    assert len(images) == 13
    assert np.ma.getmaskarray(images[0])[0, 0]
    # Rows of an image run upwards along k, columns along h.
    largest = np.nanmax(np.abs([before, after]))
    strength = np.abs(before[1, 0, 6]) / largest
    assert images[6][0, 1] == pytest.approx(np.sqrt(strength))
    expected = {"|F| (electrons)", "phase (degrees)", "before\n|F|", "after\nphase"}
    assert expected <= texts_of(figure)
    draw(figure)


def test_tiles_need_one_shape() -> None:
    small = np.zeros((3, 3, 3))
    large = np.zeros((5, 5, 5))
    with pytest.raises(ValueError, match=r"before has shape \(3, 3, 3\)"):
        viz.plot_tiles(small, large)


def test_loss_curves() -> None:
    curves = {
        "step": [10, 20, 30],
        "training": [3.0, 2.0, 1.0],
        "new samples": [3.0, 2.5, 2.4],
    }
    short = {"step": [1], "training": [1.0]}
    histories = {
        "linear": {"published": curves, "invariant": curves},
        "unet": {"published": short},
    }
    figure = viz.plot_loss_curves(histories, references={"floor": 2.0})
    first, second = figure.axes
    assert [line.get_label() for line in first.lines[:4]] == [
        "published, training",
        "published, new samples",
        "invariant, training",
        "invariant, new samples",
    ]
    assert list(first.lines[1].get_xdata()) == curves["step"]
    assert list(first.lines[1].get_ydata()) == curves["new samples"]
    assert (first.get_title(), second.get_title()) == ("linear", "unet")
    assert (first.get_xlabel(), first.get_ylabel()) == ("step", "loss per sample")
    assert first.get_yscale() == "log"
    draw(figure)


def test_scores_are_points_with_intervals() -> None:
    scores = {
        "linear": {"published": 500.0, "invariant": 1.0},
        "unet": {"published": 600.0, "invariant": 25.0},
    }
    intervals = {"linear": {"published": (480.0, 530.0), "invariant": (-0.7, 2.7)}}
    figure = viz.plot_scores(scores, {"floor": 485.0, "all zero": 930.0}, intervals=intervals)
    axes = figure.axes[0]
    points = [float(bar.lines[0].get_xdata()[0]) for bar in axes.containers]
    assert points == pytest.approx([500, 600, 1, 25])
    assert axes.get_xlim()[0] == pytest.approx(0.1)
    # An interval below 0 ends at the left of the logarithmic axis.
    drawn = [bar.lines[2][0].get_segments()[0][:, 0].tolist() for bar in axes.containers]
    assert drawn[0] == pytest.approx([480, 530])
    assert drawn[2] == pytest.approx([0.1, 2.7])
    words = {
        "floor 485",
        "all zero 930",
        "linear",
        "unet",
        "500 (480 to 530)",
        "1 (-0.7 to 2.7)",
        "25",
    }
    assert words <= texts_of(figure)
    draw(figure)
    # No number is written on a line or a point: all stand to the right of the axes.
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    frame = axes.get_window_extent(renderer)
    numbers = [
        text
        for text in axes.texts
        if text.get_text() in ("500 (480 to 530)", "1 (-0.7 to 2.7)", "600", "25")
    ]
    assert len(numbers) == 4
    for text in numbers:
        assert text.get_window_extent(renderer).x0 > frame.x1
    # Nor is the name of a reference written on the line of another.
    lines = {float(path.vertices[0, 0]): path for c in axes.collections for path in c.get_paths()}
    floor_end = axes.transData.transform(lines[485.0].vertices)[:, 1].max()
    (name,) = [text for text in axes.texts if text.get_text() == "all zero 930"]
    assert name.get_window_extent(renderer).y0 >= floor_end
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["published", "invariant"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,234"),
        (485.4, "485"),
        (25.03, "25"),
        (0.9312, "0.931"),
        (0.0003, "3e-04"),
        (0, "0"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_slices_are_maps_in_angstrom() -> None:
    true = density_of(displaced_fcc(0.05))
    predicted = density_of(displaced_fcc(0.04))
    figure = viz.plot_slices(true, predicted, CELL, origin=CORNER)
    first, second, third = (axes.collections[0] for axes in figure.axes[:3])
    true_layer = np.asarray(first.get_array())
    predicted_layer = np.asarray(second.get_array())
    shifted = np.roll(true, (5, 5), (0, 1))
    expected = shifted[:, :, 0].T
    assert true_layer.reshape(20, 20) == pytest.approx(expected)
    difference = predicted_layer - true_layer
    assert np.asarray(third.get_array()) == pytest.approx(difference, abs=1e-9)
    assert first.get_clim() == second.get_clim()
    assert {"along a (Å)", "along b (Å)", "e/Å³", "difference"} <= texts_of(figure)
    # The label of the second bar states the ratio of the scales.
    span, fine = np.diff(first.get_clim()), np.diff(third.get_clim())
    assert f"e/Å³, scale × {number(float(span[0] / fine[0]))}" in texts_of(figure)
    # The strongest point of the layer is an atom: the displaced one or that on the face centre.
    coordinates = first.get_coordinates().reshape(-1, 2)  # type: ignore[attr-defined]
    x, y = coordinates[int(np.argmax(true_layer))] / EDGE
    from_displaced = np.hypot(x - 0.05, y)
    from_face_centre = np.hypot(x - 0.5, y - 0.5)
    assert min(from_displaced, from_face_centre) < 0.03
    draw(figure)


def test_isosurfaces_are_closed_cells() -> None:
    density = density_of(displaced_fcc(0.0))
    maps = {"true": density, "predicted": density}
    figure = viz.isosurfaces(maps, CELL, origin=CORNER)
    surface = figure.data[0]
    assert len(surface.value) == 21**3
    values = np.asarray(surface.value).reshape(21, 21, 21)
    assert np.array_equal(values[0], values[-1])
    limits = (min(surface.x), max(surface.x))
    assert limits == pytest.approx((-0.25 * EDGE, 0.75 * EDGE))
    # The highest point is an atom of the fcc cell.
    highest = int(np.argmax(surface.value))
    position = [surface.x[highest], surface.y[highest], surface.z[highest]]
    halves = 2 * np.array(position) / EDGE
    assert halves == pytest.approx(np.round(halves), abs=1e-6)
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert titles == ["true", "predicted"]


@pytest.mark.parametrize("probe", ["x-ray", "neutron", "electron"])
def test_densities_have_the_unit_of_their_radiation(probe: Probe) -> None:
    unit = Radiation(probe).density_unit
    density = density_of(displaced_fcc(0.0))
    slices = viz.plot_slices(density, density, CELL, unit=unit)
    units = {text for text in texts_of(slices) if "Å³" in text or "Å²" in text}
    assert len(units) == 2
    assert all(text.startswith(unit) for text in units)
    surface = viz.isosurfaces({"true": density}, CELL, unit=unit).data[0]
    assert surface.colorbar.title.text == unit
    assert f"%{{value:.2f}} {unit}<" in surface.hovertemplate
    assert surface.showscale
    plane = Plane(np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), half=1.0)
    layer = np.zeros((len(plane.axis), len(plane.axis)))
    frames = density_frames([layer], ["a"], plane, [[[0, 0]]], [[0, 0]], ["C"], unit=unit)
    assert frames.data[0].colorbar.title.text == unit
    assert f"%{{z:.2f}} {unit}<" in frames.data[0].hovertemplate


def test_orthogonal_axes_have_the_metric_of_the_cell() -> None:
    cell = (5.0, 6.0, 7.0, 80.0, 95.0, 110.0)
    axes = orthogonal(cell)
    assert axes.T @ axes == pytest.approx(metric(cell))
    # a lies along x, b in the xy plane, and the axes are right-handed.
    assert axes[[1, 2, 2], [0, 0, 1]] == pytest.approx(0.0)
    assert np.all(np.diag(axes) > 0)


def test_themes() -> None:
    assert theme_of("light") is LIGHT
    with pytest.raises(ValueError, match="must be 'light' or 'dark'"):
        theme_of("blue")  # type: ignore[arg-type]
