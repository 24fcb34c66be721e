// What a detector would see of structure factors, and what it would lose: amplitudes, phases, and
// which reflections are there at all. One pass over F, because reading and writing it is what
// costs.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// For crystal c with row = row[c] of the tables, at each of `size` reflections:
//   weight = |F|, amplitude = |F| scale[row], phase = arg F, mask = reach[row] and amplitude >
//   threshold;
// all are 0 where the mask is.
template <class T>
struct MeasureArgs {
  Index crystals, size;
  const Complex<T>* f;        // (crystals, size)
  const std::int64_t* row;    // (crystals)
  const T* scale;             // (rows, size)
  const std::uint8_t* reach;  // (rows, size)
  T threshold;
  T *weight, *amplitude, *phase;  // (crystals, size)
  std::uint8_t* mask;             // (crystals, size)
};

template <class T>
void measure(const MeasureArgs<T>& args);

// The same of crystals whose F on a box is summed on the way: what is seen of a crystal is taken
// while its F lies in the cache, and F itself is kept nowhere. args.f is not looked at.
template <class T>
void measure_boxes(const Atoms<T>& atoms, const FormFactors<T>& form, const HklBox& box,
                   const MeasureArgs<T>& args);

}  // namespace argand
