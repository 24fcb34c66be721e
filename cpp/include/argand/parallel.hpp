// Threads: a pool that sleeps when idle, survives fork() and is shared by all kernels.
#pragma once

#include <functional>

#include "argand/views.hpp"

namespace argand {

// Calls task(0) .. task(count - 1), each once, on up to num_threads() threads, and returns when all
// are done. A second caller while the pool is busy does its work alone; the first exception of a
// task is thrown again here.
void parallel_for(Index count, const std::function<void(Index)>& task);

// Threads that parallel_for may use, the caller's included. At first: ARGAND_NUM_THREADS, else the
// processors that this process may run on.
int num_threads();
void set_num_threads(int n);

}  // namespace argand
