#include "argand/density.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
using BoxArgs = std::tuple<int, int, int>;
using GridArgs = std::tuple<Index, Index, Index>;

template <class T>
void to_map(Index maps, const HklBox& box, Address f, const Grid& grid, double scale, Address map) {
  const py::gil_scoped_release unlocked;
  map_from_structure_factors(maps, box, pointer<const Complex<T>>(f), grid, scale, pointer<T>(map));
}

template <class T>
void from_map(Index maps, const HklBox& box, Address f, const Grid& grid, double scale,
              Address map) {
  const py::gil_scoped_release unlocked;
  structure_factors_from_map(maps, box, pointer<const T>(map), grid, scale, pointer<Complex<T>>(f));
}

using Transform = void (*)(Index, const HklBox&, Address, const Grid&, double, Address);

// Registers a transform with its functions for single and for double precision.
template <Transform in_float, Transform in_double>
void register_transform(py::module_& m, const char* name) {
  m.def(
      name,
      [](int bits, Index maps, const BoxArgs& box, Address f, const GridArgs& grid, double scale,
         Address map) {
        const auto& [h, k, l] = box;
        const auto& [a, b, c] = grid;
        (bits == 32 ? in_float : in_double)(maps, {h, k, l}, f, {a, b, c}, scale, map);
      },
      py::arg("bits"), py::arg("maps"), py::arg("box"), py::arg("f"), py::arg("grid"),
      py::arg("scale"), py::arg("map"));
}

}  // namespace

void register_density(py::module_& m) {
  register_transform<to_map<float>, to_map<double>>(m, "map_from_structure_factors");
  register_transform<from_map<float>, from_map<double>>(m, "structure_factors_from_map");
}

}  // namespace argand::bindings
