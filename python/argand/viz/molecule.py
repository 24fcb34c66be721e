"""An interactive picture of a molecule, with ellipsoids of displacement, inside its density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.atom_types import atom_type
from argand.cell import FloatArray, sym_to_matrix
from argand.crystal import Crystal
from argand.solve.contacts import Contacts
from argand.solve.geometry import bonds
from argand.symmetry import operation_arrays
from argand.viz.density import orthogonal
from argand.viz.style import DARK, NEUTRAL

__all__ = ["connected_atoms", "molecule"]

# An ellipsoid of this many standard deviations holds an atom half of the time.
_HALF_PROBABILITY = 1.5382

# Radius of hydrogens, and of bonds, in angstrom.
_HYDROGEN_RADIUS = 0.14
_BOND_RADIUS = 0.055

# Mean square displacements in A^2 outside of these are drawn as these.
_LEAST_U = 0.002
_LARGEST_U = 0.4

# A molecule is completed by symmetry up to so many atoms, or twice the asymmetric unit: a framework
# has no end.
_MOST_ATOMS = 80

# Distance of plotly's eye, in units of its box: the molecule fills the picture.
_EYE_DISTANCE = 0.75

# Corners around a bond.
_SIDES = 8

# The density is shown to this distance from atoms, on points so far apart (angstrom), of which
# there are not many more than this.
_MARGIN = 1.3
_SPACING = 0.28
_MOST_POINTS = 70_000

# Surfaces of the density that buttons offer, in standard deviations, the first one shown.
_LEVELS = (3.0, 2.0, 5.0)

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2

_COLOURS = {
    "H": "#d5dae2",
    "D": "#d5dae2",
    "B": "#e3a394",
    "C": "#68707d",
    "N": "#3d6fe0",
    "O": "#dc3a2f",
    "F": "#6fbf3a",
    "Si": "#cdaa77",
    "P": "#ee8a25",
    "S": "#dfbb20",
    "Cl": "#2fae3c",
    "Br": "#9c3a1d",
    "I": "#7b35a3",
}
_OTHER_COLOUR = "#7f9cb8"


def connected_atoms(
    crystal: Crystal, contacts: Contacts
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Complete the molecules of an asymmetric unit by the images that are bonded to them.

    Returns
    -------
    sites : (m,)
        Sites of which the atoms are images, those of the asymmetric unit first.
    frac : (m, 3)
        Positions.
    rotations : (m, 3, 3)
        Rotations, in fractions of the cell, that turn the displacement of the site.
    """
    rotations, translations = operation_arrays(crystal.symops)
    sites = list(range(len(crystal.types)))
    placed = [(np.eye(3), np.zeros(3)) for _ in sites]
    known = {_key(crystal.frac[site]) for site in sites}
    limit = max(_MOST_ATOMS, 2 * len(sites))
    # The list grows while it is walked.
    for number, site in enumerate(sites):
        rotation, translation = placed[number]
        for bond in np.flatnonzero(contacts.site == site):
            operation = contacts.operation[bond]
            moved = translations[operation] + contacts.translation[bond]
            turned = rotation @ rotations[operation]
            shift = rotation @ moved + translation
            neighbour = int(contacts.neighbour[bond])
            key = _key(turned @ crystal.frac[neighbour] + shift)
            if key in known or len(sites) >= limit:
                continue
            known.add(key)
            sites.append(neighbour)
            placed.append((turned, shift))
    frac = [
        turn @ crystal.frac[site] + shift for site, (turn, shift) in zip(sites, placed, strict=True)
    ]
    return np.array(sites), np.array(frac), np.array([turn for turn, _ in placed])


