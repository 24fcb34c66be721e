"""One core, one thread, and one table for each workload at the end."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# before any library counts the cores it may use
for _variable in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "DUCC0"):
    os.environ[f"{_variable}_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("python_files", "bench_*.py")
    config.option.benchmark_quiet = True  # our tables say more than the plugin's; --benchmark-verbose shows its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("cctbx.array_family.flex", "torch"):  # in this order: cctbx crashes when torch is there first
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    import argand

    argand.set_num_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _lines(benchmarks: list[Any]) -> list[str]:
    from machine import describe
    from tables import tables
    from workloads import WORKLOADS

    rows = [{"group": one.group, **one.extra_info} for one in benchmarks if not one.has_error]
    facts = [f"- {name}: {words}" for name, words in {"date": date.today().isoformat(), **describe()}.items()]
    return [*facts, *tables(rows, {work.workload: work.title for work in WORKLOADS})]


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    benchmarks = config._benchmarksession.benchmarks
    if benchmarks:
        terminalreporter.section("argand beside its peers")
        for line in _lines(benchmarks):
            terminalreporter.write_line(line)


def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, str]:
    from machine import describe

    return describe()


def pytest_benchmark_update_json(config: Any, benchmarks: list[Any], output_json: dict[str, Any]) -> None:
    """Keep what the tables are made of, and write the tables beside a --benchmark-json file."""
    for one in output_json["benchmarks"]:
        stats = {key: float(f"{one['stats'][key]:.4g}") for key in ("min", "median", "iqr", "rounds")}
        kept = {key: one[key] for key in ("group", "name", "extra_info")}
        one.clear()
        one.update(kept, stats=stats)
    path = config.getoption("benchmark_json")
    if path:
        command = " ".join(["pytest", *map(str, config.invocation_params.args)])
        commit = output_json["commit_info"]
        head = [
            "# argand beside its peers",
            "",
            f"- command: `{command}`",
            f"- commit: {commit['id'][:12]}{' and uncommitted changes' if commit['dirty'] else ''}",
            "- seed: 4 (W4); W1 has no random numbers",
        ]
        Path(path).with_suffix(".md").write_text("\n".join([*head, *_lines(benchmarks), ""]), encoding="utf-8")
