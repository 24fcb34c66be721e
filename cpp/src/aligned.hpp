// Memory for vectors of numbers.
#pragma once

#include <memory>
#include <new>

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

struct AlignedDelete {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(lane_bytes)); }
};

template <class T>
using AlignedNumbers = std::unique_ptr<T[], AlignedDelete>;

// Returns memory, not initialised, of `size` numbers, that begins with a line of the cache, so that
// no vector of it lies on two.
template <class T>
AlignedNumbers<T> aligned_numbers(Index size) {
  return AlignedNumbers<T>(
      static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t(lane_bytes))));
}

}  // namespace argand
