// What crosses into the core: pointers and extents. A view never owns; the caller's array library
// does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace argand {

using Index = std::ptrdiff_t;

// A ragged batch of crystals in P1: the atoms of crystal c are rows atom_ptr[c] .. atom_ptr[c + 1].
template <class T>
struct Atoms {
  Index crystals;
  const std::int64_t* atom_ptr;  // (crystals + 1)
  const T* frac;                 // (atoms, 3) fractional coordinates
  const T* beta;  // (atoms, 6) displacement 11 22 33 12 13 23, or null: atoms at rest
  const T* occ;   // (atoms) occupancy, or null: all 1
  const std::int32_t* scatterer;  // (atoms) row of the form factor table
};

// Form factors: row r holds f of one kind of atom at every reflection of the crystals that name it.
// F is T, or Complex<T> where f' + i f'' is in it.
template <class F>
struct FormFactors {
  const F* value;
  const std::int64_t* row_ptr;  // first entry of each row
};

// Reflections as lists: those of crystal c are rows hkl_ptr[c] .. hkl_ptr[c + 1] of hkl; without
// hkl_ptr all crystals share the one list of `count`. Outputs are laid out in the same order.
template <class Order>  // std::int32_t, or double where orders are not all integers
struct HklLists {
  Index count;                  // reflections of the shared list
  const std::int64_t* hkl_ptr;  // (crystals + 1), or null: shared
  const Order* hkl;             // (reflections, 3)
};

// Reflections as a box -h..h, -k..k, -l..l, h slowest; the same for every crystal.
struct HklBox {
  std::int32_t h, k, l;
  constexpr Index size() const { return Index(2 * h + 1) * (2 * k + 1) * (2 * l + 1); }
};

// Gradients of a real loss by the atoms, laid out like Atoms; null where not wanted.
template <class T>
struct AtomGradients {
  T* frac;
  T* beta;
  T* occ;
};

}  // namespace argand
