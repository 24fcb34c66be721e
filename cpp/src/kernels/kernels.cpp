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

#if defined(ARGAND_X86_LEVELS)
// Tells whether this processor runs kernels of x86-64-v2, -v3 and -v4.
struct Processor {
#if defined(__clang__)
  // clang before 18 does not know levels by name. Processors that have these extensions have the
  // others of their level.
  bool v2 = __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("sse4.2");
  bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
            __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
#else
  bool v2 = __builtin_cpu_supports("x86-64-v2");
  bool v3 = __builtin_cpu_supports("x86-64-v3");
  bool v4 = __builtin_cpu_supports("x86-64-v4");
#endif
};
#endif

// Returns the kernels of the best instruction set, no better than the one that is asked for.
const Kernels& choose() {
  const Kernels* best = &kernels_base;
#if defined(ARGAND_X86_LEVELS)
  __builtin_cpu_init();
  const Processor processor;
  const struct {
    const Kernels* kernels;
    bool runs;
  } levels[] = {{&kernels_base, true},
                {&kernels_v2, processor.v2},
                {&kernels_v3, processor.v3},
                {&kernels_v4, processor.v4}};
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
