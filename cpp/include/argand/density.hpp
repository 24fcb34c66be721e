// Transforms between a box of structure factors and a real density map.
//
//   map[x, y, z] = scale Re sum_hkl F(hkl) exp(-2 pi i (h x / na + k y / nb + l z / nc))
//   F(hkl)       = scale sum_xyz map[x, y, z] exp(+2 pi i (h x / na + k y / nb + l z / nc))
//
// With scale = 1 / V the map is the electron density; with scale = V / (na nb nc) the transform
// back gives F again. For equal scales each transform is the adjoint of the other under the real
// inner product Re sum conj(a) b.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Numbers of grid points of a map along the cell axes.
struct Grid {
  Index a, b, c;
  constexpr Index size() const { return a * b * c; }
};

// Writes maps (maps, a, b, c) of boxes F (maps, 2h+1, 2k+1, 2l+1), h slowest. F need not be
// Hermitian: the real part of the sum is taken.
template <class T>
void map_from_structure_factors(Index maps, const HklBox& box, const Complex<T>* F,
                                const Grid& grid, double scale, T* map);

// Writes boxes F (maps, 2h+1, 2k+1, 2l+1) of maps (maps, a, b, c).
template <class T>
void structure_factors_from_map(Index maps, const HklBox& box, const T* map, const Grid& grid,
                                double scale, Complex<T>* F);

}  // namespace argand
