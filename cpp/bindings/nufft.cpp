#include "argand/nufft.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (hkl, q)
using ListArgs = std::tuple<Address, Address>;
// (position, factor, reach)
using AxisArgs = std::tuple<Address, Address, int>;
using AxesArgs = std::tuple<AxisArgs, AxisArgs, AxisArgs>;
// (series, terms, low, high)
using SeriesArgs = std::tuple<Address, Index, double, double>;
// (atoms, points, rank)
using ProjectionExtents = std::tuple<Index, Index, Index>;
// (type, b, weight, q, form)
using ScatteringArgs = std::tuple<Address, Address, Address, Address, Address>;

BoxAxis axis_of(const AxisArgs& args) {
  const auto& [position, factor, reach] = args;
  return {pointer<const std::int64_t>(position), pointer<const double>(factor), reach};
}

ReflectionsInBox reflections_of(const ListArgs& list, const AxesArgs& axes, Index begin,
                                Index end) {
  const auto& [hkl, q] = list;
  const auto& [a, b, c] = axes;
  return {begin,
          end,
          pointer<const std::int32_t>(hkl),
          pointer<const double>(q),
          {axis_of(a), axis_of(b), axis_of(c)}};
}

SeriesPair pair_of(const SeriesArgs& args) {
  const auto& [series, terms, low, high] = args;
  return {pointer<const double>(series), terms, low, high};
}

template <class T>
void box_to_reflections(const ReflectionsInBox& reflections, const SeriesPair& pair, Address box,
                        Address f) {
  const py::gil_scoped_release unlocked;
  add_box_to_reflections(reflections, pair, pointer<const Complex<T>>(box),
                         pointer<Complex<double>>(f));
}

template <class T>
void reflections_to_box(const ReflectionsInBox& reflections, const SeriesPair& pair, Address a,
                        Address box) {
  const py::gil_scoped_release unlocked;
  add_reflections_to_box(reflections, pair, pointer<const Complex<double>>(a),
                         pointer<Complex<T>>(box));
}

void project(const ProjectionExtents& extents, const ScatteringArgs& scattering, Address functions,
             Address count, Address strengths, Address squares) {
  const auto& [atoms, points, rank] = extents;
  const auto& [type, b, weight, q, form] = scattering;
  const AtomScattering args{atoms,
                            points,
                            rank,
                            pointer<const std::int64_t>(type),
                            pointer<const double>(b),
                            pointer<const double>(weight),
                            pointer<const double>(q),
                            pointer<const double>(form),
                            pointer<const double>(functions),
                            rank};
  const py::gil_scoped_release unlocked;
  project_scattering(args, pointer<const double>(count), pointer<double>(strengths),
                     pointer<double>(squares));
}

}  // namespace

void register_nufft(py::module_& m) {
  m.def("project_scattering", &project, py::arg("extents"), py::arg("scattering"),
        py::arg("functions"), py::arg("count"), py::arg("strengths"), py::arg("squares"));
  m.def(
      "add_box_to_reflections",
      [](int bits, const ListArgs& list, const AxesArgs& axes, const SeriesArgs& series,
         Address box, Address f, Index begin, Index end) {
        const ReflectionsInBox reflections = reflections_of(list, axes, begin, end);
        (bits == 32 ? box_to_reflections<float>
                    : box_to_reflections<double>)(reflections, pair_of(series), box, f);
      },
      py::arg("bits"), py::arg("list"), py::arg("axes"), py::arg("series"), py::arg("box"),
      py::arg("f"), py::arg("begin"), py::arg("end"));
  m.def(
      "add_reflections_to_box",
      [](int bits, const ListArgs& list, const AxesArgs& axes, const SeriesArgs& series, Address a,
         Address box, Index begin, Index end) {
        const ReflectionsInBox reflections = reflections_of(list, axes, begin, end);
        (bits == 32 ? reflections_to_box<float>
                    : reflections_to_box<double>)(reflections, pair_of(series), a, box);
      },
      py::arg("bits"), py::arg("list"), py::arg("axes"), py::arg("series"), py::arg("a"),
      py::arg("box"), py::arg("begin"), py::arg("end"));
}

}  // namespace argand::bindings
