// Distances of points in crystals to the nearest image by lattice, in fractional coordinates.
#pragma once

#include <cmath>
#include <cstdint>

#include "argand/views.hpp"

namespace argand {

// Returns a number less the nearest whole number. Conversion to a whole number is one instruction
// everywhere, rounding is not.
inline double wrapped(double x) {
  return x - static_cast<std::int32_t>(x + std::copysign(0.5, x));
}

// Returns the squared length of a difference x, y, z in the metric g, 11 22 33 12 13 23.
inline double square(const double* g, double x, double y, double z) {
  return x * (g[0] * x + 2.0 * (g[3] * y + g[4] * z)) + y * (g[1] * y + 2.0 * g[5] * z) +
         g[2] * z * z;
}

// Returns the squared distance of two points to the nearest image by lattice.
inline double wrapped_square(const double* g, const double* a, const double* b) {
  return square(g, wrapped(a[0] - b[0]), wrapped(a[1] - b[1]), wrapped(a[2] - b[2]));
}

// Writes the image of a point by an operation (3, 4), rotation and translation side by side.
inline void set_image(const double* operation, const double* point, double* image) {
  for (int i = 0; i < 3; ++i) {
    const double* m = operation + 4 * i;
    image[i] = m[0] * point[0] + m[1] * point[1] + m[2] * point[2] + m[3];
  }
}

// Tells whether a point is too near to a site or its images (operations, 3), the site first: nearer
// than the square `within` to the site itself in the same cell, than `between` to all others.
inline bool touches_site(const double* g, const double* images, Index operations,
                         const double* point, double between, double within) {
  const double x = images[0] - point[0], y = images[1] - point[1], z = images[2] - point[2];
  const bool is_direct = std::abs(x) < 0.5 && std::abs(y) < 0.5 && std::abs(z) < 0.5;
  if (is_direct ? square(g, x, y, z) < within : wrapped_square(g, images, point) < between)
    return true;
  for (Index o = 1; o < operations; ++o)
    if (wrapped_square(g, images + 3 * o, point) < between) return true;
  return false;
}

}  // namespace argand
