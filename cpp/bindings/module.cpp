#include <pybind11/pybind11.h>

#include "argand/level.hpp"
#include "argand/parallel.hpp"
#include "register.hpp"

#if defined(__clang__)
#define ARGAND_COMPILER "clang " __clang_version__
#else
#define ARGAND_COMPILER "g++ " __VERSION__
#endif

namespace {

// By the buffer protocol: several times as fast as asking numpy from Python.
std::uintptr_t address(const pybind11::object& array) {
  Py_buffer view;
  if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_SIMPLE) != 0)
    throw pybind11::error_already_set();
  const auto begin = reinterpret_cast<std::uintptr_t>(view.buf);
  PyBuffer_Release(&view);
  return begin;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled kernels of argand. Call them through argand, which checks what it is given.";
  m.def("version", [] { return ARGAND_VERSION; }, "The version that this module was built with.");
  m.def("compiler", [] { return ARGAND_COMPILER; }, "The compiler that built it.");
  m.def("simd_level", &argand::simd_level,
        "The instruction set that the kernels run on this processor.");
  m.def("num_threads", &argand::num_threads, "Threads that a call may use.");
  m.def("set_num_threads", &argand::set_num_threads, pybind11::arg("n"),
        "Let calls use up to n threads.");
  m.def("address", &address, pybind11::arg("array"),
        "Where the numbers of a contiguous array begin.");
  argand::bindings::register_structure_factors(m);
  argand::bindings::register_density(m);
  argand::bindings::register_gaussians(m);
  argand::bindings::register_indices(m);
  argand::bindings::register_jacobian(m);
  argand::bindings::register_measure(m);
  argand::bindings::register_nufft(m);
  argand::bindings::register_reflections(m);
}
