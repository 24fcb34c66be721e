"""The peer of W6: full-matrix least squares of cctbx's smtbx."""

from __future__ import annotations

from typing import Any

import numpy as np

from contender import Contender, Run, contends
from goals import faster
from peers.common import peer
from workloads.least_squares import Cycle, LeastSquares

# R1 and uncertainties agree to 1e-3 of their size. smtbx takes the change of the scale with the
# residual into its derivatives, argand does not, so that shifts differ by 1.6e-3 of the largest.
AGREES = {"float64": 1e-3}
SHIFTS_DIFFER = {"float64": 2e-3}


def refined(work: LeastSquares) -> Any:
    """Return a reparametrisation that frees positions and U of all sites, and the observations."""
    flex = peer("cctbx.array_family.flex")
    crystal = peer("cctbx.crystal")
    miller = peer("cctbx.miller")
    xray = peer("cctbx.xray")
    adptbx = peer("cctbx.adptbx")
    constraints = peer("smtbx.refinement.constraints")
    utils = peer("smtbx.utils")
    symmetry = crystal.symmetry(unit_cell=work.cell, space_group_symbol=work.spacegroup)
    structure = xray.structure(crystal_symmetry=symmetry)
    rows = zip(work.types, work.frac.tolist(), work.u_aniso.tolist(), strict=True)
    for number, (element, site, u_cif) in enumerate(rows):
        u_star = adptbx.u_cif_as_u_star(structure.unit_cell(), u_cif)
        label = f"{element}{number}"
        scatterer = xray.scatterer(label, site=site, u=u_star, scattering_type=element)
        scatterer.flags.set_grad_site(True)
        scatterer.flags.set_grad_u_aniso(True)
        structure.add_scatterer(scatterer)
    structure.scattering_type_registry(table="it1992")
    indices = flex.miller_index([tuple(h) for h in work.hkl.tolist()])
    listed = miller.set(symmetry, indices, anomalous_flag=False)
    intensity, sigma = (flex.double(column.tolist()) for column in work.observations)
    observed = listed.array(data=intensity, sigmas=sigma).set_observation_type_xray_intensity()
    table = utils.connectivity_table(structure)
    parameters = constraints.reparametrisation(
        structure=structure, constraints=[], connectivity_table=table
    )
    return parameters, observed.as_xray_observations()


def cycle_call(work: LeastSquares) -> Run:
    """Prepare normal equations, their solution and the shift."""
    parameters, observations = refined(work)
    normal_eqns = peer("scitbx.lstbx.normal_eqns")
    least_squares = peer("smtbx.refinement.least_squares")
    problem = least_squares.crystallographic_ls(
        observations,
        parameters,
        normal_eqns.non_linear_ls_with_separable_scale_factor_BLAS_2,
        may_parallelise=False,
        weighting_scheme=least_squares.sigma_weighting(),
        origin_fixing_restraints_type=(
            least_squares.origin_fixing_restraints.homogeneous_weighting
        ),
    )
    # Fractional coordinates to angstrom, and U* to U.
    lengths = np.array(work.cell[:3])
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    units = np.concatenate([lengths, [lengths[i] * lengths[j] for i, j in pairs]])

    def run() -> Cycle:
        problem.build_up()
        problem.solve()
        shift = np.array(problem.step()).reshape(-1, 9) * units

        def figures() -> tuple[float, np.ndarray]:
            covariance = problem.covariance_matrix()
            variances = np.array(covariance.matrix_packed_u_diagonal())
            return problem.r1_factor()[0], np.sqrt(variances).reshape(-1, 9) * units

        return Cycle(shift, figures)

    return run


@contends(
    "cctbx, smtbx.refinement",
    "normal equations, their solution and the shift",
    tolerance=SHIFTS_DIFFER,
    goal={"float64": faster(10)},
)
def smtbx_cycle(work: LeastSquares, precision: str) -> Run:
    """Prepare a cycle that adds one reflection after another."""
    return cycle_call(work)


PEERS: tuple[Contender, ...] = (smtbx_cycle,)