def molecule(crystal: Crystal, density: ArrayLike, *, height: int = 640) -> Any:
    """Draw the atoms of a crystal, completed to molecules, inside a density, as a plotly Figure.

    Ellipsoids hold an atom half of the time. Buttons choose the surface of the density.

    Parameters
    ----------
    crystal : Crystal
        Sites with their displacements.
    density : (na, nb, nc) float
        Density over one unit cell.
    height : int
        Height of the picture in pixels.
    """
    import plotly.graph_objects as go

    contacts = bonds(crystal)
    sites, frac, rotations = connected_atoms(crystal, contacts)
    to_angstrom = orthogonal(crystal.cell)
    positions = frac @ to_angstrom.T
    figure = go.Figure()
    figure.add_trace(_density_trace(np.asarray(density, float), crystal, positions))
    figure.add_trace(_bond_trace(crystal, sites, positions))
    shapes = _ellipsoids(crystal, sites, rotations)
    elements = [atom_type(crystal.types[site]).element for site in sites]
    for element in dict.fromkeys(elements):
        rows = [row for row, other in enumerate(elements) if other == element]
        figure.add_trace(_element_trace(element, positions[rows], shapes[rows]))
    figure.add_trace(_label_trace(crystal, sites, positions))
    hidden = {"visible": False, "showspikes": False}
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 44, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        font={"size": 12, "color": NEUTRAL},
        template="none",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": DARK.cured},
        legend={"orientation": "h", "y": 0.01, "x": 0.5, "xanchor": "center"},
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "data",
            "dragmode": "orbit",
            "camera": {"eye": _view_of(positions), "projection": {"type": "orthographic"}},
        },
        updatemenus=[_level_buttons(np.asarray(density, float))],
    )
    return figure


def _key(frac: FloatArray) -> tuple[int, ...]:
    """Return a position, fractional, as whole numbers that are equal for one atom."""
    return tuple(np.rint(np.asarray(frac) * 2000.0).astype(int).tolist())


