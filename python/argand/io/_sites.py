"""The sites of a CIF: what they are, where, how much, how they move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

from argand.cell import FloatArray
from argand.io._block import NULL, Block
from argand.io._labels import isotope_of, read_type

__all__ = ["FRACT_X", "Sites", "read_sites"]

FRACT_X = "_atom_site_fract_x"
_AXES = ("11", "22", "33", "12", "13", "23")
_B_PER_U = 8.0 * np.pi**2


class Sites(NamedTuple):
    labels: tuple[str, ...]
    types: tuple[str, ...]
    frac: FloatArray
    occ: FloatArray
    b_iso: FloatArray
    u_aniso: FloatArray | None


def read_sites(block: Block, formula: Collection[str] | None) -> Sites:
    """Sites with coordinates; dummies are left out and noted."""
    columns = [block.numbers(FRACT_X[:-1] + axis) for axis in "xyz"]
    if any(column is None for column in columns):
        raise block.error("atom sites have no fractional coordinates")
    frac = np.stack([column for column in columns if column is not None], axis=1)
    n = len(frac)
    labels = _text(block, n, "_atom_site_label")
    symbols = _text(block, n, "_atom_site_type_symbol")
    flags = _text(block, n, "_atom_site_calc_flag", "_atom_site_calc_flags")
    dummy = np.isnan(frac).any(axis=1) | np.array(
        [flag.lower().startswith("dum") for flag in flags], dtype=bool
    )
    b_iso, u_aniso = _displacement(block, labels, n)
    occ = block.numbers("_atom_site_occupancy")
    occ = np.ones(n) if occ is None else np.where(np.isnan(occ), 1.0, occ)
    if dummy.any():
        block.note(
            f"sites without coordinates, or marked as dummies, are left out: {_names(labels, dummy)}"
        )
    keep = np.flatnonzero(~dummy)
    if not len(keep):
        raise block.error("no atom site has coordinates")
    if (occ[keep] < 0).any():
        raise block.error(f"negative occupancy: {_names(labels, ~dummy & (occ < 0))}")
    if (occ[keep] > 1.001).any():
        block.note(f"occupancy above 1: {_names(labels, ~dummy & (occ > 1.001))}")
    return Sites(
        labels=tuple(labels[i] or symbols[i] for i in keep),
        types=_types(block, [symbols[i] for i in keep], [labels[i] for i in keep], formula),
        frac=frac[keep],
        occ=occ[keep],
        b_iso=b_iso[keep],
        u_aniso=None if np.isnan(u_aniso[keep]).all() else u_aniso[keep],
    )


def _text(block: Block, n: int, *tags: str) -> list[str]:
    """A text column of the site loop, '' where null."""
    return ["" if value in NULL else value for value in block.column(*tags) or [""] * n]


def _names(labels: list[str], chosen: Iterable[bool] | FloatArray) -> str:
    names = [
        label or "(no label)" for label, is_chosen in zip(labels, chosen, strict=True) if is_chosen
    ]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _types(
    block: Block, symbols: list[str], labels: list[str], formula: Collection[str] | None
) -> tuple[str, ...]:
    """The type of each site: from its type symbol, else from its label; a formula decides between readings."""
    types: list[str] = []
    strangers: dict[str, str] = {}
    known = {isotope_of(element) for element in formula or ()}
    for symbol, label in zip(symbols, labels, strict=True):
        found = (read_type(symbol, formula) if symbol else None) or read_type(label, formula)
        if found is None:
            raise block.error(
                f"no chemical element can be read from the site {label!r} of type {symbol or '?'!r}"
            )
        if formula and isotope_of(found.element) not in known:
            strangers.setdefault(found.element, label or symbol)
        types.append(found.symbol)
    for element, label in strangers.items():
        block.note(
            f"site {label} is read as {element}, which is not in the formula ({' '.join(formula or ())})"
        )
    return tuple(types)


def _displacement(block: Block, labels: list[str], n: int) -> tuple[FloatArray, FloatArray]:
    """B (n,) and U_cif (n, 6), NaN rows for isotropic sites.

    The name of a column says whether it holds U or B; the type of a site ('Uani', 'Biso', ...) says whether it moves
    isotropically. U comes before B where a site has both.
    """
    missing = np.full(n, np.nan)
    u = block.numbers("_atom_site_u_iso_or_equiv")
    b = block.numbers("_atom_site_b_iso_or_equiv")
    b_from_u = missing if u is None else u * _B_PER_U
    b = missing if b is None else b
    apart = np.abs(b - b_from_u) > 0.02 * np.abs(b_from_u) + 0.05
    if apart.any():
        block.note(f"B and U disagree, U is used: {_names(labels, apart)}")
    b_iso = np.where(np.isnan(b_from_u), b, b_from_u)
    u_aniso = _anisotropic_rows(block, labels, n)
    kinds = [
        kind.lower()
        for kind in _text(block, n, "_atom_site_adp_type", "_atom_site_thermal_displace_type")
    ]
    row = ~np.isnan(u_aniso[:, 0])
    isotropic = np.array([kind.endswith(("iso", "ovl")) for kind in kinds], dtype=bool)
    anisotropic = np.array([kind.endswith("ani") for kind in kinds], dtype=bool)
    if (row & isotropic).any():
        block.note(
            f"called isotropic, so their anisotropic U is not used: {_names(labels, row & isotropic)}"
        )
        u_aniso[isotropic] = np.nan
    if (anisotropic & ~row).any():
        block.note(
            f"called anisotropic without anisotropic U: {_names(labels, anisotropic & ~row)}"
        )
    return np.where(np.isnan(b_iso), 0.0, b_iso), u_aniso


def _anisotropic_rows(block: Block, labels: list[str], n: int) -> FloatArray:
    """U (n, 6) matched by label; of equal labels the first row belongs to the first site, and so on."""
    out = np.full((n, 6), np.nan)
    rows = _six(block, "u", 1.0)
    if rows is None:
        rows = _six(block, "b", 1.0 / _B_PER_U)
    if rows is None:
        return out
    rows[~np.nan_to_num(rows).any(axis=1)] = np.nan  # all 0 stands for none
    names = block.column("_atom_site_aniso_label")
    if names is None:
        if len(rows) != n:
            raise block.error(
                f"{len(rows)} rows of anisotropic displacement without labels for {n} sites"
            )
        return np.where(np.isnan(rows).any(axis=1, keepdims=True), np.nan, rows)
    given: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        given.setdefault(name, []).append(i)
    sites, seen = Counter(labels), Counter[str]()
    for i, label in enumerate(labels):
        own = given.get(label, [])
        if own:
            if len(own) != sites[label] and not seen[label]:
                block.note(
                    f"{sites[label]} sites and {len(own)} rows of anisotropic displacement are called {label}"
                )
            found = rows[own[min(seen[label], len(own) - 1)]]
            out[i] = np.nan if np.isnan(found).any() else found
            seen[label] += 1
    return out


def _six(block: Block, letter: str, scale: float) -> FloatArray | None:
    columns = [block.numbers(f"_atom_site_aniso_{letter}_{axes}") for axes in _AXES]
    given = [column for column in columns if column is not None]
    if len(given) < 6:
        return None
    return np.stack(given, axis=1) * scale
