// The runtime and the driver of an emulated machine. The driver keeps a stack of contexts, as for
// one thread; the context of device d is the address of contexts[d]. A test sets what fails.
#pragma once

#include <utility>
#include <vector>

using cudaError_t = int;
using CUresult = int;
using CUdevice = int;
using CUcontext = bool*;
constexpr cudaError_t cudaSuccess = 0;
constexpr cudaError_t cudaErrorEmulated = 35;
constexpr CUresult CUDA_SUCCESS = 0;

namespace argand::emulation {

constexpr int most_devices = 4;

struct Driver {
  int version = 13000;               // of the driver; the runtime has 13000
  bool contexts[most_devices] = {};  // whether a device has a context
  std::vector<CUcontext> stack;
  cudaError_t last_error = cudaSuccess;
  cudaError_t next_launch = cudaSuccess;  // how the next launch ends
};
inline Driver& driver() {
  static Driver now;
  return now;
}

}  // namespace argand::emulation

inline cudaError_t cudaGetLastError() {
  return std::exchange(argand::emulation::driver().last_error, cudaSuccess);
}
inline const char* cudaGetErrorName(cudaError_t) {
  return "cudaErrorEmulated";
}
inline const char* cudaGetErrorString(cudaError_t) {
  return "emulated";
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  auto& driver = argand::emulation::driver();
  *count = driver.version < 13000 ? 0 : 1;
  driver.last_error = *count > 0 ? cudaSuccess : cudaErrorEmulated;
  return driver.last_error;
}
inline cudaError_t cudaDriverGetVersion(int* version) {
  *version = argand::emulation::driver().version;
  return cudaSuccess;
}
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
inline CUresult cuInit(unsigned) {
  return CUDA_SUCCESS;
}
inline CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal < argand::emulation::most_devices ? CUDA_SUCCESS : 101;
}
inline CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  *context = &argand::emulation::driver().contexts[device];
  **context = true;
  return CUDA_SUCCESS;
}
inline CUresult cuCtxGetCurrent(CUcontext* context) {
  const auto& stack = argand::emulation::driver().stack;
  *context = stack.empty() ? nullptr : stack.back();
  return CUDA_SUCCESS;
}
inline CUresult cuCtxPushCurrent(CUcontext context) {
  argand::emulation::driver().stack.push_back(context);
  return CUDA_SUCCESS;
}
inline CUresult cuCtxPopCurrent(CUcontext* context) {
  auto& stack = argand::emulation::driver().stack;
  *context = stack.back();
  stack.pop_back();
  return CUDA_SUCCESS;
}
