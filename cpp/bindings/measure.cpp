#include "argand/measure.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (row, scale, reach, threshold)
using TableArgs = std::tuple<Address, Address, Address, double>;
// (weight, amplitude, phase, mask)
using SeenArgs = std::tuple<Address, Address, Address, Address>;

template <class T>
void run(Index crystals, Index size, Address f, const TableArgs& tables, const SeenArgs& seen) {
  const auto& [row, scale, reach, threshold] = tables;
  const auto& [weight, amplitude, phase, mask] = seen;
  const py::gil_scoped_release unlocked;
  measure(MeasureArgs<T>{crystals, size, pointer<const Complex<T>>(f), pointer<const std::int64_t>(row),
                         pointer<const T>(scale), pointer<const std::uint8_t>(reach), T(threshold), pointer<T>(weight),
                         pointer<T>(amplitude), pointer<T>(phase), pointer<std::uint8_t>(mask)});
}

}  // namespace

void register_measure(py::module_& m) {
  m.def(
      "measure",
      [](int bits, Index crystals, Index size, Address f, const TableArgs& tables, const SeenArgs& seen) {
        (bits == 32 ? run<float> : run<double>)(crystals, size, f, tables, seen);
      },
      py::arg("bits"), py::arg("crystals"), py::arg("size"), py::arg("f"), py::arg("tables"), py::arg("seen"));
}

}  // namespace argand::bindings
