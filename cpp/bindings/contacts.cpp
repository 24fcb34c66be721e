#include "argand/contacts.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;
// (crystals, candidates, sites, slots, operations)
using Extents = std::tuple<Index, Index, Index, Index, Index>;
// (row, metric, images, count)
using Crystals = std::tuple<Address, Address, Address, Address>;

void register_contacts(py::module_& m) {
  m.def(
      "find_free",
      [](const Extents& extents, const Crystals& crystal_arrays, Address points, Address nearest,
         Address is_free) {
        const auto& [crystals, candidates, sites, slots, operations] = extents;
        const auto& [row, metric, images, count] = crystal_arrays;
        const ContactArgs args{crystals,
                               candidates,
                               sites,
                               slots,
                               operations,
                               pointer<const std::int64_t>(row),
                               pointer<const double>(metric),
                               pointer<const double>(images),
                               pointer<const std::int64_t>(count),
                               pointer<const double>(points),
                               pointer<const double>(nearest),
                               pointer<bool>(is_free)};
        const py::gil_scoped_release unlocked;
        find_free(args);
      },
      py::arg("extents"), py::arg("crystals"), py::arg("points"), py::arg("nearest"),
      py::arg("is_free"),
      "Tell which points have room for an atom in crystals that are being filled, with all "
      "images.");
}

}  // namespace argand::bindings
