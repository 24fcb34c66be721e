// The family f exp(-B q) of many atoms, projected onto a few functions of q; atoms across the lanes.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

void project_family(const Family& family, Index begin, Index end, double* u) {
  using V = Lanes<double>;
  constexpr Index lanes = lane_count<double>;
  constexpr int width = FamilyKernels::width;
  for (Index first = begin; first < end; first += lanes) {
    const Index some = end - first < lanes ? end - first : lanes;
    double held[2][lanes] = {};
    for (Index w = 0; w < some; ++w) {
      held[0][w] = family.b[first + w];
      held[1][w] = family.weight ? family.weight[first + w] : 1;
    }
    const V b = -load(held[0]), weight = load(held[1]);
    for (Index r = 0; r < family.rank; r += width) {
      V sum[width] = {};
      for (Index p = 0; p < family.points; ++p) {
        double form[lanes] = {};
        for (Index w = 0; w < some; ++w) form[w] = family.form[family.kind[first + w] * family.points + p];
        const V g = load(form) * bounded_exp(V(b * family.q[p]));
        const double* function = family.functions + p * family.stride + r;
        for (int s = 0; s < width; ++s) sum[s] += g * function[s];
      }
      for (Index s = 0; s < width && r + s < family.rank; ++s) {
        double* to = u + (r + s) * family.atoms + first;
        if (some == lanes) {
          store(to, V(weight * sum[s]));
        } else {
          for (Index w = 0; w < some; ++w) to[w] = weight[w] * sum[s][w];
        }
      }
    }
  }
}

}  // namespace
}  // namespace argand
