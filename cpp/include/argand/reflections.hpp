// Surveys a list of reflections (count, 3) before anything is summed over it.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// The quadratic form stol^2 = (sin(theta) / lambda)^2 = h^T G* h / 4, with the reciprocal metric
// G* (3, 3) in 1/A^2.
struct StolSquare {
  double hh, kk, ll, hk, hl, kl;

  explicit StolSquare(const double* metric)
      : hh(metric[0] / 4),
        kk(metric[4] / 4),
        ll(metric[8] / 4),
        hk((metric[1] + metric[3]) / 4),
        hl((metric[2] + metric[6]) / 4),
        kl((metric[5] + metric[7]) / 4) {}

  ARGAND_INLINE double operator()(double h, double k, double l) const {
    const double square = h * (hh * h + hk * k + hl * l) + k * (kk * k + kl * l) + ll * l * l;
    return square > 0 ? square : 0;
  }
};

// Writes stol^2 of each reflection to `out`.
template <class Order>
void stol_squares(Index count, const Order* hkl, const double* metric, double* out);

// Lists the reflections with stol^2 <= limit of each of several cells of `metrics` (cells, 3, 3).
// hkl is sorted, l fastest, and begins (columns + 1) says where each h and k begins. Writes where
// each list begins, (cells + 1), and one list after another their rows and stol^2, which have room
// for all reflections of all cells.
void list_within(Index columns, const std::int64_t* begins, const std::int32_t* hkl, Index cells,
                 const double* metrics, double limit, std::int64_t* first, std::int64_t* rows,
                 double* squares);

// The largest |h|, |k|, |l|, and the smallest and largest stol^2; 0 without reflections.
struct Survey {
  std::int64_t h, k, l;
  double least, most;
};

// Surveys a list, and writes stol^2 of each reflection.
Survey survey(Index count, const std::int32_t* hkl, const double* metric, double* stol_squares);

// Returns the largest modulus of the orders of a list; orders that are NaN do not count.
template <class Order>
double largest_order(Index count, const Order* hkl);

// The order of a list of reflections.
struct Arrangement {
  Index rows;  // runs of neighbours with equal h and k whose l rises by one
  Index cube;  // n where the list is the cube -n .. n of h, k and l, l fastest; else -1
};

// Finds the rows of a list, and whether it is a cube.
template <class Order>
Arrangement arrangement(Index count, const Order* hkl);

}  // namespace argand
