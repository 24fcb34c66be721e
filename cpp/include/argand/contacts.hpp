// Tells which points have room for an atom in crystals that are being filled, with all images.
#pragma once

#include "argand/views.hpp"

namespace argand {

// Candidates for further sites of crystals, and the sites that the crystals have. All coordinates
// are fractional, all squares of distances in square angstrom. The nearest image by lattice is
// found by rounding, which is right for distances below half of the widths of the cell.
struct ContactArgs {
  Index crystals, candidates, sites, slots, operations;
  // (crystals) number of each crystal in the arrays of all crystals
  const std::int64_t* row;
  // (all, 6) metrics, 11 22 33 12 13 23
  const double* metric;
  // (all, slots, operations, 3) images of the sites, that by the identity first
  const double* images;
  // (all) sites of each crystal
  const std::int64_t* count;
  // (crystals, candidates, 3)
  const double* points;
  // (crystals, sites) least squares of the distance to a site and to its images
  const double* nearest;
  // (crystals, candidates) written: whether all distances are kept
  bool* is_free;
};

void find_free(const ContactArgs& args);

}  // namespace argand
