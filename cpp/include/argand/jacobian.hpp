// Derivatives of every reflection by the coordinates of every site: the matrix of a least-squares
// refinement.
#pragma once

#include "argand/views.hpp"

namespace argand {

// Arguments of jacobian(). With h' = hR for the symmetry operation (R|t), the term of a site is
//
//   T = share exp(-h' beta h'^T) exp(2 pi i (h'.x + h.t)).
//
// A column of the result is Re(u sum_R d(occ T)/dq) at each reflection, for a coordinate q of a
// site: x y z; beta 11 22 33 12 13 23; an isotropic B, which multiplies T by exp(-B stol^2); the
// occupancy. Reflections are padded to whole lanes: `reflections` is a multiple of 16.
template <class T>
struct JacobianArgs {
  Index crystals, sites, operations, reflections, scatterers, width;
  const double* frac;             // (crystals, sites, 3)
  const T* beta;                  // (crystals, sites, 6)
  const T* occ;                   // (crystals, sites)
  const T* share;                 // (sites)
  const std::int32_t* scatterer;  // (sites) row of u
  // (sites, 4) first column of x y z, of beta, of B, of the occupancy; -1: not wanted
  const std::int32_t* columns;
  const T* orders;   // (operations, 3, reflections): hR
  const T* turns;    // (operations, reflections): h.t
  const T* squares;  // (reflections): stol^2
  const T* u;        // (crystals, scatterers, 2, reflections): real and imaginary part
  T* out;            // (crystals, width, reflections)
};

// Writes the derivatives by all coordinates that are wanted.
template <class T>
void jacobian(const JacobianArgs<T>& args);

}  // namespace argand
