// Evaluates two Chebyshev series at many points by Clenshaw's recurrence, points across the lanes.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

void evaluate_series_pair(const double* series, Index terms, double low, double high, Index points,
                          const double* q, double* v1, double* v2) {
  using V = Lanes<double>;
  constexpr Index lanes = lane_count<double>;
  const double slope = high > low ? 2 / (high - low) : 0;
  const auto evaluate = [&](V x, double* to1, double* to2) {
    V t = (x - low) * slope - 1;
    t = t > 1.0 ? broadcast<V>(1) : t;
    t = t < -1.0 ? broadcast<V>(-1) : t;
    V now[2] = {}, before[2] = {};
    for (Index n = terms - 1; n > 0; --n) {
      for (int s = 0; s < 2; ++s) {
        const V next = 2 * t * now[s] - before[s] + series[2 * n + s];
        before[s] = now[s];
        now[s] = next;
      }
    }
    store(to1, V(t * now[0] - before[0] + series[0]));
    store(to2, V(t * now[1] - before[1] + series[1]));
  };
  Index i = 0;
  for (; i + lanes <= points; i += lanes) evaluate(load(q + i), v1 + i, v2 + i);
  if (i == points) return;
  double last_q[lanes] = {}, last_v1[lanes], last_v2[lanes];
  for (Index j = i; j < points; ++j) last_q[j - i] = q[j];
  evaluate(load(last_q), last_v1, last_v2);
  for (Index j = i; j < points; ++j) {
    v1[j] = last_v1[j - i];
    v2[j] = last_v2[j - i];
  }
}

}  // namespace
}  // namespace argand
