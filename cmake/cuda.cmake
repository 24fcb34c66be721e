# Build the module _cuda where it is wanted and a working nvcc is found. The CUDA runtime is linked
# statically: the wheel needs no CUDA installation, only a driver to run on a device.
set(ARGAND_CUDA AUTO CACHE STRING "Build the CUDA module: AUTO (where nvcc is found), ON or OFF")
set_property(CACHE ARGAND_CUDA PROPERTY STRINGS AUTO ON OFF)
# The module has machine code for these architectures, and PTX of 75 and 90 for later ones.
set(ARGAND_CUDA_ARCHITECTURES "75;80-real;86-real;89-real;90;100-real;120-real"
  CACHE STRING "Architectures of the CUDA module, as CMake's CUDA_ARCHITECTURES")

if(ARGAND_CUDA STREQUAL "OFF")
  message(STATUS "argand: the CUDA module is left out: ARGAND_CUDA is OFF")
  return()
endif()

# Many toolkits are installed outside of PATH.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(ARGAND_NVCC nvcc
    HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(ARGAND_NVCC)
    set(CMAKE_CUDA_COMPILER "${ARGAND_NVCC}")
  endif()
endif()
# A broken nvcc must not break a build that does not need it: try it in a separate process.
include(CheckLanguage)
if(CMAKE_CUDA_COMPILER)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version RESULT_VARIABLE ARGAND_NVCC_FAILS
    OUTPUT_QUIET ERROR_QUIET)
  if(ARGAND_NVCC_FAILS)
    set(ARGAND_NVCC_PROBLEM "${CMAKE_CUDA_COMPILER} does not run")
    unset(CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER "CMAKE_CUDA_COMPILER-NOTFOUND")
  else()
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/nvcc/try.cu"
      "__global__ void nothing() {}\nint main() { nothing<<<1, 1>>>(); }\n")
    execute_process(
      COMMAND "${CMAKE_CUDA_COMPILER}" -std=c++20 -ccbin "${CMAKE_CXX_COMPILER}"
        -arch=sm_80 -c try.cu -o try.o
      WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/nvcc"
      RESULT_VARIABLE ARGAND_NVCC_FAILS
      OUTPUT_VARIABLE ARGAND_NVCC_OUTPUT ERROR_VARIABLE ARGAND_NVCC_OUTPUT)
    if(ARGAND_NVCC_FAILS)
      string(REGEX REPLACE "\n.*" "" ARGAND_NVCC_OUTPUT "${ARGAND_NVCC_OUTPUT}")
      set(ARGAND_NVCC_PROBLEM "${CMAKE_CUDA_COMPILER} does not work: ${ARGAND_NVCC_OUTPUT}")
      set(CMAKE_CUDA_COMPILER "CMAKE_CUDA_COMPILER-NOTFOUND")
    endif()
  endif()
else()
  check_language(CUDA)
  set(ARGAND_NVCC_PROBLEM "no nvcc was found (set CUDACXX or CUDA_PATH)")
endif()
if(NOT CMAKE_CUDA_COMPILER)
  if(ARGAND_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ARGAND_CUDA is ON, but ${ARGAND_NVCC_PROBLEM}")
  endif()
  message(STATUS "argand: the CUDA module is left out: ${ARGAND_NVCC_PROBLEM}")
  return()
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  include("${CMAKE_CURRENT_LIST_DIR}/architectures.cmake")
  argand_known_architectures(
    "${CMAKE_CUDA_COMPILER}" "${ARGAND_CUDA_ARCHITECTURES}" CMAKE_CUDA_ARCHITECTURES)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    message(FATAL_ERROR "${CMAKE_CUDA_COMPILER} knows none of the architectures "
      "${ARGAND_CUDA_ARCHITECTURES} (ARGAND_CUDA_ARCHITECTURES)")
  endif()
endif()
set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
enable_language(CUDA)
# CMake before 3.26 does not know that nvcc understands C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
find_package(CUDAToolkit REQUIRED)
message(STATUS "argand: the CUDA module is built by nvcc ${CMAKE_CUDA_COMPILER_VERSION} "
  "for ${CMAKE_CUDA_ARCHITECTURES}")

add_library(argand_cuda OBJECT
  cpp/src/density.cu
  cpp/src/device.cu
  cpp/src/rows.cu
  cpp/src/structure_factors.cu
  cpp/src/structure_factors_form_vjp.cu
  cpp/src/structure_factors_vjp.cu)
target_include_directories(argand_cuda PUBLIC cpp/include cpp/src)
set_target_properties(argand_cuda PROPERTIES
  POSITION_INDEPENDENT_CODE ON
  CUDA_STANDARD 20
  CUDA_STANDARD_REQUIRED ON
  CUDA_VISIBILITY_PRESET hidden)
target_compile_options(argand_cuda PRIVATE
  --expt-relaxed-constexpr -Xfatbin=-compress-all --threads=2 -O3)

# NO_EXTRAS: link-time optimisation does not work across device objects.
pybind11_add_module(_cuda NO_EXTRAS cpp/bindings/cuda_module.cpp cpp/bindings/dlpack.cpp)
target_sources(_cuda PRIVATE $<TARGET_OBJECTS:argand_cuda>)
target_include_directories(_cuda PRIVATE cpp/include)
target_link_libraries(_cuda PRIVATE CUDA::cudart_static)
set_target_properties(_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static)
target_compile_options(_cuda PRIVATE -Wall -Wextra)
list(JOIN CMAKE_CUDA_ARCHITECTURES " " ARGAND_CUDA_ARCHITECTURES_TEXT)
target_compile_definitions(_cuda PRIVATE
  ARGAND_VERSION="${SKBUILD_PROJECT_VERSION_FULL}"
  ARGAND_CUDA_COMPILER="nvcc ${CMAKE_CUDA_COMPILER_VERSION}"
  ARGAND_CUDA_ARCHITECTURES="${ARGAND_CUDA_ARCHITECTURES_TEXT}")
install(TARGETS _cuda LIBRARY DESTINATION argand)
