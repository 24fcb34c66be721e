#include "kernels.hpp"

#include <cstdlib>
#include <cstring>

#include "argand/level.hpp"

namespace argand {

extern const Kernels kernels_base;
#if defined(ARGAND_X86_LEVELS)
extern const Kernels kernels_v2, kernels_v3, kernels_v4;
#endif

namespace {

// Returns the kernels of the best instruction set, no better than the one that is asked for.
const Kernels& choose() {
  const Kernels* best = &kernels_base;
#if defined(ARGAND_X86_LEVELS)
  __builtin_cpu_init();
  const struct {
    const Kernels* kernels;
    bool runs;
  } levels[] = {{&kernels_base, true},
                {&kernels_v2, bool(__builtin_cpu_supports("x86-64-v2"))},
                {&kernels_v3, bool(__builtin_cpu_supports("x86-64-v3"))},
                {&kernels_v4, bool(__builtin_cpu_supports("x86-64-v4"))}};
  const char* wanted = std::getenv("ARGAND_SIMD");
  for (const auto& [candidate, runs] : levels) {
    if (!runs) continue;
    best = candidate;
    if (wanted && std::strcmp(wanted, candidate->level) == 0) break;
  }
#endif
  return *best;
}

}  // namespace

const char* simd_level() {
  return kernels().level;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace argand
