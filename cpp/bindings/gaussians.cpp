#include "argand/gaussians.hpp"

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;

void register_gaussians(py::module_& m) {
  m.def(
      "gaussian_sums",
      [](Index rows, Index terms, Address a, Address b, Index points, Address squares,
         Address out) {
        const py::gil_scoped_release unlocked;
        gaussian_sums(rows, terms, pointer<const double>(a), pointer<const double>(b), points,
                      pointer<const double>(squares), pointer<double>(out));
      },
      py::arg("rows"), py::arg("terms"), py::arg("a"), py::arg("b"), py::arg("points"),
      py::arg("squares"), py::arg("out"));
}

}  // namespace argand::bindings
