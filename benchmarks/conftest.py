"""One core, one thread, and one table for each workload at the end."""

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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("python_files", "bench_*.py")
    config.option.benchmark_quiet = (
        True  # our tables say more than the plugin's; --benchmark-verbose shows its own
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (
            "cctbx.array_family.flex",
            "torch",
        ):  # in this order: cctbx crashes when torch is there first
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    import argand

    argand.set_num_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    from document import facts, listed, workloads

    return [*listed(facts()), *workloads(rows)]


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    benchmarks = [one for one in config._benchmarksession.benchmarks if not one.has_error]
    if benchmarks:
        terminalreporter.section("argand beside its peers")
        for line in _lines([{"group": one.group, **one.extra_info} for one in benchmarks]):
            terminalreporter.write_line(line)


def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, str]:
    from document import facts

    return facts()


def pytest_benchmark_update_json(
    config: Any, benchmarks: list[Any], output_json: dict[str, Any]
) -> None:
    """Keep what the tables are made of, and write the tables beside a --benchmark-json file."""
    for one in output_json["benchmarks"]:
        stats = {
            key: float(f"{one['stats'][key]:.4g}") for key in ("min", "median", "iqr", "rounds")
        }
        kept = {key: one[key] for key in ("group", "name", "extra_info")}
        one.clear()
        one.update(kept, stats=stats)
    path = config.getoption("benchmark_json")
    if path:
        rows = [{"group": one["group"], **one["extra_info"]} for one in output_json["benchmarks"]]
        lines = ["# argand beside its peers", "", *_lines(rows), ""]
        beside = path if isinstance(path, Path) else Path(path.name)
        beside.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")
