#include "argand/indices.hpp"

namespace argand {
namespace {

// Tells whether pointers (count + 1) rise from 0 to end.
bool rises(const std::int64_t* ptr, Index count, Index end) {
  bool fits = ptr[0] == 0 && ptr[count] == end;
  for (Index i = 0; i < count; ++i) fits &= ptr[i] <= ptr[i + 1];
  return fits;
}

}  // namespace

bool fit(const BatchIndices& batch) {
  if (!rises(batch.atom_ptr, batch.crystals, batch.atoms) ||
      !rises(batch.form_ptr, batch.rows, batch.entries))
    return false;
  if (batch.hkl_ptr && !rises(batch.hkl_ptr, batch.crystals, batch.reflections)) return false;
  if (batch.atoms == 0) return true;
  bool fits = true;
  for (Index a = 0; a < batch.atoms; ++a)
    fits &= batch.scatterer[a] >= 0 && batch.scatterer[a] < batch.rows;
  if (!fits) return false;
  const auto length = [&](Index row) { return batch.form_ptr[row + 1] - batch.form_ptr[row]; };
  if (!batch.hkl_ptr) {
    for (Index row = 0; row < batch.rows; ++row) fits &= length(row) >= batch.reflections;
    return fits;
  }
  for (Index c = 0; c < batch.crystals; ++c) {
    const std::int64_t reflections = batch.hkl_ptr[c + 1] - batch.hkl_ptr[c];
    for (Index a = batch.atom_ptr[c]; a < batch.atom_ptr[c + 1]; ++a)
      fits &= length(batch.scatterer[a]) >= reflections;
  }
  return fits;
}

}  // namespace argand
