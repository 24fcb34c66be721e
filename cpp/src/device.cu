#include <map>
#include <mutex>

#include "cuda/device.hpp"

namespace argand::cuda {
namespace {

// Throws where the driver reports an error.
void check_driver(CUresult result, const char* function) {
  if (result != CUDA_SUCCESS) {
    throw std::runtime_error("CUDA: " + std::string(function) + " fails with error " +
                             std::to_string(int(result)) + " of the driver");
  }
}

#if defined(__CUDACC__)

// Returns a function of the driver. The module is not linked to the driver, so that it can be
// loaded where there is none.
template <class Function>
Function* driver_function(const char* name) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult status;
#if CUDART_VERSION >= 12050
  // Functions as CUDA 12.0 had them.
  check(cudaGetDriverEntryPointByVersion(name, &function, 12000, cudaEnableDefault, &status));
#else
  check(cudaGetDriverEntryPoint(name, &function, cudaEnableDefault, &status));
#endif
  if (function == nullptr) throw std::runtime_error("CUDA: the driver has no " + std::string(name));
  return reinterpret_cast<Function*>(function);
}

#define ARGAND_DRIVER(name) driver_function<decltype(name)>(#name)

#else
#define ARGAND_DRIVER(name) (&name)
#endif

// Returns the primary context of a device, which the runtime of CUDA uses too. It is retained once
// and never released, so that it lives as long as the process.
CUcontext primary_context(int device) {
  static std::mutex mutex;
  static std::map<int, CUcontext> contexts;
  const std::lock_guard<std::mutex> locked(mutex);
  const auto known = contexts.find(device);
  if (known != contexts.end()) return known->second;
  static const auto init = ARGAND_DRIVER(cuInit);
  static const auto get_device = ARGAND_DRIVER(cuDeviceGet);
  static const auto retain = ARGAND_DRIVER(cuDevicePrimaryCtxRetain);
  CUdevice handle;
  CUcontext context;
  check_driver(init(0), "cuInit");
  check_driver(get_device(&handle, device), "cuDeviceGet");
  check_driver(retain(&context, handle), "cuDevicePrimaryCtxRetain");
  contexts[device] = context;
  return context;
}

// Returns the oldest driver that runs programs of a major release of CUDA, as NVIDIA's release
// notes name it.
std::string driver_for(int major) {
  if (major == 12) return "R525";
  if (major == 13) return "R580";
  return "that of CUDA " + std::to_string(major) + ".0";
}

// Writes a version of CUDA such as 12040 as "12.4".
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

DeviceGuard::DeviceGuard(int device) {
  static const auto get_current = ARGAND_DRIVER(cuCtxGetCurrent);
  static const auto push = ARGAND_DRIVER(cuCtxPushCurrent);
  const CUcontext wanted = primary_context(device);
  CUcontext current = nullptr;
  check_driver(get_current(&current), "cuCtxGetCurrent");
  if (current == wanted) return;
  check_driver(push(wanted), "cuCtxPushCurrent");
  pushed_ = true;
}

DeviceGuard::~DeviceGuard() {
  static const auto pop = ARGAND_DRIVER(cuCtxPopCurrent);
  CUcontext popped;
  if (pushed_) (void)pop(&popped);
}

Status status() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return {count, count > 0 ? "" : "the driver knows no CUDA device"};
  (void)cudaGetLastError();
  int driver = 0, runtime = 0;
  const bool versions_known = cudaDriverGetVersion(&driver) == cudaSuccess &&
                              cudaRuntimeGetVersion(&runtime) == cudaSuccess;
  const int needed = runtime / 1000;
  if (versions_known && driver > 0 && driver / 1000 < needed) {
    return {0, "the driver serves CUDA " + version_text(driver) + ", argand was built by CUDA " +
                   version_text(runtime) + " and needs driver " + driver_for(needed) +
                   " or later: update the driver, or build argand anew by nvcc " +
                   std::to_string(driver / 1000)};
  }
  return {0, std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")"};
}

}  // namespace argand::cuda
