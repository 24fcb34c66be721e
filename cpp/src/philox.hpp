// Random numbers that are a pure function of seed, index, purpose and turn: Philox4x32-10, the
// numbers of `argand.simulate.random.uniforms`.
//
// J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
#pragma once

#include "argand/views.hpp"

namespace argand {

// What numbers are drawn for. A purpose takes the low 8 bits of the last word of a counter, its
// turn the others.
struct PhiloxStream {
  std::uint64_t seed, index;
  std::uint32_t purpose;
};

// Writes `blocks` times four uniform numbers in (0, 1) of a turn.
inline void draw_uniforms(const PhiloxStream& stream, std::uint32_t turn, Index blocks,
                          double* out) {
  constexpr int rounds = 10;
  for (Index block = 0; block < blocks; ++block) {
    std::uint32_t c0 = std::uint32_t(stream.index), c1 = std::uint32_t(stream.index >> 32);
    std::uint32_t c2 = std::uint32_t(block), c3 = stream.purpose + (turn << 8);
    std::uint32_t k0 = std::uint32_t(stream.seed), k1 = std::uint32_t(stream.seed >> 32);
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t p0 = std::uint64_t(0xD2511F53u) * c0;
      const std::uint64_t p1 = std::uint64_t(0xCD9E8D57u) * c2;
      c0 = std::uint32_t(p1 >> 32) ^ c1 ^ k0;
      c2 = std::uint32_t(p0 >> 32) ^ c3 ^ k1;
      c1 = std::uint32_t(p1);
      c3 = std::uint32_t(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    for (const std::uint32_t word : {c0, c1, c2, c3}) *out++ = (word + 0.5) * 0x1p-32;
  }
}

}  // namespace argand
