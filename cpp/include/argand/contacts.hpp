// Tells which groups of atoms fit into crystals that are being filled, with all their images.
#pragma once

#include "argand/views.hpp"

namespace argand {

// Candidates for further atoms of crystals, and the sites that the crystals have. All coordinates
// are fractional, all squares of distances in square angstrom. The nearest image by lattice is
// found by rounding, which is right for distances below half of the widths of the cell.
struct ContactArgs {
  Index crystals, candidates, atoms, sites, slots, operations;
  // (crystals) number of each crystal in the arrays of all crystals
  const std::int64_t* row;
  // (all, 6) metrics, 11 22 33 12 13 23
  const double* metric;
  // (all, slots, operations, 3) images of the sites, that by the identity first
  const double* images;
  // (all) sites of each crystal
  const std::int64_t* count;
  // (crystals) atoms of the candidates of each crystal, at most `atoms`
  const std::int64_t* size;
  // (crystals, candidates, atoms, 3)
  const double* points;
  // (crystals, atoms, sites) least squares of the distance from an atom to images of a site
  const double* between;
  // (crystals, candidates, atoms, sites) least squares of the distance to the site itself: to the
  // image by the identity in the same cell
  const double* within;
  // (crystals, atoms, atoms) least squares of the distance from an atom to images of the atoms of
  // its candidate by other operations than the identity; null: they are not looked at
  const double* own;
  // (operations, 3, 4) rotation and translation of each operation, identity first
  const double* operation;
  // (crystals, candidates) written: whether all distances are kept
  bool* is_free;
};

void find_free(const ContactArgs& args);

}  // namespace argand
