"""A series on a dask.distributed scheduler: killed workers change nothing in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs distributed")

from argand.series import predict_series
from argand.simulate import Independent, Measurement, Perturbation, Simulation, write_folder
from stand_in import KNOWN, Slow

SIMULATION = Simulation(
    KNOWN, Perturbation([Independent(0.05)]), Measurement(noise=0.02), d_min=1.6, seed=6
)
FILES = 48


def start(*words: str) -> subprocess.Popen[str]:
    """Start a program of dask."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "20",
            "ARGAND_TEST_PAUSE": "0.4",
        },
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.filterwarnings("ignore")
def test_two_killed_workers_change_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    generator = random.Random(seed)
    write_folder(tmp_path / "in", SIMULATION, range(FILES), format="hkl", truth=False)
    address_file = tmp_path / "scheduler.json"
    scheduler = start(
        *("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        *("--scheduler-file", str(address_file)),
    )
    workers: list[subprocess.Popen[str]] = []

    def add_worker() -> None:
        """Start a worker with one process and one thread."""
        workers.append(
            start(
                *("dask_worker", "--scheduler-file", str(address_file), "--no-nanny"),
                *("--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)),
            )
        )

    killed: list[int] = []

    def kill_workers() -> None:
        """Kill two workers while they work, and start another one for each."""
        for number in range(2):
            count = len(list((tmp_path / "out" / "results").glob("*.json"))) if number else 0
            while len(list((tmp_path / "out").glob("results/*.json"))) <= count:
                time.sleep(0.02)
            time.sleep(generator.uniform(0.0, 0.5))
            workers[number].send_signal(signal.SIGKILL)
            # A worker may leave a file that it had not finished.
            workers[number].wait()
            (tmp_path / "out" / "atoms" / f".argand-{number}.cif").write_text("half")
            killed.append(len(list((tmp_path / "out").glob("results/*.json"))))
            add_worker()

    try:
        deadline = time.monotonic() + 60.0
        while not address_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        add_worker()
        add_worker()
        killer = threading.Thread(target=kill_workers, daemon=True)
        killer.start()
        address = json.loads(address_file.read_text())["address"]
        records = predict_series(
            Slow(KNOWN), [tmp_path / "in"], tmp_path / "out", scheduler=address
        )
        killer.join(60.0)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
    # Both were killed while files were left.
    assert len(killed) == 2
    assert killed[1] < FILES
    alone = predict_series(Slow(KNOWN), [tmp_path / "in"], tmp_path / "alone", workers=1)
    assert [record.name for record in records] == [record.name for record in alone]
    assert [record.displacement for record in records] == [record.displacement for record in alone]
    for part in ("phases", "atoms"):
        names = sorted(path.name for path in (tmp_path / "alone" / part).iterdir())
        assert sorted(path.name for path in (tmp_path / "out" / part).iterdir()) == names
        for name in names:
            content = (tmp_path / "out" / part / name).read_bytes()
            assert content == (tmp_path / "alone" / part / name).read_bytes()
