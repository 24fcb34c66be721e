"""Write the records of a watched series as the markup and the pictures of its page."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from string import Template

from argand.crystal import Crystal
from argand.report import parts
from argand.report.page import resource
from argand.report.series import cards_of_series, remarks_of_series, table_of_series
from argand.report.series_density import density_figure
from argand.report.series_figures import displacement_figure, fit_of_series
from argand.series import Record, SeriesFolder
from argand.series.tables import unique_labels

__all__ = ["LiveSeries"]

# Files whose rows the page shows; the report has all of them.
_ROWS = 50


class LiveSeries:
    """Hold the records of a growing series, and make what its page shows when that is asked for.

    One thread tells of records, others ask: what was made for one reader serves all of them.

    Parameters
    ----------
    folder : SeriesFolder
        Folder of the series, from which phases are read.
    known : Crystal
        The known crystal.
    warning : str
        What holds for all answers of the estimator.
    density_unit : str
        Unit of the density, that of the radiation of the series.
    """

    def __init__(
        self,
        folder: SeriesFolder,
        known: Crystal,
        warning: str = "",
        density_unit: str = "e/Å³",
    ) -> None:
        self._folder, self._known = folder, known
        self._warning, self._density_unit = warning, density_unit
        self._records: Sequence[Record] = ()
        self._version = 0
        self._made = (-1, "")
        self._making = threading.Lock()

    @property
    def version(self) -> int:
        """Return a number that grows when the records change."""
        return self._version

    def show(self, records: Sequence[Record]) -> None:
        """Take the records of all files that are done, in their order."""
        self._records = records
        self._version += 1

    def page(self) -> str:
        """Return the page, which asks for everything else."""
        title = f"{self._folder.path.resolve().name}: a series that grows"
        return Template(resource("live.html")).substitute(title=parts.markup(title))

    def state(self) -> str:
        """Return as JSON what the page shows now: markup, and figures of plotly."""
        with self._making:
            version, records = self._version, self._records
            if self._made[0] != version:
                self._made = (version, self._make(records))
            return self._made[1]

    def _make(self, records: Sequence[Record]) -> str:
        """Make markup and figures of records."""
        usable = [record for record in records if not record.error]
        known = self._known
        figures = {
            "displacements": displacement_figure(records, known),
            "fit": fit_of_series(records),
        }
        words = "The first file is waited for."
        if records:
            words = f"{len(records)} files are done; the page follows when others come."
        if usable:
            newest = max(usable, key=lambda record: record.mtime_ns)
            drawn = density_figure(self._folder, usable, [newest], known, self._density_unit)
            if drawn is not None:
                figure, site, _ = drawn
                # One layer needs no slider.
                figure.frames = ()
                figure.update_layout(sliders=[], updatemenus=[])
                title = f"{newest.name}: the plane in which {site} moves"
                figure.update_layout(title={"text": title}, margin={"t": 48})
                figures["density"] = figure
        drawings = {}
        for name, figure in figures.items():
            if figure is not None:
                drawings[name] = json.loads(parts.plotly_json(figure))
        first = max(0, len(records) - _ROWS)
        table = table_of_series(records[first:], unique_labels(known.labels), first + 1)
        content = {
            "files": len(records),
            "words": words,
            "cards": cards_of_series(records, usable).markup,
            "remarks": remarks_of_series(records, self._warning).markup,
            "table": table.markup,
            "figures": drawings,
        }
        return json.dumps(content, allow_nan=False)
