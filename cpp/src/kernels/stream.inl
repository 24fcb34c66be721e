// Writes results that are larger than the caches past them: a plain store first reads the memory
// that it overwrites, and drives out of the cache what other work still needs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "argand/lanes.hpp"
#include "argand/views.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace argand {
namespace {

// Writes 64 bytes to a whole line of the cache; `to` is aligned to it.
ARGAND_INLINE void stream_line(const char* from, char* to) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
#elif defined(__SSE2__)
#pragma GCC unroll 4
  for (int i = 0; i < lane_bytes; i += 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
  }
#else
  __builtin_memcpy(to, from, lane_bytes);
#endif
}

// Copies memory past the caches. finish_streams() must follow before another thread reads the copy.
void stream(Index bytes, const void* from, void* to) {
  const char* source = static_cast<const char*>(from);
  char* target = static_cast<char*>(to);
  char* const end = target + bytes;
  const auto copy_until = [&](char* until) {
    const std::size_t count = until - target;
    __builtin_memcpy(target, source, count);
    target = until;
    source += count;
  };
  const std::size_t past_line = reinterpret_cast<std::uintptr_t>(target) % lane_bytes;
  if (past_line) copy_until(std::min(end, target + (lane_bytes - past_line)));
  for (; end - target >= lane_bytes; target += lane_bytes, source += lane_bytes)
    stream_line(source, target);
  copy_until(end);
}

// Waits until all streamed memory is visible to other threads.
ARGAND_INLINE void finish_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

void copy_past_caches(Index bytes, const void* from, void* to) {
  stream(bytes, from, to);
  finish_streams();
}

}  // namespace
}  // namespace argand
