#include "argand/jacobian.hpp"

#include <cstring>

#include "argand/level.hpp"
#include "argand/parallel.hpp"
#include "kernels/jacobian.hpp"

namespace argand {

extern const JacobianKernels jacobian_kernels_base;
#if defined(ARGAND_X86_LEVELS)
extern const JacobianKernels jacobian_kernels_v2, jacobian_kernels_v3, jacobian_kernels_v4;
#endif

namespace {

const JacobianKernels& choose() {
#if defined(ARGAND_X86_LEVELS)
  for (const auto* kernels : {&jacobian_kernels_v2, &jacobian_kernels_v3, &jacobian_kernels_v4}) {
    if (std::strcmp(kernels->level, simd_level()) == 0) return *kernels;
  }
#endif
  return jacobian_kernels_base;
}

}  // namespace

template <class T>
void jacobian(const JacobianArgs<T>& args) {
  static const JacobianKernel<T>& kernel = choose();
  parallel_for(args.crystals * args.sites,
               [&](Index task) { kernel.site(args, task / args.sites, task % args.sites); });
}

template void jacobian(const JacobianArgs<float>&);
template void jacobian(const JacobianArgs<double>&);

}  // namespace argand
