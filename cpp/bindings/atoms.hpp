// Atoms as Python hands them over: (crystals, atom_ptr, frac, beta, occ, scatterer).
#pragma once

#include <tuple>

#include "argand/views.hpp"
#include "register.hpp"

namespace argand::bindings {

using AtomsArgs = std::tuple<Index, Address, Address, Address, Address, Address>;

// Returns the view of atoms at these addresses.
template <class T>
Atoms<T> atoms_of(const AtomsArgs& args) {
  const auto& [crystals, atom_ptr, frac, beta, occ, scatterer] = args;
  return {crystals,
          pointer<const std::int64_t>(atom_ptr),
          pointer<const T>(frac),
          pointer<const T>(beta),
          pointer<const T>(occ),
          pointer<const std::int32_t>(scatterer)};
}

}  // namespace argand::bindings
