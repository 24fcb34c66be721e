#include "argand/jacobian.hpp"

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {

template <class T>
void jacobian(const JacobianArgs<T>& args) {
  const JacobianKernels<T>& kernel = kernels();
  parallel_for(args.crystals * args.sites, [&](Index task) {
    kernel.jacobian_of_site(args, task / args.sites, task % args.sites);
  });
}

template void jacobian(const JacobianArgs<float>&);
template void jacobian(const JacobianArgs<double>&);

}  // namespace argand
