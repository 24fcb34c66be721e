// Derivatives of every reflection by the coordinates of every site: what the normal matrix of a
// refinement is made of.
#pragma once

#include "argand/views.hpp"

namespace argand {

// For crystal c, with h' = hR of operation (R|t) and
//   T = share exp(-h' beta h'^T) exp(2 pi i (h'.x + h.t)),
// the real part of u sum over the operations of dT occ / dq, at each reflection, for these
// coordinates q of a site:
//   x y z; beta 11 22 33 12 13 23; an isotropic B, exp(-B stol^2); the occupancy.
// Reflections are padded to whole lanes: `reflections` is a multiple of 16.
template <class T>
struct JacobianArgs {
  Index crystals, sites, operations, reflections, scatterers, width;
  const double* frac;             // (crystals, sites, 3)
  const T* beta;                  // (crystals, sites, 6)
  const T* occ;                   // (crystals, sites)
  const T* share;                 // (sites)
  const std::int32_t* scatterer;  // (sites) row of u
  const std::int32_t*
      columns;  // (sites, 4) first column of x y z, of beta, of B, of the occupancy; -1: not wanted
  const T* orders;   // (operations, 3, reflections): hR
  const T* turns;    // (operations, reflections): h.t
  const T* squares;  // (reflections): stol^2
  const T* u;        // (crystals, scatterers, 2, reflections): real and imaginary part
  T* out;            // (crystals, width, reflections)
};

template <class T>
void jacobian(const JacobianArgs<T>& args);

}  // namespace argand
