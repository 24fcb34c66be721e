#include <pybind11/pybind11.h>

#include "argand/level.hpp"
#include "argand/parallel.hpp"
#include "register.hpp"

#if defined(__clang__)
#define ARGAND_COMPILER "clang " __clang_version__
#else
#define ARGAND_COMPILER "g++ " __VERSION__
#endif

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled kernels of argand. Call them through argand, which checks what it is given.";
  m.def("version", [] { return ARGAND_VERSION; }, "The version that this module was built with.");
  m.def("compiler", [] { return ARGAND_COMPILER; }, "The compiler that built it.");
  m.def("simd_level", &argand::simd_level, "The instruction set that the kernels run on this processor.");
  m.def("num_threads", &argand::num_threads, "Threads that a call may use.");
  m.def("set_num_threads", &argand::set_num_threads, pybind11::arg("n"), "Let calls use up to n threads.");
  argand::bindings::register_structure_factors(m);
  argand::bindings::register_density(m);
  argand::bindings::register_measure(m);
}
