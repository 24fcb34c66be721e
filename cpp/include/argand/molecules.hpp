// Grows molecules within their cells, unit by unit, with room for all their images.
#pragma once

#include "argand/views.hpp"

namespace argand {

// Units of which molecules are built. The first atom of a unit is at the origin and is bonded to an
// anchor on the negative x axis; unit 0 is a single atom, unit 1 a ring whose first atom may be the
// donor of a metal.
struct MoleculeUnits {
  Index count, atoms;
  const double* limits;      // (count - 1) uniform numbers between these choose the units
  const std::int64_t* size;  // (count) atoms of each unit
  const double* place;       // (count, atoms, 2) x, y, angstrom
  const double* outward;     // (count, atoms, 2) direction of a further bond; NaN: about the bond
  const std::int64_t* code;  // (count, atoms) elements
  const std::int64_t* further;  // (count, atoms) further bonds of each atom
  const bool* is_ring;          // (count) whether atoms, the first one left out, may be nitrogen
};

// What growth needs to know of the elements, by their codes.
struct MoleculeElements {
  Index count, shares;
  const double* limits;          // (shares - 1) uniform numbers between these choose the elements
  const std::int64_t* drawn;     // (shares) elements that single atoms can be
  const double* radius;          // (count) covalent radii, angstrom
  const double* contact_square;  // (count, count) least squares between molecules, square angstrom
  const std::int64_t* further;   // (count) further bonds of a single atom; 0 for metals
  std::int64_t nitrogen, oxygen;
};

// Crystals of one group, each with its first atom. Coordinates are fractional where nothing else is
// said.
struct MoleculeArgs {
  Index crystals, slots, operations, rounds;
  std::uint64_t seed;
  std::uint32_t purpose;
  const std::int64_t* index;    // (crystals) index of the sample, of which random numbers depend
  const std::int64_t* turn;     // (crystals) turn of its random numbers in the first round
  const std::int64_t* wanted;   // (crystals) atoms of the complete molecule, at most `slots`
  const double* metric;         // (crystals, 6) 11 22 33 12 13 23, square angstrom
  const double* to_frac;        // (crystals, 6) from Cartesian angstrom, upper triangular
  const double* operation;      // (operations, 3, 4), identity first
  const double* axis;           // (crystals, 3) direction of bonds of the first atom
  const std::int64_t* further;  // (crystals) bonds of the first atom
  double metal_square;  // least square of the distance to images of a first atom on an element
  MoleculeUnits units;
  MoleculeElements elements;
  double* frac;         // (3, crystals, slots) read and written
  std::int64_t* code;   // (crystals, slots) read and written
  double* share;        // (crystals, slots) 1 over the operations that keep a site, likewise
  std::int64_t* count;  // (crystals) sites, likewise; 0 stays 0
};

void grow_molecules(const MoleculeArgs& args);

}  // namespace argand
