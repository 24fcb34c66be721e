// What is to be known of a list of reflections (count, 3) before anything is summed over it.
#pragma once

#include "argand/views.hpp"

namespace argand {

// (sin(theta) / lambda)^2 = h^T G* h / 4 of each, metric G* (3, 3) in 1/A^2.
template <class Order>
void stol_squares(Index count, const Order* hkl, const double* metric, double* out);

// The largest |h|, |k|, |l|.
struct Reach {
  std::int32_t h, k, l;
};
Reach reach(Index count, const std::int32_t* hkl);

struct Arrangement {
  Index rows;  // runs of neighbours that differ by one in l, h and k the same
  Index cube;  // n where the list is the cube -n .. n of all three, l fastest; else -1
};

template <class Order>
Arrangement arrangement(Index count, const Order* hkl);

}  // namespace argand
