// Everything that the kernels use of CUDA, in words that a plain C++ compiler can be taught too:
// tests/emulation/ compiles these sources without CUDA, and watches which thread touches which
// element of shared memory between two barriers.
//
// Shared memory is read and written a whole element at a time, and a block synchronises as a whole;
// no kernel relies on the order of the threads of a warp.
#pragma once

#include <type_traits>

#include "argand/cuda.hpp"

#if defined(__CUDACC__)

#include <cuda.h>
#include <cuda_runtime.h>

namespace argand::cuda {

// Blocks that fill a device several times over. Where a block has data that it keeps from crystal
// to crystal, more of them would fetch it more often.
constexpr Index blocks_of_device = 8192;

// An array in the shared memory of a block.
template <class T>
using Shared = T*;

// Hands out the shared memory of a block, array after array. On the host it only counts bytes.
class SharedMemory {
 public:
  __host__ __device__ explicit SharedMemory(unsigned char* base) : base_(base) {}
  template <class T>
  __host__ __device__ Shared<T> take(int count) {
    T* part = reinterpret_cast<T*>(base_ + used_);
    used_ += (int(sizeof(T)) * count + 15) / 16 * 16;
    return part;
  }
  __host__ __device__ int bytes() const { return used_; }

 private:
  unsigned char* base_;
  int used_ = 0;
};

// Returns shared memory that only counts.
inline SharedMemory counting_memory() {
  return SharedMemory(nullptr);
}
// Returns the shared memory of this block.
__device__ inline SharedMemory block_memory() {
  extern __shared__ __align__(16) unsigned char argand_shared[];
  return SharedMemory(argand_shared);
}

}  // namespace argand::cuda

#define ARGAND_LAUNCH(kernel, blocks, threads, bytes, queue, ...)  \
  (kernel)<<<unsigned(blocks), unsigned(threads), unsigned(bytes), \
             static_cast<cudaStream_t>((queue).stream)>>>(__VA_ARGS__)

#else
#include "cuda_emulation.hpp"
#endif

#include <cstdint>
#include <stdexcept>
#include <string>

namespace argand::cuda {

// A complex number that is read and written by one access to memory.
template <class T>
struct alignas(2 * sizeof(T)) Pair {
  T re, im;
  ARGAND_HD Complex<T> complex() const { return {re, im}; }
};
template <class T>
ARGAND_HD ARGAND_INLINE Pair<T> pair(Complex<T> z) {
  return {z.re, z.im};
}

// Two complex numbers that lie one after the other.
template <class T>
struct alignas(16) TwoPairs {
  Pair<T> first, second;
};

// A number as it lies in memory: complex numbers are aligned to their size.
template <class F>
struct StoredAs {
  using Type = F;
};
template <class T>
struct StoredAs<Complex<T>> {
  using Type = Pair<T>;
};
template <class F>
using Stored = typename StoredAs<F>::Type;

// Returns the address of numbers that are read and written by one access each.
template <class F>
Stored<F>* stored(F* numbers) {
  return reinterpret_cast<Stored<F>*>(numbers);
}
template <class F>
const Stored<F>* stored(const F* numbers) {
  return reinterpret_cast<const Stored<F>*>(numbers);
}

// Throws where CUDA reports an error, and clears it, lest a later call finds it.
inline void check(cudaError_t error) {
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
    throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorName(error) + ": " +
                             cudaGetErrorString(error));
  }
}

// Makes the primary context of a device current in this thread, and takes it away at the end. It
// does nothing where that context is current already. The context that was current before, or none,
// is current again afterwards, so that no other device gets a context.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  bool pushed_ = false;
};

// Bytes of shared memory that every device gives a block by default. Compute capability 7.5 has at
// most 64 KiB.
constexpr int plain_shared = 48 * 1024;

// Returns the number of blocks for a number of tasks, of which each of n blocks takes every n-th.
inline Index grid_of(Index tasks) {
  constexpr Index most = (Index(1) << 31) - 1;
  return tasks < most ? tasks : most;
}

// Returns a / b, rounded up.
ARGAND_HD constexpr Index ceil_div(Index a, Index b) {
  return (a + b - 1) / b;
}

}  // namespace argand::cuda
