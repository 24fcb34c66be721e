"""Phase a list of reflections by grok-phase-solver; runs where that is installed.

    python grok_driver.py INPUT.npz OUTPUT.npz SECONDS

INPUT holds `cell` and the reflections of P 1, `p1_hkl` and `p1_intensity`: the program does not
expand a list by its space group. OUTPUT gets `phases`, complex (1, reflections) with modulus 1,
`verdict`, `remark` and `seconds` of processor time.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from grok_phase_solver.pipeline.next_action import recommend_next_action
from grok_phase_solver.pipeline.solve import SolveConfig, solve_structure


class OutOfTime(BaseException):
    """Say that the processor time is used up; no `except Exception` of the program stops it."""


def stop(*_):
    """End the run: the handler of the timer."""
    raise OutOfTime


def write_list(path, hkl, intensity):
    """Write a list of reflections with intensities, the strongest 99999."""
    scale = 99999.0 / intensity.max()
    lines = [
        f"{h:4d} {k:4d} {l:4d} {scale * value:12.4f} 1.0"
        for (h, k, l), value in zip(hkl, intensity, strict=True)
    ]
    path.write_text("\n".join([*lines, "0 0 0 0 0"]) + "\n")


def outlook(result):
    """Return what the program itself thinks of its map, in its words."""
    action = recommend_next_action(
        cell=result.cell,
        d_min=result.d_min,
        method=result.method,
        n_reflections=len(result.hkl),
        n_peaks=len(result.peaks),
        diagnostics=result.diagnostics,
        space_group=result.space_group_hm,
    )
    return action["map_outlook"]


def main():
    """Write the list, phase it and write the phases."""
    source, target, seconds = sys.argv[1:4]
    data = np.load(source)
    hkl = data["p1_hkl"]
    values = np.zeros(len(hkl), complex)
    verdict = "not solved"
    remark = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.hkl"
        write_list(path, hkl, data["p1_intensity"])
        cell = ",".join(f"{value:.5f}" for value in data["cell"])
        # Its bootstrap of the uncertainty changes no phase and is not part of its time here.
        config = SolveConfig(verbose=False, compute_uncertainty=False)
        signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, float(seconds))
        started = time.process_time()
        try:
            result = solve_structure(str(path), cell=cell, space_group="P 1", config=config)
            by_index = {
                tuple(map(int, index)): phase
                for index, phase in zip(result.hkl, result.phases, strict=True)
            }
            for row, index in enumerate(hkl):
                phase = by_index.get(tuple(map(int, index)))
                if phase is not None:
                    values[row] = np.exp(1j * phase)
            verdict = "solved" if outlook(result) == "looks_healthy" else "not solved"
            remark = result.method
        except OutOfTime:
            remark = "out of time"
        except Exception as error:
            remark = repr(error)[:100]
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        used = time.process_time() - started
    np.savez(target, phases=values[None], verdict=verdict, remark=remark, seconds=used)


if __name__ == "__main__":
    main()
