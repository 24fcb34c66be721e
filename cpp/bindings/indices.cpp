#include "argand/indices.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;
// (crystals, atoms, rows, entries, reflections)
using Extents = std::tuple<Index, Index, Index, Index, Index>;

void register_indices(py::module_& m) {
  m.def(
      "indices_fit",
      [](const Extents& extents, Address atom_ptr, Address scatterer, Address form_ptr,
         Address hkl_ptr) {
        const auto& [crystals, atoms, rows, entries, reflections] = extents;
        return fit({crystals, atoms, rows, entries, reflections,
                    pointer<const std::int64_t>(atom_ptr), pointer<const std::int32_t>(scatterer),
                    pointer<const std::int64_t>(form_ptr), pointer<const std::int64_t>(hkl_ptr)});
      },
      py::arg("extents"), py::arg("atom_ptr"), py::arg("scatterer"), py::arg("form_ptr"),
      py::arg("hkl_ptr"),
      "Tell whether no index of a batch leads outside the array that it indexes.");
}

}  // namespace argand::bindings
