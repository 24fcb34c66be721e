// One source, several instruction sets: the loader picks the clone that the processor can run.
#pragma once

#include <complex>

#include "argand/term.hpp"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ARGAND_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ARGAND_CLONES
#endif

namespace argand {

// The instruction set whose clones this process runs.
inline const char* simd_level() {
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
  return "x86-64";
#else
  return "baseline";
#endif
}

// Products without the NaN and infinity cases of std::complex, which keep compilers from vectorising.
template <class T>
ARGAND_INLINE std::complex<T> multiply(T a, std::complex<T> b) {
  return {a * b.real(), a * b.imag()};
}
template <class T>
ARGAND_INLINE std::complex<T> multiply(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace argand
