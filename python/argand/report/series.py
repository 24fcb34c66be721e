"""Make the report of ``argand predict``: numbers and pictures for the text of series.html."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template

import numpy as np

from argand.crystal import Crystal
from argand.medians import median_interval
from argand.report import parts
from argand.report.environment import environment
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.report.series_density import density_part
from argand.report.series_figures import displacement_figure, fit_of_series
from argand.series import Record, SeriesFolder
from argand.series.tables import unique_labels

__all__ = ["cards_of_series", "remarks_of_series", "series_page", "table_of_series"]

_LEAD = (
    "A series of crystals that are like a known one: how far each of their atoms has moved, how "
    "well the displaced atoms explain what was measured, and the density from the phases that "
    "follow."
)

# Remarks that the page shows, each with the names of its first files.
_REMARKS = 12
_NAMES_OF_REMARK = 4

_OUTPUTS = {
    "phases": "amplitudes and phases of each file, MTZ",
    "atoms": "the displaced atoms of each file, CIF",
    "maps": "the density of each file, CCP4",
    "results": "the numbers of each file, JSON",
}

# Rows that a page shows at once; a longer table scrolls in a window of its own.
_ROWS_WITHOUT_SCROLLING = 60

_TABLE_HEAD = (
    "number",
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
    shown: Sequence[str] = (),
    density_unit: str = "e/Å³",
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
    shown : sequence of str
        Names of the files whose density is shown; none shows all, or files spread over a series
        that is too long for one page.
    density_unit : str
        Unit of the density, that of the radiation of the series.
    """
    usable = [record for record in records if not record.error]
    outputs: list[parts.Text] = []
    for name, content in _OUTPUTS.items():
        if (folder.path / name).is_dir():
            outputs.append(Html(f"<code>{name}/</code>: {parts.markup(content)}"))
    values: dict[str, parts.Text] = {
        "cards": cards_of_series(records, usable),
        "formula": known.formula,
        "spacegroup": known.spacegroup,
        "sites": str(len(known.types)),
        "warnings": remarks_of_series(records, warning),
        "displacements": _displacements(records, known),
        "fit": _fit(records),
        "density": density_part(folder, usable, known, shown, density_unit),
        "table": table_of_series(records, unique_labels(known.labels)),
        "facts": parts.facts({**settings, **environment()}),
        "outputs": parts.bullets(outputs),
    }
    html = {name: parts.markup(text) for name, text in values.items()}
    body = Template(resource("series.html")).substitute(html)
    footer = "Made by argand. This page holds all that it shows: it needs no network connection."
    return page("A series like a crystal that is known", _LEAD, body, footer=footer)


def cards_of_series(records: Sequence[Record], usable: Sequence[Record]) -> Html:
    """Make the cards with the most important numbers."""
    figures: list[tuple[str, parts.Text, str]] = [(str(len(records)), "files", "")]
    if usable:
        r, r_low, r_high = median_interval([record.r for record in usable])
        r_known = median_interval([record.r_known for record in usable])
        rms = [record.rms for record in usable]
        rms_median, rms_low, rms_high = median_interval(rms)
        r_text = (
            f"Median R with the atoms displaced, 95 % interval {r_low:.3f} to {r_high:.3f}; with "
            f"the known crystal as it is {r_known[0]:.3f} ({r_known[1]:.3f} to {r_known[2]:.3f})."
        )
        rms_text = (
            f"Median rms displacement, 95 % interval {rms_low:.2f} to {rms_high:.2f} Å; "
            f"{_uncertainty_words(usable)}the largest is {np.max(rms):.2f} Å."
        )
        figures.append((f"{r:.3f}", r_text, "cured"))
        figures.append((f"{rms_median:.2f} Å", rms_text, "cured"))
    flagged = sum(bool(record.flags) for record in usable)
    failures = len(records) - len(usable)
    flagged_text = "files deserve a second look"
    if failures:
        flagged_text += f"; {failures} could not be used"
    figures.append((str(flagged), f"{flagged_text}.", "plain"))
    return parts.key_figures(figures)


def _uncertainty_words(usable: Sequence[Record]) -> str:
    """Say how well the rms displacement of one file is known, where that was estimated."""
    uncertainty, _, _ = median_interval([record.uncertainty for record in usable])
    if not np.isfinite(uncertainty):
        return ""
    return f"that of one file is known to {uncertainty:.3f} Å (median); "


def remarks_of_series(records: Sequence[Record], warning: str) -> Html:
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


def _displacements(records: Sequence[Record], known: Crystal) -> Html:
    """Show the displacement of every site in every file; files that failed keep their number."""
    figure = displacement_figure(records, known)
    if figure is None:
        return Html("<p>Nothing was found.</p>")
    caption = (
        "Click on a name to hide its line, twice to see it alone; drag to come nearer. Files that "
        "could not be used leave a gap."
    )
    return parts.interactive(figure, "displacements", caption=caption)


def _fit(records: Sequence[Record]) -> Html:
    """Show R of every file, with the known crystal and with displaced atoms."""
    figure = fit_of_series(records)
    if figure is None:
        return Html("")
    return parts.interactive(figure, "fit")


def table_of_series(records: Sequence[Record], labels: Sequence[str], first: int = 1) -> Html:
    """Make the table of files, with their numbers in the figures, of which `first` is the first."""
    rows = []
    for number, record in enumerate(records, start=first):
        rows.append([str(number), *_table_row(record, labels)])
    return parts.table(_TABLE_HEAD, rows, strong=(5,), is_long=len(rows) > _ROWS_WITHOUT_SCROLLING)


def _table_row(record: Record, labels: Sequence[str]) -> list[parts.Text]:
    """Return the name and the numbers of a file as a row of the table."""
    if record.error:
        return [record.name, *["–"] * 6, record.error]
    rms = f"{record.rms:.3f}"
    if np.isfinite(record.uncertainty):
        rms += f" ± {record.uncertainty:.3f}"
    lengths = np.linalg.norm(np.array(record.displacement), axis=1)
    largest_site = int(lengths.argmax())
    largest = f"{record.largest:.2f}"
    if record.sigma:
        largest += f" ± {record.sigma[largest_site]:.2f}"
    return [
        record.name,
        f"{record.reflections:,}",
        f"{record.d_min:.2f}",
        f"{record.r_known:.3f}",
        f"{record.r:.3f}",
        rms,
        f"{largest} ({labels[largest_site]})",
        "; ".join(record.flags) or "–",
    ]