def _view_of(positions: FloatArray) -> dict[str, float]:
    """Return the direction from which the atoms (m, 3) are spread most, as plotly's eye."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    x, y, z = _EYE_DISTANCE * axes[2]
    return {"x": float(x), "y": float(y), "z": float(z)}


def _ellipsoids(
    crystal: Crystal, sites: NDArray[np.intp], rotations: FloatArray
) -> NDArray[np.float64]:
    """Return matrices (m, 3, 3), angstrom, that make the ellipsoid of each atom of a sphere."""
    to_angstrom = orthogonal(crystal.cell)
    to_frac = np.linalg.inv(to_angstrom)
    # U of a CIF is along the reciprocal axes: N U N with N = diag(a*, b*, c*) is fractional.
    lengths = np.sqrt(np.diag(crystal.reciprocal_metric))
    shapes = np.empty((len(sites), 3, 3))
    for number, site in enumerate(sites):
        if atom_type(crystal.types[site]).element in ("H", "D"):
            shapes[number] = _HYDROGEN_RADIUS * np.eye(3)
            continue
        u_cartesian = np.eye(3) * crystal.b_iso[site] / _B_PER_U
        if crystal.u_aniso is not None and crystal.anisotropic[site]:
            tensor = sym_to_matrix(crystal.u_aniso[site])
            basis = to_angstrom * lengths
            u_cartesian = basis @ tensor @ basis.T
        turn = to_angstrom @ rotations[number] @ to_frac
        values, vectors = np.linalg.eigh(turn @ u_cartesian @ turn.T)
        axes = _HALF_PROBABILITY * np.sqrt(np.clip(values, _LEAST_U, _LARGEST_U))
        shapes[number] = vectors * axes
    return shapes


def _element_trace(element: str, positions: FloatArray, shapes: FloatArray) -> Any:
    """Make the ellipsoids of all atoms of one element, as one mesh of plotly."""
    import plotly.graph_objects as go

    sphere, faces = _sphere()
    vertices = np.einsum("mij,vj->mvi", shapes, sphere) + positions[:, None]
    offsets = len(sphere) * np.arange(len(positions))
    triangles = (faces[None] + offsets[:, None, None]).reshape(-1, 3)
    return _mesh(
        go, vertices.reshape(-1, 3), triangles, _COLOURS.get(element, _OTHER_COLOUR), element
    )


def _bond_trace(crystal: Crystal, sites: NDArray[np.intp], positions: FloatArray) -> Any:
    """Make the bonds between the atoms that are shown, as one mesh of plotly."""
    import plotly.graph_objects as go

    shown = Crystal(
        cell=_box_around(positions),
        types=tuple(crystal.types[site] for site in sites),
        frac=(positions - positions.min(axis=0)) / _box_around(positions)[:3],
        b_iso=crystal.b_iso[sites],
    )
    contacts = bonds(shown)
    once = contacts.site < contacts.neighbour
    starts = positions[contacts.site[once]]
    vectors = contacts.vector[once]
    angle = 2.0 * np.pi * np.arange(_SIDES) / _SIDES
    vertices, triangles = [], []
    for number, (start, vector) in enumerate(zip(starts, vectors, strict=True)):
        _, _, axes = np.linalg.svd(vector[None])
        ring = _BOND_RADIUS * (np.outer(np.cos(angle), axes[1]) + np.outer(np.sin(angle), axes[2]))
        vertices += [start + ring, start + vector + ring]
        first = 2 * _SIDES * number + np.arange(_SIDES)
        second = 2 * _SIDES * number + (np.arange(_SIDES) + 1) % _SIDES
        triangles += [
            np.column_stack([first, second, first + _SIDES]),
            np.column_stack([second, second + _SIDES, first + _SIDES]),
        ]
    no_bonds = not vertices
    points = np.zeros((0, 3)) if no_bonds else np.concatenate(vertices)
    faces = np.zeros((0, 3), int) if no_bonds else np.concatenate(triangles)
    return _mesh(go, points, faces, NEUTRAL, "bonds")


def _box_around(positions: FloatArray) -> tuple[float, float, float, float, float, float]:
    """Return a rectangular cell in which no atom reaches an image of another one."""
    a, b, c = (np.ptp(positions, axis=0) + 10.0).tolist()
    return (a, b, c, 90.0, 90.0, 90.0)


def _mesh(go: Any, vertices: FloatArray, faces: NDArray[np.intp], colour: str, name: str) -> Any:
    """Make a mesh of plotly with one colour."""
    x, y, z = vertices.astype(np.float32).T
    i, j, k = faces.astype(np.int32).T
    return go.Mesh3d(
        x=x,
        y=y,
        z=z,
        i=i,
        j=j,
        k=k,
        color=colour,
        name=name,
        showlegend=True,
        hoverinfo="skip",
        flatshading=False,
        lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.25, "roughness": 0.5},
    )


def _label_trace(crystal: Crystal, sites: NDArray[np.intp], positions: FloatArray) -> Any:
    """Make labels that appear where the pointer is."""
    import plotly.graph_objects as go

    texts = []
    for site in sites:
        u = crystal.b_iso[site] / _B_PER_U
        texts.append(f"{crystal.labels[site]} ({crystal.types[site]}), U {u:.3f} Å²")
    x, y, z = positions.T.round(3)
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker={"size": 9, "opacity": 0.0, "color": NEUTRAL},
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _density_trace(density: FloatArray, crystal: Crystal, positions: FloatArray) -> Any:
    """Make a surface of the density around the atoms, as a plotly trace."""
    import plotly.graph_objects as go
    from scipy.ndimage import map_coordinates

    low, high = positions.min(axis=0) - _MARGIN, positions.max(axis=0) + _MARGIN
    spacing = max(_SPACING, float((np.prod(high - low) / _MOST_POINTS) ** (1.0 / 3.0)))
    counts = np.ceil((high - low) / spacing).astype(int) + 1
    axes = [np.linspace(start, end, n) for start, end, n in zip(low, high, counts, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    frac = points @ np.linalg.inv(orthogonal(crystal.cell)).T
    values = map_coordinates(density, (frac * density.shape).T, order=1, mode="grid-wrap")
    # Density of atoms that are not shown would hide those that are.
    values = np.where(_distance_to_atoms(points, positions) < _MARGIN, values, 0.0)
    step = max(float(np.abs(values).max(initial=0.0)), 1e-300) / 500.0
    level = _LEVELS[0] * float(density.std())
    x, y, z = points.astype(np.float32).T
    return go.Isosurface(
        x=x,
        y=y,
        z=z,
        value=(np.round(values / step) * step).astype(np.float32),
        isomin=level,
        isomax=level,
        surface_count=1,
        opacity=0.28,
        colorscale=[[0, DARK.cured], [1, DARK.cured]],
        showscale=False,
        caps={"x_show": False, "y_show": False, "z_show": False},
        name="density",
        showlegend=True,
        hoverinfo="skip",
    )


def _distance_to_atoms(points: FloatArray, positions: FloatArray) -> FloatArray:
    """Return the distance (p,) of points (p, 3) to the nearest atom."""
    from scipy.spatial import cKDTree

    distances: FloatArray = cKDTree(positions).query(points)[0]
    return distances


def _level_buttons(density: FloatArray) -> dict[str, Any]:
    """Return plotly's description of buttons that choose the surface of the density."""
    buttons = []
    for level in _LEVELS:
        value = level * float(density.std())
        change = {"isomin": [value], "isomax": [value], "visible": [True]}
        label = f"{level:g} σ = {value:.2g} e/Å³"
        buttons.append({"label": label, "method": "restyle", "args": [change, [0]]})
    hide = {"label": "no density", "method": "restyle", "args": [{"visible": [False]}, [0]]}
    return {
        "type": "buttons",
        "direction": "right",
        "x": 0.5,
        "y": 1.0,
        "xanchor": "center",
        "yanchor": "bottom",
        "showactive": True,
        "font": {"color": "#1b1f27"},
        "bgcolor": "#eef1f5",
        "bordercolor": "#c5ccd6",
        "buttons": [*buttons, hide],
    }


