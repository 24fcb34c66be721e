// Sums Gaussians at many points, points across the lanes.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

void gaussian_sum(Index terms, const double* a, const double* rate, Index points,
                  const double* squares, double* out) {
  using V = Lanes<double>;
  constexpr Index lanes = lane_count<double>;
  const auto at = [&](V s2) {
    V sum{};
    for (Index t = 0; t < terms; ++t)
      sum += rate[t] == 0 ? broadcast<V>(a[t]) : V(two_to(V(s2 * rate[t])) * a[t]);
    return sum;
  };
  Index i = 0;
  for (; i + lanes <= points; i += lanes) store(out + i, at(load(squares + i)));
  if (i == points) return;
  double last[lanes] = {};
  for (Index j = i; j < points; ++j) last[j - i] = squares[j];
  store(last, at(load(last)));
  for (Index j = i; j < points; ++j) out[j] = last[j - i];
}

}  // namespace
}  // namespace argand
