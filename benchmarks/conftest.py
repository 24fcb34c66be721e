"""Bind the benchmarks to one core and one thread, and print one table for each workload."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import one_core

one_core.pin()

# cctbx crashes where torch was imported before it.
IMPORTED_FIRST = ("cctbx.array_family.flex", "torch")

# Statistics of pytest-benchmark that are kept in a JSON file.
STATISTICS = ("min", "median", "iqr", "rounds")


def pytest_configure(config: pytest.Config) -> None:
    """Collect `bench_*.py`, import libraries in a safe order, and give each of them one thread."""
    config.addinivalue_line("python_files", "bench_*.py")
    # The tables of this file replace those of the plugin; --benchmark-verbose shows the latter.
    config.option.benchmark_quiet = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in IMPORTED_FIRST:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    import argand

    argand.set_num_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print the tables of the workloads."""
    rows = []
    for benchmark in config._benchmarksession.benchmarks:
        if not benchmark.has_error:
            rows.append({"group": benchmark.group, **benchmark.extra_info})
    if not rows:
        return
    terminalreporter.section("argand beside its peers")
    for line in _lines(rows):
        terminalreporter.write_line(line)


def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, str]:
    """Describe the machine without the plugin's host name and paths."""
    from document import facts

    return facts()


def pytest_benchmark_update_json(
    config: Any, benchmarks: list[Any], output_json: dict[str, Any]
) -> None:
    """Keep what the tables are made of, and write the tables beside a --benchmark-json file."""
    rows = []
    for result in output_json["benchmarks"]:
        stats = {}
        for name in STATISTICS:
            stats[name] = float(f"{result['stats'][name]:.4g}")
        group, name, extra_info = result["group"], result["name"], result["extra_info"]
        result.clear()
        result.update(group=group, name=name, extra_info=extra_info, stats=stats)
        rows.append({"group": group, **extra_info})
    json_file = config.getoption("benchmark_json")
    if json_file:
        path = json_file if isinstance(json_file, Path) else Path(json_file.name)
        lines = ["# argand beside its peers", "", *_lines(rows), ""]
        path.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    from document import facts, workload_tables
    from machine import list_facts

    return [*list_facts(facts()), *workload_tables(rows)]
