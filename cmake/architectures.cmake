# Keeps the architectures that a compiler of CUDA knows: nvcc before 12.8 knows no 100 and 120. Run
# as a script, `cmake -D ARGAND_NVCC=nvcc -D ARGAND_WANTED="75;90" -P architectures.cmake` prints
# them.
cmake_policy(VERSION 3.24)

function(argand_known_architectures nvcc wanted result)
  execute_process(COMMAND "${nvcc}" --list-gpu-arch RESULT_VARIABLE fails OUTPUT_VARIABLE known
    ERROR_QUIET)
  if(fails)
    # nvcc before 11.0 cannot be asked.
    set(${result} "${wanted}" PARENT_SCOPE)
    return()
  endif()
  string(REGEX REPLACE "[ \r\n]+" ";" known "${known}")
  set(kept "")
  foreach(architecture IN LISTS wanted)
    string(REGEX REPLACE "-.*" "" number "${architecture}")
    if("compute_${number}" IN_LIST known)
      list(APPEND kept "${architecture}")
    else()
      message(STATUS "argand: ${nvcc} does not know architecture ${number}, which is left out")
    endif()
  endforeach()
  set(${result} "${kept}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  argand_known_architectures("${ARGAND_NVCC}" "${ARGAND_WANTED}" ARGAND_KEPT)
  message(NOTICE "${ARGAND_KEPT}")
endif()
