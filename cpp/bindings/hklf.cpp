#include "argand/hklf.hpp"

#include <utility>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;

void register_hklf(py::module_& m) {
  m.def(
      "read_fixed_rows",
      [](Index length, Address text, Index rows, Address table) {
        const RowsRead read = [&] {
          const py::gil_scoped_release unlocked;
          return read_fixed_rows(length, pointer<const char>(text), rows, pointer<double>(table));
        }();
        return std::pair(read.rows, read.bytes);
      },
      py::arg("length"), py::arg("text"), py::arg("rows"), py::arg("table"));
}

}  // namespace argand::bindings