def _sphere() -> tuple[FloatArray, NDArray[np.intp]]:
    """Return vertices (42, 3) and triangles (80, 3) of a sphere: an icosahedron, divided once."""
    golden = (1.0 + 5.0**0.5) / 2.0
    corners = []
    for one in (-1.0, 1.0):
        for other in (-golden, golden):
            corners += [[0.0, one, other], [one, other, 0.0], [other, 0.0, one]]
    vertices = np.array(corners) / np.hypot(1.0, golden)
    edge = np.linalg.norm(vertices[:, None] - vertices[None], axis=2).round(6)
    is_edge = edge == np.unique(edge)[1]
    faces = []
    for i in range(12):
        for j in range(i + 1, 12):
            for k in range(j + 1, 12):
                if is_edge[i, j] and is_edge[j, k] and is_edge[i, k]:
                    faces.append((i, j, k))
    points = vertices.tolist()
    middles: dict[tuple[int, int], int] = {}
    divided = []
    for i, j, k in faces:
        between = [_middle(points, middles, pair) for pair in ((i, j), (j, k), (i, k))]
        ij, jk, ik = between
        divided += [(i, ij, ik), (j, ij, jk), (k, ik, jk), (ij, jk, ik)]
    return np.array(points), np.array(divided)


def _middle(
    points: list[list[float]], middles: dict[tuple[int, int], int], pair: Sequence[int]
) -> int:
    """Return the number of the point of a unit sphere between two others, added where it is new."""
    key = (min(pair), max(pair))
    if key not in middles:
        middle = np.add(points[key[0]], points[key[1]])
        middles[key] = len(points)
        points.append((middle / np.linalg.norm(middle)).tolist())
    return middles[key]
