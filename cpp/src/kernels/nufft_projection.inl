// Projects the scattering f exp(-B q) of many atoms on a few functions of q, atoms across the
// lanes.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

void project_scattering(const AtomScattering& scattering, Index begin, Index end,
                        double* strengths) {
  using V = Lanes<double>;
  constexpr Index lanes = lane_count<double>;
  constexpr int width = ProjectionKernels::width;
  for (Index first = begin; first < end; first += lanes) {
    const Index used = end - first < lanes ? end - first : lanes;
    double b_of_lane[lanes] = {}, weight_of_lane[lanes] = {};
    for (Index w = 0; w < used; ++w) {
      b_of_lane[w] = scattering.b[first + w];
      weight_of_lane[w] = scattering.weight ? scattering.weight[first + w] : 1;
    }
    const V minus_b = -load(b_of_lane), weight = load(weight_of_lane);
    for (Index r = 0; r < scattering.rank; r += width) {
      V sum[width] = {};
      for (Index p = 0; p < scattering.points; ++p) {
        double form[lanes] = {};
        for (Index w = 0; w < used; ++w) {
          form[w] = scattering.form[scattering.type[first + w] * scattering.points + p];
        }
        const V g = load(form) * bounded_exp(V(minus_b * scattering.q[p]));
        const double* function = scattering.functions + p * scattering.stride + r;
        for (int s = 0; s < width; ++s) sum[s] += g * function[s];
      }
      for (Index s = 0; s < width && r + s < scattering.rank; ++s) {
        double* strength = strengths + (r + s) * scattering.atoms + first;
        if (used == lanes) {
          store(strength, V(weight * sum[s]));
        } else {
          for (Index w = 0; w < used; ++w) strength[w] = weight[w] * sum[s][w];
        }
      }
    }
  }
}

}  // namespace
}  // namespace argand
