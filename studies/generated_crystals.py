"""Compare the crystals that argand generates with real ones: distances, density, |E|, positions.

The study reads the structures of CIF files, generates as many fragment and inorganic crystals in
the groups of the Crystallography Open Database, prints a table and draws one picture::

    python studies/generated_crystals.py FOLDER [FOLDER ...] --picture statistics.png
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import gemmi
import matplotlib
import numpy as np
from numpy.typing import NDArray

from argand import Crystal, read_crystal, structure_factors
from argand.cell import cell_volume
from argand.errors import ArgandError
from argand.reflections import epsilon, miller_indices
from argand.simulate.artificial import ArtificialCrystals, ArtificialSettings

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# Resolution of the reflections whose |E| is looked at, angstrom.
D_MIN = 1.0

# Reflections of a shell of resolution over which intensities are averaged.
SHELL = 60

# Distances up to this are looked at, angstrom; nearer ones than the other are one place.
LONGEST = 4.0
SHORTEST = 0.1

# Structures with more atoms in the cell, or with mixed sites, are passed over.
MOST_ATOMS = 3000


def without_hydrogen(crystal: Crystal) -> Crystal:
    """Return a crystal without its hydrogen, which generated ones lack too."""
    heavy = [row for row, symbol in enumerate(crystal.types) if symbol not in ("H", "D")]
    return Crystal(
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        types=tuple(crystal.types[row] for row in heavy),
        frac=crystal.frac[heavy],
        b_iso=np.full(len(heavy), 2.0),
        labels=tuple(crystal.labels[row] for row in heavy),
    )


def real_crystals(folders: list[Path]) -> list[Crystal]:
    """Read the ordered structures of all CIF files of some folders."""
    crystals = []
    for path in sorted(path for folder in folders for path in folder.glob("*.cif")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                crystal = read_crystal(path)
        except ArgandError:
            continue
        is_ordered = bool(np.all(crystal.occ == 1.0))
        if is_ordered and len(crystal.types) and len(crystal.to_p1().types) <= MOST_ATOMS:
            crystals.append(without_hydrogen(crystal))
    return crystals


def nearest_distances(crystal: Crystal) -> tuple[list[float], list[float]]:
    """Return for each site the distance to its nearest atom, and all distances up to `LONGEST`."""
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*crystal.cell)
    small.spacegroup_hm = crystal.spacegroup
    small.setup_cell_images()
    for label, symbol, frac in zip(crystal.labels, crystal.types, crystal.frac, strict=True):
        site = gemmi.SmallStructure.Site()
        site.label, site.type_symbol, site.fract = label, symbol, gemmi.Fractional(*frac)
        small.add_site(site)
    search = gemmi.NeighborSearch(small, LONGEST + 0.1).populate()
    nearest, all_distances = [], []
    for site in small.sites:
        place = small.cell.orthogonalize(site.fract)
        marks = search.find_site_neighbors(site, min_dist=SHORTEST, max_dist=LONGEST)
        distances = [search.dist(place, mark.pos) for mark in marks]
        all_distances += distances
        if distances:
            nearest.append(min(distances))
    return nearest, all_distances


def moment_of_e(crystal: Crystal) -> float:
    """Return <|E^2 - 1|> of a crystal, with E^2 over shells of resolution."""
    hkl = miller_indices(crystal.cell, crystal.spacegroup, D_MIN)
    intensity = np.abs(structure_factors(crystal, hkl)) ** 2 / epsilon(hkl, crystal.spacegroup)
    reciprocal = gemmi.UnitCell(*crystal.cell)
    order = np.argsort(reciprocal.calculate_1_d2_array(hkl))
    deviations = []
    for start in range(0, len(order) - SHELL // 2, SHELL):
        shell = intensity[order[start : start + SHELL]]
        deviations += list(np.abs(shell / shell.mean() - 1.0))
    return float(np.mean(deviations)) if deviations else np.nan


def statistics(crystals: list[Crystal]) -> dict[str, NDArray[np.float64]]:
    """Return what is compared, by name: one number a site, a distance or a crystal."""
    nearest: list[float] = []
    distances: list[float] = []
    density, moments, special = [], [], []
    for crystal in crystals:
        of_sites, of_pairs = nearest_distances(crystal)
        nearest += of_sites
        distances += of_pairs
        density.append(cell_volume(crystal.cell) / len(crystal.to_p1().types))
        moments.append(moment_of_e(crystal))
        special.append(float((crystal.in_place.sum(axis=1) > 1).mean()))
    return {
        "nearest atom (A)": np.array(nearest),
        "distances (A)": np.array(distances),
        "volume of the cell for each atom (A^3)": np.array(density),
        "<|E^2 - 1|>": np.array(moments),
        "share of sites on special positions": np.array(special),
    }


def main() -> None:
    """Compare, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders of CIF files")
    parser.add_argument("--crystals", type=int, default=200, help="crystals of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("statistics.png"))
    options = parser.parse_args()
    sources = {"real": real_crystals(options.folders)}
    for kind in ("fragments", "inorganic"):
        generator = ArtificialCrystals(ArtificialSettings(kind=kind, atoms=(4, 24)), options.seed)
        batches = generator.draw(range(options.crystals))
        sources[kind] = [
            batch.crystal(row) for batch in batches for row in range(len(batch.sample))
        ]
    tables = {name: statistics(crystals) for name, crystals in sources.items()}
    names = list(tables["real"])
    figure, axes = plt.subplots(1, len(names), figsize=(4.0 * len(names), 3.2))
    for axis, name in zip(axes, names, strict=True):
        values = [table[name][np.isfinite(table[name])] for table in tables.values()]
        limits = np.quantile(np.concatenate(values), [0.005, 0.995])
        for source, array in zip(tables, values, strict=True):
            quartiles = np.quantile(array, [0.25, 0.5, 0.75])
            words = "  ".join(f"{value:8.3f}" for value in quartiles)
            print(f"{name:<42}{source:<12}{words}  mean {array.mean():8.3f}  n {len(array)}")
            axis.hist(array, bins=40, range=limits, density=True, histtype="step", label=source)
        axis.set_xlabel(name)
        axis.set_yticks([])
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(options.picture, dpi=120)
    print(f"{options.picture}: {', '.join(f'{len(c)} {n}' for n, c in sources.items())}")


if __name__ == "__main__":
    main()
