// Reads an array that another library hands over as a DLPack capsule. The structures have the
// layout of the DLPack specification, versions 0.8 (dltensor) and 1.0 (dltensor_versioned).
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

namespace argand::bindings {

using Sizes = std::vector<std::int64_t>;
using DlpackView =
    std::tuple<std::uintptr_t, int, int, int, int, Sizes, std::optional<Sizes>, bool>;

// Returns (address, device_type, device_id, type_code, bits, shape, strides or None, read_only).
// The capsule is not consumed: the memory lives as long as the caller holds the array.
DlpackView read_dlpack(const pybind11::capsule& capsule);

}  // namespace argand::bindings
