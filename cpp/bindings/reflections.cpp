#include "argand/reflections.hpp"

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;

// Computes stol^2 of reflections whose orders have type Order.
template <class Order>
void squares_of(Index count, Address hkl, Address metric, Address out) {
  const py::gil_scoped_release unlocked;
  stol_squares(count, pointer<const Order>(hkl), pointer<const double>(metric),
               pointer<double>(out));
}

// Surveys the order of a list whose orders have type Order.
template <class Order>
Arrangement arrangement_of(Index count, Address hkl) {
  const py::gil_scoped_release unlocked;
  return arrangement(count, pointer<const Order>(hkl));
}

}  // namespace

void register_reflections(py::module_& m) {
  m.def(
      "stol_squares",
      [](bool whole, Index count, Address hkl, Address metric, Address out) {
        (whole ? squares_of<std::int32_t> : squares_of<double>)(count, hkl, metric, out);
      },
      py::arg("whole"), py::arg("count"), py::arg("hkl"), py::arg("metric"), py::arg("out"));
  m.def(
      "list_within",
      [](Index columns, Address begins, Address hkl, Index cells, Address metrics, double limit,
         Address first, Address rows, Address squares) {
        const py::gil_scoped_release unlocked;
        list_within(columns, pointer<const std::int64_t>(begins), pointer<const std::int32_t>(hkl),
                    cells, pointer<const double>(metrics), limit, pointer<std::int64_t>(first),
                    pointer<std::int64_t>(rows), pointer<double>(squares));
      },
      py::arg("columns"), py::arg("begins"), py::arg("hkl"), py::arg("cells"), py::arg("metrics"),
      py::arg("limit"), py::arg("first"), py::arg("rows"), py::arg("squares"));
  m.def(
      "survey",
      [](Index count, Address hkl, Address metric, Address squares) {
        const Survey result = [&] {
          const py::gil_scoped_release unlocked;
          return survey(count, pointer<const std::int32_t>(hkl), pointer<const double>(metric),
                        pointer<double>(squares));
        }();
        return std::pair(std::tuple(result.h, result.k, result.l),
                         std::pair(result.least, result.most));
      },
      py::arg("count"), py::arg("hkl"), py::arg("metric"), py::arg("squares"));
  m.def(
      "largest_order",
      [](bool whole, Index count, Address hkl) {
        return whole ? largest_order(count, pointer<const std::int32_t>(hkl))
                     : largest_order(count, pointer<const double>(hkl));
      },
      py::arg("whole"), py::arg("count"), py::arg("hkl"));
  m.def(
      "arrangement",
      [](bool whole, Index count, Address hkl) {
        const auto [rows, cube] =
            (whole ? arrangement_of<std::int32_t> : arrangement_of<double>)(count, hkl);
        return std::pair(rows, cube);
      },
      py::arg("whole"), py::arg("count"), py::arg("hkl"));
}

}  // namespace argand::bindings
