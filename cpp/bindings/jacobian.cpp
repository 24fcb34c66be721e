#include "argand/jacobian.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (crystals, sites, operations, reflections, scatterers, width)
using Extents = std::tuple<Index, Index, Index, Index, Index, Index>;
// (frac, beta, occ, share, scatterer, columns)
using SiteArgs = std::tuple<Address, Address, Address, Address, Address, Address>;
// (orders, turns, squares)
using OrderArgs = std::tuple<Address, Address, Address>;

// Computes the derivatives in the precision of T.
template <class T>
void run(const Extents& extents, const SiteArgs& sites, const OrderArgs& reflections, Address u,
         Address out) {
  const auto& [crystals, count, operations, size, scatterers, width] = extents;
  const auto& [frac, beta, occ, share, scatterer, columns] = sites;
  const auto& [orders, turns, squares] = reflections;
  const py::gil_scoped_release unlocked;
  jacobian(JacobianArgs<T>{
      crystals, count, operations, size, scatterers, width, pointer<const double>(frac),
      pointer<const T>(beta), pointer<const T>(occ), pointer<const T>(share),
      pointer<const std::int32_t>(scatterer), pointer<const std::int32_t>(columns),
      pointer<const T>(orders), pointer<const T>(turns), pointer<const T>(squares),
      pointer<const T>(u), pointer<T>(out)});
}

}  // namespace

void register_jacobian(py::module_& m) {
  m.def(
      "jacobian",
      [](int bits, const Extents& extents, const SiteArgs& sites, const OrderArgs& reflections,
         Address u, Address out) {
        (bits == 32 ? run<float> : run<double>)(extents, sites, reflections, u, out);
      },
      py::arg("bits"), py::arg("extents"), py::arg("sites"), py::arg("reflections"), py::arg("u"),
      py::arg("out"));
}

}  // namespace argand::bindings
