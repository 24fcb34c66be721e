#include "argand/contacts.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;
// (crystals, candidates, atoms, sites, slots, operations)
using Extents = std::tuple<Index, Index, Index, Index, Index, Index>;
// (row, metric, images, count)
using Crystals = std::tuple<Address, Address, Address, Address>;
// (size, points, between, within, own, operation)
using Candidates = std::tuple<Address, Address, Address, Address, Address, Address>;

void register_contacts(py::module_& m) {
  m.def(
      "find_free",
      [](const Extents& extents, const Crystals& crystal_arrays, const Candidates& candidate_arrays,
         Address is_free) {
        const auto& [crystals, candidates, atoms, sites, slots, operations] = extents;
        const auto& [row, metric, images, count] = crystal_arrays;
        const auto& [size, points, between, within, own, operation] = candidate_arrays;
        const ContactArgs args{crystals,
                               candidates,
                               atoms,
                               sites,
                               slots,
                               operations,
                               pointer<const std::int64_t>(row),
                               pointer<const double>(metric),
                               pointer<const double>(images),
                               pointer<const std::int64_t>(count),
                               pointer<const std::int64_t>(size),
                               pointer<const double>(points),
                               pointer<const double>(between),
                               pointer<const double>(within),
                               pointer<const double>(own),
                               pointer<const double>(operation),
                               pointer<bool>(is_free)};
        const py::gil_scoped_release unlocked;
        find_free(args);
      },
      py::arg("extents"), py::arg("crystals"), py::arg("candidates"), py::arg("is_free"),
      "Tell which groups of atoms fit into crystals that are being filled, with all their images.");
}

}  // namespace argand::bindings
