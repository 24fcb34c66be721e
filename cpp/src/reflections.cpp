#include "argand/reflections.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

// Reflections that are worth a thread: some tens of microseconds.
constexpr Index worth_a_thread = 32768;

// Returns n of the cube -n .. n that has `count` reflections, or -1 where no cube has so many.
Index half_edge(Index count) {
  const Index edge = Index(std::lround(std::cbrt(double(count))));
  return edge % 2 == 1 && edge * edge * edge == count ? edge / 2 : -1;
}

// Tells whether a list is the cube -n .. n, l fastest.
template <class Order>
bool is_cube(Index n, const Order* hkl) {
  for (Index h = -n; h <= n; ++h) {
    for (Index k = -n; k <= n; ++k) {
      for (Index l = -n; l <= n; ++l, hkl += 3) {
        if (hkl[0] != Order(h) || hkl[1] != Order(k) || hkl[2] != Order(l)) return false;
      }
    }
  }
  return true;
}

}  // namespace

template <class Order>
void stol_squares(Index count, const Order* hkl, const double* metric, double* out) {
  const StolSquare square(metric);
  for (Index i = 0; i < count; ++i) {
    out[i] = square(double(hkl[3 * i]), double(hkl[3 * i + 1]), double(hkl[3 * i + 2]));
  }
}

void list_within(Index columns, const std::int64_t* begins, const std::int32_t* hkl, Index cells,
                 const double* metrics, double limit, std::int64_t* first, std::int64_t* rows,
                 double* squares) {
  Index listed = 0;
  for (Index cell = 0; cell < cells; ++cell) {
    const StolSquare square(metrics + 9 * cell);
    first[cell] = listed;
    for (Index column = 0; column < columns; ++column) {
      const std::int32_t* at = hkl + 3 * begins[column];
      const double h = at[0], k = at[1];
      // ll (l - middle)^2 <= limit - least: a step more at both ends, whatever the rounding.
      const double middle = -(square.hl * h + square.kl * k) / (2 * square.ll);
      const double room = limit - square(h, k, middle);
      const double reach = std::sqrt(std::max(room, 0.0) / square.ll) + 1;
      if (room < -limit * 1e-6) continue;
      for (Index i = begins[column]; i < begins[column + 1]; ++i) {
        const double l = hkl[3 * i + 2];
        if (l < middle - reach) continue;
        if (l > middle + reach) break;
        const double of_row = square(h, k, l);
        if (of_row > limit) continue;
        rows[listed] = i;
        squares[listed++] = of_row;
      }
    }
  }
  first[cells] = listed;
}

template <class Order>
double largest_order(Index count, const Order* hkl) {
  Order least = 0, most = 0;
  for (Index i = 0; i < 3 * count; ++i) {
    least = hkl[i] < least ? hkl[i] : least;
    most = hkl[i] > most ? hkl[i] : most;
  }
  return std::max(-double(least), double(most));
}

Survey survey(Index count, const std::int32_t* hkl, const double* metric, double* squares) {
  if (count == 0) return {};
  const StolSquare square(metric);
  std::vector<Survey> parts((count + worth_a_thread - 1) / worth_a_thread);
  parallel_for(Index(parts.size()), [&](Index task) {
    const Index begin = task * worth_a_thread;
    const Index length = std::min(count - begin, worth_a_thread);
    kernels().survey(length, hkl + 3 * begin, square, squares + begin, parts[task]);
  });
  Survey all = parts[0];
  const auto larger = [](std::int64_t& to, std::int64_t other) { to = std::max(to, other); };
  for (const Survey& part : parts) {
    larger(all.h, part.h);
    larger(all.k, part.k);
    larger(all.l, part.l);
    all.least = std::min(all.least, part.least);
    all.most = std::max(all.most, part.most);
  }
  return all;
}

template <class Order>
Arrangement arrangement(Index count, const Order* hkl) {
  if (const Index n = half_edge(count); n >= 0 && is_cube(n, hkl))
    return {(2 * n + 1) * (2 * n + 1), n};
  using Wide = std::conditional_t<std::is_integral_v<Order>, std::int64_t, double>;
  Index rows = std::min<Index>(count, 1);
  for (Index i = 1; i < count; ++i) {
    const Order *last = hkl + 3 * (i - 1), *next = hkl + 3 * i;
    // The order after the largest int32 is no int32.
    const Wide after = Wide(last[2]) + 1;
    rows += !((next[0] == last[0]) & (next[1] == last[1]) & (Wide(next[2]) == after));
  }
  return {rows, -1};
}

#define ARGAND_INSTANTIATE(Order)                                          \
  template void stol_squares(Index, const Order*, const double*, double*); \
  template double largest_order(Index, const Order*);                      \
  template Arrangement arrangement(Index, const Order*);
ARGAND_INSTANTIATE(std::int32_t)
ARGAND_INSTANTIATE(double)

}  // namespace argand
