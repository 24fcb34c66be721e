// Whether the index arrays of a ragged batch lead nowhere outside of the arrays that they index.
#pragma once

#include "argand/views.hpp"

namespace argand {

struct BatchIndices {
  Index crystals, atoms, rows, entries, reflections;
  const std::int64_t* atom_ptr;   // (crystals + 1) rises from 0 to atoms
  const std::int32_t* scatterer;  // (atoms) below rows
  const std::int64_t* form_ptr;   // (rows + 1) rises from 0 to entries; a row is as long as the
                                  // reflections it serves
  const std::int64_t*
      hkl_ptr;  // (crystals + 1) rises from 0 to reflections, or null: all crystals share them
};

bool fit(const BatchIndices& batch);

}  // namespace argand
