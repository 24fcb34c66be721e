#include "dlpack.hpp"

#include <stdexcept>
#include <string>

namespace argand::bindings {
namespace {

namespace py = pybind11;

// DLTensor of the specification.
struct Tensor {
  void* data;
  std::int32_t device_type, device_id;
  std::int32_t ndim;
  std::uint8_t type_code, bits;
  std::uint16_t lanes;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};

// DLManagedTensorVersioned of the specification.
struct Versioned {
  std::uint32_t major, minor;
  void* manager;
  void (*deleter)(Versioned*);
  std::uint64_t flags;
  Tensor tensor;
};
// The flag DLPACK_FLAG_BITMASK_READ_ONLY.
constexpr std::uint64_t read_only_flag = 1;

}  // namespace

DlpackView read_dlpack(const py::capsule& capsule) {
  const std::string name = capsule.name() ? capsule.name() : "";
  const Tensor* tensor = nullptr;
  bool read_only = false;
  if (name == "dltensor") {
    tensor = capsule.get_pointer<Tensor>();
  } else if (name == "dltensor_versioned") {
    const auto* versioned = capsule.get_pointer<Versioned>();
    if (versioned->major != 1) {
      throw std::runtime_error("a DLPack array of version " + std::to_string(versioned->major) +
                               ", needs 1");
    }
    tensor = &versioned->tensor;
    read_only = versioned->flags & read_only_flag;
  } else {
    throw std::runtime_error("a capsule named '" + name +
                             "', needs a DLPack array that nobody has taken yet");
  }
  if (tensor->lanes != 1)
    throw std::runtime_error("a DLPack array of vectors, needs one of numbers");
  const auto sizes = [&](const std::int64_t* from) { return Sizes(from, from + tensor->ndim); };
  std::optional<Sizes> strides;
  if (tensor->strides) strides = sizes(tensor->strides);
  const auto address = reinterpret_cast<std::uintptr_t>(tensor->data) + tensor->byte_offset;
  return {address,      tensor->device_type,  tensor->device_id, tensor->type_code,
          tensor->bits, sizes(tensor->shape), strides,           read_only};
}

}  // namespace argand::bindings
