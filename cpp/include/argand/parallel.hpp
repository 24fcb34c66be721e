// A pool of threads that sleeps when idle, survives fork() and is shared by all kernels.
#pragma once

#include <functional>

#include "argand/views.hpp"

namespace argand {

// Calls task(0) .. task(count - 1), each once, on up to num_threads() threads, and returns when all
// have ended. A caller that finds the pool busy does its work alone. The first exception of a task
// is thrown again here.
void parallel_for(Index count, const std::function<void(Index)>& task);

// Returns the number of threads that parallel_for may use, the caller's included. At first that is
// ARGAND_NUM_THREADS, or the number of processors that this process may run on.
int num_threads();

// Sets the number of threads that parallel_for may use, at least 1.
void set_num_threads(int n);

}  // namespace argand
