"""Pictures say what the numbers say: places, colours, units; and no two phases look alike to anyone."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from argand import viz
from argand.viz.density import orthogonal
from argand.viz.style import LIGHT, number, phase_colorscale

AXIS = np.arange(-6, 7)
HKL = np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), axis=-1).reshape(-1, 3)
CELL = (4.078, 4.078, 4.078, 90.0, 90.0, 90.0)


def displaced_fcc(u: float) -> np.ndarray:
    """Structure factors of an fcc cell whose atom 0 moved by u along a, on the cube -6..6."""
    frac = np.array([[u, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    envelope = 79 * np.exp(-0.03 * (HKL**2).sum(axis=1))
    return np.asarray(
        (envelope * np.exp(2j * np.pi * HKL @ frac.T).sum(axis=1)).reshape(13, 13, 13)
    )


def density(box: np.ndarray, points: int = 20) -> np.ndarray:
    grid = np.zeros((points,) * 3, dtype=complex)
    grid[tuple((HKL % points).T)] = box.ravel()
    return np.asarray(np.fft.fftn(grid).real / 4.078**3)


def draw(figure: Any) -> None:
    figure.savefig(io.BytesIO(), dpi=40)


def labels(figure: Any) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def to_oklab(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.asarray(np.cbrt(linear @ np.array(to_lms).T) @ np.array(to_lab).T)


@pytest.mark.parametrize(
    "blind", [None, 1, 2], ids=["all colours", "red-green", "no colour along b"]
)
def test_phases_a_quarter_turn_apart_look_different(blind: int | None) -> None:
    """The distance in OKLab stays above what is seen at a glance, also when the red-green axis is lost.

    Without the blue-yellow axis (tritanopia) red and green remain, so it holds there too.
    """
    lab = to_oklab(viz.phase_rgb(np.linspace(-np.pi, np.pi, 72, endpoint=False)))
    if blind is not None:
        lab[:, blind] = 0
    for turn in (18, 27, 36):
        assert np.linalg.norm(lab - np.roll(lab, turn, axis=0), axis=1).min() > 0.07


def test_phase_colours_are_cyclic_and_smooth() -> None:
    phi = np.linspace(-np.pi, np.pi, 361)
    rgb = viz.phase_rgb(phi)
    assert rgb[0] == pytest.approx(rgb[-1])
    assert np.abs(np.diff(rgb, axis=0)).max() < 0.04
    assert np.all((rgb >= 0) & (rgb <= 1))
    scale = phase_colorscale()
    assert (scale[0][0], scale[-1][0]) == (0, 1)
    assert scale[0][1] == scale[-1][1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hkl_points_carry_amplitude_and_phase(theme: viz.ThemeName) -> None:
    f = displaced_fcc(0.03).ravel()
    figure = viz.plot_hkl(HKL, f, title="gold", theme=theme)
    draw(figure)
    points = figure.axes[0].collections[0]  # drawn from the back to the front
    strength = np.abs(f) / np.abs(f).max()
    shown = strength > 1e-3
    drawn = np.column_stack([points.get_sizes(), points.get_facecolor()[:, :3]])
    expected = np.column_stack([4 + 220 * strength, viz.phase_rgb(np.angle(f))])[shown]
    assert drawn[np.lexsort(drawn.round(9).T)] == pytest.approx(
        expected[np.lexsort(expected.round(9).T)]
    )
    assert {"h", "k", "l", "gold", "phase"} <= set(labels(figure))


def test_tiles_show_every_layer_twice() -> None:
    before, after = displaced_fcc(0), displaced_fcc(0.05)
    before[0, 0, 0] = np.nan
    figure = viz.plot_tiles(before, after)
    images = [
        axes.images[0].get_array() for axes in figure.axes if axes.images and axes.get_title() != ""
    ]
    assert len(images) == 13
    assert np.ma.getmaskarray(images[0])[0, 0]
    # imshow has rows upwards: k; columns: h
    assert images[6][0, 1] == pytest.approx(
        np.sqrt(np.abs(before[1, 0, 6]) / np.nanmax(np.abs([before, after])))
    )
    assert {"|F| (electrons)", "phase (degrees)", "before\n|F|", "after\nphase"} <= set(
        labels(figure)
    )
    draw(figure)


def test_tiles_need_one_shape() -> None:
    with pytest.raises(ValueError, match=r"before has shape \(3, 3, 3\)"):
        viz.plot_tiles(np.zeros((3, 3, 3)), np.zeros((5, 5, 5)))


def test_loss_curves() -> None:
    curves = {"step": [10, 20, 30], "training": [3.0, 2.0, 1.0], "new samples": [3.0, 2.5, 2.4]}
    figure = viz.plot_loss_curves(
        {
            "linear": {"published": curves, "invariant": curves},
            "unet": {"published": {"step": [1], "training": [1.0]}},
        },
        references={"floor": 2.0},
    )
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
    assert (first.get_xlabel(), first.get_ylabel(), first.get_yscale()) == (
        "step",
        "loss per sample",
        "log",
    )
    draw(figure)


def test_score_bars() -> None:
    scores = {
        "linear": {"published": 500.0, "invariant": 1.0},
        "unet": {"published": 600.0, "invariant": 25.0},
    }
    figure = viz.plot_scores(scores, {"floor": 485.0, "all zero": 930.0})
    axes = figure.axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends == pytest.approx([500, 600, 1, 25])
    assert {"floor 485", "all zero 930", "linear", "unet"} <= set(labels(figure))
    draw(figure)


def test_number() -> None:
    assert [number(x) for x in (1234.5, 485.4, 25.03, 0.9312, 0.0003, 0)] == [
        "1,234",
        "485",
        "25",
        "0.931",
        "3e-04",
        "0",
    ]


def test_slices_are_maps_in_angstrom() -> None:
    true, predicted = density(displaced_fcc(0.05)), density(displaced_fcc(0.04))
    figure = viz.plot_slices(true, predicted, CELL, origin=(-0.25, -0.25, -0.25))
    first, second, third = (axes.collections[0] for axes in figure.axes[:3])
    moved = np.roll(true, (5, 5), (0, 1))[:, :, 0].T
    assert np.asarray(first.get_array()).reshape(20, 20) == pytest.approx(moved)
    difference = np.asarray(second.get_array()) - np.asarray(first.get_array())
    assert np.asarray(third.get_array()) == pytest.approx(difference, abs=1e-9)
    assert first.get_clim() == second.get_clim()
    assert {"along a (Å)", "along b (Å)", "e/Å³", "difference"} <= set(labels(figure))
    # the strongest point of the layer is an atom: at the moved atom 0 or at the face centre
    x, y = first.get_coordinates().reshape(-1, 2)[int(np.argmax(first.get_array()))] / 4.078  # type: ignore[attr-defined]
    assert min(np.hypot(x - 0.05, y), np.hypot(x - 0.5, y - 0.5)) < 0.03
    draw(figure)


def test_isosurfaces_are_closed_cells() -> None:
    rho = density(displaced_fcc(0.0))
    figure = viz.isosurfaces({"true": rho, "predicted": rho}, CELL, origin=(-0.25, -0.25, -0.25))
    surface = figure.data[0]
    assert len(surface.value) == 21**3
    values = np.asarray(surface.value).reshape(21, 21, 21)
    assert np.array_equal(values[0], values[-1])
    assert (min(surface.x), max(surface.x)) == pytest.approx((-0.25 * 4.078, 0.75 * 4.078))
    highest = int(np.argmax(surface.value))
    at = np.array([surface.x[highest], surface.y[highest], surface.z[highest]]) / 4.078
    assert np.abs(2 * at - np.round(2 * at)).max() < 1e-6
    assert [annotation.text for annotation in figure.layout.annotations] == ["true", "predicted"]


def test_orthogonal_agrees_with_gemmi() -> None:
    import gemmi

    cell = (5.0, 6.0, 7.0, 80.0, 95.0, 110.0)
    assert orthogonal(cell) == pytest.approx(np.array(gemmi.UnitCell(*cell).orth.mat.tolist()))


def test_themes() -> None:
    from argand.viz.style import theme_of

    assert theme_of("light") is LIGHT
    with pytest.raises(ValueError, match="must be 'light' or 'dark'"):
        theme_of("blue")  # type: ignore[arg-type]
