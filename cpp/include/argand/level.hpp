// The instruction set that the inner loops run on.
#pragma once

namespace argand {

// Returns "x86-64-v4", "x86-64-v3", "x86-64-v2" or "baseline": the best that this processor has, or
// the one that the environment variable ARGAND_SIMD names.
const char* simd_level();

}  // namespace argand
