#include "argand/plain_words.hpp"

#include <utility>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;

void register_plain_words(py::module_& m) {
  m.def(
      "count_plain_words",
      [](Index length, Address text) {
        const PlainWords plain = [&] {
          const py::gil_scoped_release unlocked;
          return count_plain_words(length, pointer<const char>(text));
        }();
        return std::pair(plain.words, plain.bytes);
      },
      py::arg("length"), py::arg("text"));
  m.def(
      "read_plain_words",
      [](Index length, Address text, Index columns, Index rows, Address table, Address kinds) {
        const py::gil_scoped_release unlocked;
        return read_plain_words(length, pointer<const char>(text), columns, rows,
                                pointer<double>(table), pointer<ColumnKind>(kinds));
      },
      py::arg("length"), py::arg("text"), py::arg("columns"), py::arg("rows"), py::arg("table"),
      py::arg("kinds"));
}

}  // namespace argand::bindings
