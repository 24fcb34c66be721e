"""Make the report of ``argand predict``: numbers and pictures for the text of series.html."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template

import numpy as np

from argand.crystal import Crystal
from argand.report import parts
from argand.report.environment import environment
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.report.series_density import density_part
from argand.series import Record, SeriesFolder
from argand.viz.series import displacement_series, r_series

__all__ = ["series_page"]

_LEAD = (
    "A series of crystals that are like a known one: how far each of their atoms has moved, how "
    "well the displaced atoms explain what was measured, and the density from the phases that "
    "follow."
)

# Files whose numbers the table shows: more would make the page slow to read.
_TABLE_ROWS = 60

# Remarks that the page shows, each with the names of its first files.
_REMARKS = 12
_NAMES_OF_REMARK = 4

_OUTPUTS = {
    "phases": "amplitudes and phases of each file, MTZ",
    "atoms": "the displaced atoms of each file, CIF",
    "maps": "the density of each file, CCP4",
    "results": "the numbers of each file, JSON",
}

_TABLE_HEAD = (
    "file",
    "reflections",
    "to (Å)",
    "R, known",
    "R",
    "rms displacement (Å)",
    "largest (Å)",
    "remarks",
)


def series_page(
    folder: SeriesFolder,
    records: Sequence[Record],
    known: Crystal,
    settings: Mapping[str, str],
    warning: str = "",
) -> str:
    """Make the report of a series as one HTML text.

    Parameters
    ----------
    folder : SeriesFolder
        Folder with the results, from which phases are read.
    records : sequence of Record
        Records of all files, in their order.
    known : Crystal
        The known crystal.
    settings : name -> value
        What the page says about how the series was made.
    warning : str
        What holds for all answers of the estimator, such as an ambiguity.
    """
    usable = [record for record in records if not record.error]
    outputs: list[parts.Text] = []
    for name, content in _OUTPUTS.items():
        if (folder.path / name).is_dir():
            outputs.append(Html(f"<code>{name}/</code>: {parts.markup(content)}"))
    values: dict[str, parts.Text] = {
        "cards": _cards(records, usable),
        "formula": known.formula,
        "spacegroup": known.spacegroup,
        "sites": str(len(known.types)),
        "warnings": _warnings(records, warning),
        "displacements": _displacements(usable, known),
        "fit": _fit(usable),
        "density": density_part(folder, usable, known),
        "table": _table(records),
        "facts": parts.facts({**settings, **environment()}),
        "outputs": parts.bullets(outputs),
    }
    html = {name: parts.markup(text) for name, text in values.items()}
    body = Template(resource("series.html")).substitute(html)
    footer = "Made by argand. This page holds all that it shows: it needs no network connection."
    return page("A series like a crystal that is known", _LEAD, body, footer=footer)


def _cards(records: Sequence[Record], usable: Sequence[Record]) -> Html:
    """Make the cards with the most important numbers."""
    figures: list[tuple[str, parts.Text, str]] = [(str(len(records)), "files", "")]
    if usable:
        r = np.median([record.r for record in usable])
        r_known = np.median([record.r_known for record in usable])
        rms = [record.rms for record in usable]
        r_text = (
            f"Median R with the atoms displaced; with the known crystal as it is {r_known:.3f}."
        )
        rms_text = f"Median rms displacement; the largest is {np.max(rms):.2f} Å."
        figures.append((f"{r:.3f}", r_text, "cured"))
        figures.append((f"{np.median(rms):.2f} Å", rms_text, "cured"))
    flagged = sum(bool(record.flags) for record in usable)
    failures = len(records) - len(usable)
    flagged_text = "files deserve a second look"
    if failures:
        flagged_text += f"; {failures} could not be used"
    figures.append((str(flagged), f"{flagged_text}.", "plain"))
    return parts.key_figures(figures)


def _warnings(records: Sequence[Record], warning: str) -> Html:
    """List errors and remarks, with the files that they concern."""
    # Remarks that differ in their numbers only are shown once, in the words of the first.
    files_by_remark: dict[str, list[str]] = {}
    words_by_remark: dict[str, str] = {}
    for record in records:
        for words in (record.error,) if record.error else record.flags:
            remark = re.sub(r"\d[\d.]*", "#", words)
            words_by_remark.setdefault(remark, words)
            files_by_remark.setdefault(remark, []).append(record.name)
    notes: list[parts.Text] = [warning] if warning else []
    for remark, words in list(words_by_remark.items())[:_REMARKS]:
        notes.append(f"{words}: {_first_names(files_by_remark[remark])}")
    if not notes:
        return Html("")
    return Html(f'<aside class="note">{parts.bullets(notes).markup}</aside>')


def _first_names(names: Sequence[str]) -> str:
    """List the first names, and count the others."""
    first = ", ".join(names[:_NAMES_OF_REMARK])
    others = len(names) - _NAMES_OF_REMARK
    return f"{first} and {others} more" if others > 0 else first


def _displacements(usable: Sequence[Record], known: Crystal) -> Html:
    """Show the displacement of every site in every file."""
    if not usable:
        return Html("<p>Nothing was found.</p>")
    length = np.linalg.norm(np.array([record.displacement for record in usable]), axis=2)
    sigma = None
    if all(record.sigma for record in usable):
        sigma = np.array([record.sigma for record in usable])
    names = [record.name for record in usable]
    figure = displacement_series(length, known.labels, names, sigma)
    caption = "Click on a name to hide its line, twice to see it alone; drag to come nearer."
    return parts.interactive(figure, "displacements", caption=caption)


def _fit(usable: Sequence[Record]) -> Html:
    """Show R of every file, with the known crystal and with displaced atoms."""
    if not usable:
        return Html("")
    figure = r_series(
        [record.r_known for record in usable],
        [record.r for record in usable],
        [bool(record.flags) for record in usable],
        [record.name for record in usable],
    )
    return parts.interactive(figure, "fit")


def _table(records: Sequence[Record]) -> Html:
    """Make the table of files, spread over the series where there are many."""
    chosen = np.linspace(0, max(len(records) - 1, 0), _TABLE_ROWS).round().astype(int)
    shown = [records[i] for i in np.unique(chosen)]
    rows = [_table_row(record) for record in shown]
    caption = f"{len(shown)} of {len(records)} files." if len(shown) < len(records) else ""
    return parts.table(_TABLE_HEAD, rows, caption=caption, strong=(4,))


def _table_row(record: Record) -> list[parts.Text]:
    """Return the numbers of a file as a row of the table."""
    if record.error:
        return [record.name, *["–"] * 6, record.error]
    rms = f"{record.rms:.3f}"
    if np.isfinite(record.uncertainty):
        rms += f" ± {record.uncertainty:.3f}"
    return [
        record.name,
        f"{record.reflections:,}",
        f"{record.d_min:.2f}",
        f"{record.r_known:.3f}",
        f"{record.r:.3f}",
        rms,
        f"{record.largest:.2f} ({record.atom})",
        "; ".join(record.flags) or "–",
    ]
