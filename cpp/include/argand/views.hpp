// Views of the caller's arrays: pointers and extents. A view owns nothing; the caller's array
// library owns the memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace argand {

using Index = std::ptrdiff_t;

// A ragged batch of crystals in P 1. The atoms of crystal c are rows atom_ptr[c] .. atom_ptr[c +
// 1].
template <class T>
struct Atoms {
  Index crystals;
  const std::int64_t* atom_ptr;  // (crystals + 1)
  const T* frac;                 // (atoms, 3) fractional coordinates
  const T* beta;  // (atoms, 6) displacement 11 22 33 12 13 23, or null for atoms at rest
  const T* occ;   // (atoms) occupancy, or null for 1
  const std::int32_t* scatterer;  // (atoms) row of the form factor table
};

// A table of form factors. Row r holds f of one atom type at every reflection of the crystals that
// have it. F is T, or Complex<T> where f includes dispersion, f0 + f' + i f''.
template <class F>
struct FormFactors {
  const F* value;
  const std::int64_t* row_ptr;  // first entry of each row
};

// Reflections as lists. Crystal c has rows hkl_ptr[c] .. hkl_ptr[c + 1] of hkl; without hkl_ptr all
// crystals share one list of `count`. Outputs are laid out in the order of the lists. Order is
// std::int32_t, or double where orders are not all integers.
template <class Order>
struct HklLists {
  Index count;                  // reflections of the shared list
  const std::int64_t* hkl_ptr;  // (crystals + 1), or null for a shared list
  const Order* hkl;             // (reflections, 3)
};

// Reflections as a box -h..h, -k..k, -l..l, h slowest. All crystals have the same box.
struct HklBox {
  std::int32_t h, k, l;
  constexpr Index size() const { return Index(2 * h + 1) * (2 * k + 1) * (2 * l + 1); }
};

// Gradients of a real loss by the atoms, laid out like Atoms. Null where not wanted.
template <class T>
struct AtomGradients {
  T* frac;
  T* beta;
  T* occ;
};

}  // namespace argand
