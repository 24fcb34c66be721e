#include "argand/measure.hpp"

#include <algorithm>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {

template <class T>
void measure(const MeasureArgs<T>& args) {
  const MeasureKernels<T>& kernel = kernels();
  const Index batch = std::max<Index>(1, 50'000 / std::max<Index>(1, args.size));
  parallel_for((args.crystals + batch - 1) / batch,
               [&](Index task) { kernel.measure(args, task * batch, std::min(args.crystals, (task + 1) * batch)); });
}

template void measure(const MeasureArgs<float>&);
template void measure(const MeasureArgs<double>&);

}  // namespace argand
