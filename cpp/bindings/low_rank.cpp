#include "argand/low_rank.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;
// (hkl, q)
using ListArgs = std::tuple<Address, Address>;
// (place, factor, reach)
using AxisArgs = std::tuple<Address, Address, int>;
using BoxArgs = std::tuple<AxisArgs, AxisArgs, AxisArgs>;
// (series, terms, low, high)
using SeriesArgs = std::tuple<Address, Index, double, double>;
// (atoms, points, rank)
using FamilyExtents = std::tuple<Index, Index, Index>;
// (kind, b, weight, q, form)
using FamilyArgs = std::tuple<Address, Address, Address, Address, Address>;

BoxAxis axis_of(const AxisArgs& args) {
  const auto& [place, factor, reach] = args;
  return {pointer<const std::int64_t>(place), pointer<const double>(factor), reach};
}

BoxReflections reflections_of(const ListArgs& list, const BoxArgs& axes, Index begin, Index end) {
  const auto& [hkl, q] = list;
  const auto& [a, b, c] = axes;
  return {begin,
          end,
          pointer<const std::int32_t>(hkl),
          pointer<const double>(q),
          {axis_of(a), axis_of(b), axis_of(c)}};
}

FunctionPair pair_of(const SeriesArgs& args) {
  const auto& [series, terms, low, high] = args;
  return {pointer<const double>(series), terms, low, high};
}

template <class T>
void gather(const BoxReflections& at, const FunctionPair& v, Address box, Address f) {
  const py::gil_scoped_release unlocked;
  gather_pair(at, v, pointer<const Complex<T>>(box), pointer<Complex<double>>(f));
}

template <class T>
void scatter(const BoxReflections& at, const FunctionPair& v, Address a, Address box) {
  const py::gil_scoped_release unlocked;
  scatter_pair(at, v, pointer<const Complex<double>>(a), pointer<Complex<T>>(box));
}

}  // namespace

void register_low_rank(py::module_& m) {
  m.def(
      "project_family",
      [](const FamilyExtents& extents, const FamilyArgs& given, Address functions, Address count,
         Address u, Address squares) {
        const auto& [atoms, points, rank] = extents;
        const auto& [kind, b, weight, q, form] = given;
        const Family family{atoms,
                            points,
                            rank,
                            pointer<const std::int64_t>(kind),
                            pointer<const double>(b),
                            pointer<const double>(weight),
                            pointer<const double>(q),
                            pointer<const double>(form),
                            pointer<const double>(functions),
                            rank};
        const py::gil_scoped_release unlocked;
        project(family, pointer<const double>(count), pointer<double>(u), pointer<double>(squares));
      },
      py::arg("extents"), py::arg("family"), py::arg("functions"), py::arg("count"), py::arg("u"),
      py::arg("squares"));
  m.def(
      "gather_pair",
      [](int bits, const ListArgs& list, const BoxArgs& axes, const SeriesArgs& v, Address box,
         Address f, Index begin, Index end) {
        (bits == 32 ? gather<float> : gather<double>)(reflections_of(list, axes, begin, end),
                                                      pair_of(v), box, f);
      },
      py::arg("bits"), py::arg("list"), py::arg("axes"), py::arg("v"), py::arg("box"), py::arg("f"),
      py::arg("begin"), py::arg("end"));
  m.def(
      "scatter_pair",
      [](int bits, const ListArgs& list, const BoxArgs& axes, const SeriesArgs& v, Address a,
         Address box, Index begin, Index end) {
        (bits == 32 ? scatter<float> : scatter<double>)(reflections_of(list, axes, begin, end),
                                                        pair_of(v), a, box);
      },
      py::arg("bits"), py::arg("list"), py::arg("axes"), py::arg("v"), py::arg("a"), py::arg("box"),
      py::arg("begin"), py::arg("end"));
}

}  // namespace argand::bindings
