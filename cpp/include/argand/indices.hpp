// Checks the index arrays of a ragged batch.
#pragma once

#include "argand/views.hpp"

namespace argand {

// Index arrays of a batch, and the lengths of the arrays that they index.
struct BatchIndices {
  Index crystals, atoms, rows, entries, reflections;
  // (crystals + 1), must rise from 0 to atoms
  const std::int64_t* atom_ptr;
  // (atoms), must be below rows
  const std::int32_t* scatterer;
  // (rows + 1), must rise from 0 to entries; a row needs one entry for each reflection
  const std::int64_t* form_ptr;
  // (crystals + 1), must rise from 0 to reflections; null where all crystals share them
  const std::int64_t* hkl_ptr;
};

// Tells whether no index leads outside the array that it indexes.
bool fit(const BatchIndices& batch);

}  // namespace argand
