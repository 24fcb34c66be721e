// The inner loop of jacobian.cpp, compiled once for each instruction set as those of kernels.hpp.
#pragma once

#include "argand/jacobian.hpp"

namespace argand {

template <class T>
struct JacobianKernel {
  void (*site)(const JacobianArgs<T>&, Index crystal, Index site);
};

struct JacobianKernels : JacobianKernel<float>, JacobianKernel<double> {
  const char* level;
};

}  // namespace argand
