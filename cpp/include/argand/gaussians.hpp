// Form factors as sums of Gaussians, f(s) = sum_i a_i exp(-b_i s^2).
#pragma once

#include "argand/views.hpp"

namespace argand {

// Writes out[r, i] = sum_t a[r, t] exp(-b[r, t] squares[i]) (rows, points), from a, b (rows, terms)
// and squares s^2 (points).
void gaussian_sums(Index rows, Index terms, const double* a, const double* b, Index points,
                   const double* squares, double* out);

}  // namespace argand
