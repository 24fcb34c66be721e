// Dual-space cycles, which find phases: the density of structure factors is changed where it is
// low, and measured reflections get their amplitudes back.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Where reflections stand. A column holds the reflections of one (k, l), l >= 0; columns lie side
// by side in blocks of dual_space_lanes(). Column 0 is k = l = 0. On the grid stands conj F, so
// that
//
//   rho(x) = sum_h conj F(h) exp(2 pi i h.x).
struct DualSpaceTables {
  Index points[3];             // grid points, products of 2, 3, 5 and 7, the last one even
  Index planes;                // l_max + 1
  Index blocks;                // of columns
  const std::int32_t* column;  // (blocks lanes, 2): l, k modulo the points; -1: no column
  Index reflections, measured;
  const std::int32_t*
      position;              // (reflections): (block points[0] + h modulo the points) lanes + lane
  const std::int32_t* mate;  // (reflections): position of -h where l = 0, else -1
  const std::uint8_t* conjugate;  // (reflections): 1 where conj F stands at the position, 0: F
};

// Arguments of dual_space(). A cycle of a start is
//
//   delta = threshold sqrt(2 sum |F|^2),
//   rho(x) = factor rho(x) where rho(x) < delta,
//   G = transform of rho,
//   F = amplitude G / |G| where measured, i G where also shifted,
//   F = G min(1, cap / |G|) elsewhere,
//   F(000) = G(000).
struct DualSpaceArgs {
  DualSpaceTables tables;
  Index starts, cycles;
  int threads;
  float factor;  // -1: low density is flipped, 0: it is eliminated
  float cap;
  const float* amplitude;       // (measured)
  const std::uint8_t* shifted;  // (measured)
  const float* threshold;       // (starts)
  Complex<float>* f;            // (starts, reflections), read and written
  Complex<float>* g;            // (starts, reflections): G of the last cycle
  float* origin;                // (starts): F(000), read and written
};

// Runs the cycles of every start. Each start is computed by itself, so that its result depends on
// neither the others nor the number of threads.
void dual_space(const DualSpaceArgs& args);

// Makes the two transforms of every cycle and nothing else, to compare times; writes nothing.
void dual_space_transforms(const DualSpaceArgs& args);

// Returns how many columns make a block: the lanes of a register.
int dual_space_lanes();

}  // namespace argand
