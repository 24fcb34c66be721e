// Turns structure factors into what a detector measures (amplitudes), what it loses (phases), and
// which reflections it sees at all. F is read once, because memory traffic takes most of the time.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Arguments of measure(). Crystal c uses row[c] of the tables, and at each of `size` reflections
//
//   mask = reach[row] and |F| scale[row] > threshold,
//   weight = |F|, amplitude = |F| scale[row], phase = arg F where the mask is 1, and 0 elsewhere.
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

// Writes weight, amplitude, phase and mask of every crystal.
template <class T>
void measure(const MeasureArgs<T>& args);

// Sums F of every crystal on a box, and writes weight, amplitude, phase and mask while F lies in
// the cache. F itself is not kept, and args.f is not used.
template <class T>
void measure_boxes(const Atoms<T>& atoms, const FormFactors<T>& form, const HklBox& box,
                   const MeasureArgs<T>& args);

}  // namespace argand
