"""Thousands of measured data sets of crystals like a known one: an adaptation applied to each, all of it resumable."""

from __future__ import annotations

from argand.estimate.estimate import Answer, Estimate, Estimator, FurtherAtom
from argand.estimate.least_squares import LeastSquares
from argand.series.folder import SeriesFolder
from argand.series.loading import load_estimator
from argand.series.predict import predict_series
from argand.series.record import Record, table_csv, table_json
from argand.series.sources import Source, find_sources

__all__ = [
    "Answer",
    "Estimate",
    "Estimator",
    "FurtherAtom",
    "LeastSquares",
    "Record",
    "SeriesFolder",
    "Source",
    "find_sources",
    "load_estimator",
    "predict_series",
    "table_csv",
    "table_json",
]
