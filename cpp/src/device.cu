#include "cuda/device.hpp"

namespace argand::cuda {

Status status() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return {count, count > 0 ? "" : "the driver knows no CUDA device"};
  (void)cudaGetLastError();
  return {0, std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")"};
}

}  // namespace argand::cuda
