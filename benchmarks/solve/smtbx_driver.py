"""Phase a list of reflections by charge flipping of cctbx's smtbx; runs where cctbx is installed.

    python smtbx_driver.py INPUT.npz OUTPUT.npz SECONDS [patched]

INPUT holds `cell`, `operations` (triplets), merged `hkl`, `intensity`, `sigma`, and `p1_hkl`, the
reflections whose phases are wanted. OUTPUT gets `phases`, complex (maps, reflections) with modulus
1, or 0 where there is no phase; `verdict`, `remark` and `seconds` of processor time.
"""

from __future__ import annotations

import signal
import sys
import time

import numpy as np
from cctbx import crystal, miller, sgtbx, uctbx
from cctbx.array_family import flex
from smtbx.ab_initio import charge_flipping

# Seed of the random starts.
SEED = 1


class OutOfTime(BaseException):
    """Say that the processor time is used up; no `except Exception` of the program stops it."""


class GrowingCount(int):
    """Count iterations as a whole number also after a product with 1.5.

    Python 3 refuses the number of iterations of the third attempt, 750.0, as a length.
    """

    def __mul__(self, other):
        """Return the product, rounded down."""
        return GrowingCount(int(int(self) * other))


def stop(*_):
    """End the run: the handler of the timer."""
    raise OutOfTime


def amplitudes(data):
    """Return the amplitudes of the merged intensities as an array of cctbx."""
    group = sgtbx.space_group()
    for operation in data["operations"]:
        group.expand_smx(sgtbx.rt_mx(str(operation)))
    symmetry = crystal.symmetry(
        unit_cell=uctbx.unit_cell(tuple(map(float, data["cell"]))),
        space_group=group,
        assert_is_compatible_unit_cell=False,
    )
    indices = flex.miller_index([tuple(map(int, row)) for row in data["hkl"]])
    intensities = miller.array(
        miller.set(symmetry, indices, anomalous_flag=False),
        data=flex.double(data["intensity"].tolist()),
        sigmas=flex.double(data["sigma"].tolist()),
    ).set_observation_type_xray_intensity()
    return intensities.as_amplitude_array().merge_equivalents().array()


def phases(structure_factors, p1_hkl):
    """Return exp(i phi) of reflections from an array of cctbx; 0 where it has none."""
    if structure_factors.space_group().order_z() > 1:
        structure_factors = structure_factors.expand_to_p1()
    values = {}
    for index, value in zip(structure_factors.indices(), structure_factors.data(), strict=True):
        values[index] = value
        values[tuple(-i for i in index)] = value.conjugate()
    found = np.array([values.get(tuple(map(int, row)), 0j) for row in p1_hkl])
    return found / np.maximum(np.abs(found), 1e-300)


def main():
    """Read, phase and write."""
    source, target, seconds = sys.argv[1:4]
    if "patched" in sys.argv[4:]:
        charge_flipping.solving_iterator.max_solving_iterations = GrowingCount(500)
    data = np.load(source)
    flex.set_random_seed(SEED)
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, float(seconds))
    started = time.process_time()
    flipping = charge_flipping.weak_reflection_improved_iterator(delta=None)
    solving = None
    remark = ""
    try:
        solving = charge_flipping.solving_iterator(
            flipping,
            amplitudes(data),
            yield_during_delta_guessing=True,
            yield_solving_interval=1,
            normalisations_for=charge_flipping.amplitude_quasi_normalisations,
        )
        for _ in solving:
            if solving.state is solving.finished:
                break
        if solving.max_attempts_exceeded:
            remark = "all attempts used"
    except OutOfTime:
        remark = "out of time"
    except Exception as error:
        remark = repr(error)[:100]
    signal.setitimer(signal.ITIMER_PROF, 0.0)
    used = time.process_time() - started
    maps = []
    if solving is not None and solving.f_calc_solutions:
        maps.append(phases(solving.f_calc_solutions[0][0], data["p1_hkl"]))
    if getattr(flipping, "f_calc", None) is not None:
        maps.append(phases(flipping.f_calc, data["p1_hkl"]))
    # The program has no words of success: it ends with a symmetrised map, or without one.
    ended = solving is not None and solving.f_calc_solutions and not remark
    np.savez(
        target,
        phases=np.array(maps).reshape(-1, len(data["p1_hkl"])),
        verdict="solved" if ended else "not solved",
        remark=remark,
        seconds=used,
    )


if __name__ == "__main__":
    main()
