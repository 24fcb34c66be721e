#include "argand/dual_space.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (points along a, b, c)
using Points = std::tuple<Index, Index, Index>;
// (planes, blocks, reflections, measured)
using Extents = std::tuple<Index, Index, Index, Index>;
// (column, position, mate, conjugate)
using TableArgs = std::tuple<Address, Address, Address, Address>;
// (starts, cycles, threads, factor, cap)
using Settings = std::tuple<Index, Index, int, float, float>;
// (amplitude, shifted, threshold)
using TargetArgs = std::tuple<Address, Address, Address>;
// (f, g, origin)
using StartArgs = std::tuple<Address, Address, Address>;

DualSpaceArgs arguments(const Points& points, const Extents& extents, const TableArgs& tables,
                        const Settings& settings, const TargetArgs& targets,
                        const StartArgs& begin) {
  const auto& [na, nb, nc] = points;
  const auto& [planes, blocks, reflections, measured] = extents;
  const auto& [column, position, mate, conjugate] = tables;
  const auto& [starts, cycles, threads, factor, cap] = settings;
  const auto& [amplitude, shifted, threshold] = targets;
  const auto& [f, g, origin] = begin;
  const DualSpaceTables located{{na, nb, nc},
                                planes,
                                blocks,
                                pointer<const std::int32_t>(column),
                                reflections,
                                measured,
                                pointer<const std::int32_t>(position),
                                pointer<const std::int32_t>(mate),
                                pointer<const std::uint8_t>(conjugate)};
  return {located,
          starts,
          cycles,
          threads,
          factor,
          cap,
          pointer<const float>(amplitude),
          pointer<const std::uint8_t>(shifted),
          pointer<const float>(threshold),
          pointer<Complex<float>>(f),
          pointer<Complex<float>>(g),
          pointer<float>(origin)};
}

}  // namespace

void register_dual_space(py::module_& m) {
  m.def("dual_space_lanes", &dual_space_lanes);
  m.def(
      "dual_space",
      [](const Points& points, const Extents& extents, const TableArgs& tables,
         const Settings& settings, const TargetArgs& targets, const StartArgs& starts) {
        const DualSpaceArgs args = arguments(points, extents, tables, settings, targets, starts);
        const py::gil_scoped_release unlocked;
        dual_space(args);
      },
      py::arg("points"), py::arg("extents"), py::arg("tables"), py::arg("settings"),
      py::arg("targets"), py::arg("starts"));
  m.def(
      "dual_space_transforms",
      [](const Points& points, const Extents& extents, const TableArgs& tables,
         const Settings& settings, const TargetArgs& targets, const StartArgs& starts) {
        const DualSpaceArgs args = arguments(points, extents, tables, settings, targets, starts);
        const py::gil_scoped_release unlocked;
        dual_space_transforms(args);
      },
      py::arg("points"), py::arg("extents"), py::arg("tables"), py::arg("settings"),
      py::arg("targets"), py::arg("starts"));
}

}  // namespace argand::bindings
