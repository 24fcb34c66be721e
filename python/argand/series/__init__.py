"""Predict thousands of data sets of crystals like a known one, and go on where a run stopped."""

from __future__ import annotations

from argand.jobs.sources import Source, find_sources
from argand.series.folder import SeriesFolder
from argand.series.predict import predict_series
from argand.series.record import Record
from argand.series.settings import SeriesSettings
from argand.series.tables import table_csv, table_json
from argand.series.watch import Watch

__all__ = [
    "Record",
    "SeriesFolder",
    "SeriesSettings",
    "Source",
    "Watch",
    "find_sources",
    "predict_series",
    "table_csv",
    "table_json",
]
