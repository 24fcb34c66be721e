#include "argand/measure.hpp"

#include <tuple>

#include "atoms.hpp"
#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (row, scale, reach, threshold)
using TableArgs = std::tuple<Address, Address, Address, double>;
// (weight, amplitude, phase, mask)
using OutputArgs = std::tuple<Address, Address, Address, Address>;

// (value, row_ptr)
using FormArgs = std::tuple<Address, Address>;
using BoxArgs = std::tuple<int, int, int>;

template <class T>
MeasureArgs<T> arguments(Index crystals, Index size, Address f, const TableArgs& tables,
                         const OutputArgs& outputs) {
  const auto& [row, scale, reach, threshold] = tables;
  const auto& [weight, amplitude, phase, mask] = outputs;
  return {crystals,
          size,
          pointer<const Complex<T>>(f),
          pointer<const std::int64_t>(row),
          pointer<const T>(scale),
          pointer<const std::uint8_t>(reach),
          T(threshold),
          pointer<T>(weight),
          pointer<T>(amplitude),
          pointer<T>(phase),
          pointer<std::uint8_t>(mask)};
}

template <class T>
void measure_f(Index crystals, Index size, Address f, const TableArgs& tables,
               const OutputArgs& outputs) {
  const py::gil_scoped_release unlocked;
  measure(arguments<T>(crystals, size, f, tables, outputs));
}

template <class T>
void measure_crystals(const AtomsArgs& atoms_args, const FormArgs& form, const HklBox& box,
                      const TableArgs& tables, const OutputArgs& outputs) {
  const Atoms<T> atoms = atoms_of<T>(atoms_args);
  const auto& [value, row_ptr] = form;
  const py::gil_scoped_release unlocked;
  measure_boxes(atoms,
                FormFactors<T>{pointer<const T>(value), pointer<const std::int64_t>(row_ptr)}, box,
                arguments<T>(atoms.crystals, box.size(), 0, tables, outputs));
}

}  // namespace

void register_measure(py::module_& m) {
  m.def(
      "measure",
      [](int bits, Index crystals, Index size, Address f, const TableArgs& tables,
         const OutputArgs& outputs) {
        (bits == 32 ? measure_f<float> : measure_f<double>)(crystals, size, f, tables, outputs);
      },
      py::arg("bits"), py::arg("crystals"), py::arg("size"), py::arg("f"), py::arg("tables"),
      py::arg("outputs"));
  m.def(
      "measure_boxes",
      [](int bits, const AtomsArgs& atoms, const FormArgs& form, const BoxArgs& box,
         const TableArgs& tables, const OutputArgs& outputs) {
        const auto& [h, k, l] = box;
        (bits == 32 ? measure_crystals<float> : measure_crystals<double>)(atoms, form, {h, k, l},
                                                                          tables, outputs);
      },
      py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("box"), py::arg("tables"),
      py::arg("outputs"));
}

}  // namespace argand::bindings
