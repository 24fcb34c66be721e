// A pool of threads that sleeps when idle, survives fork() and is shared by all kernels.
#pragma once

#include <functional>

#include "argand/views.hpp"

namespace argand {

// Calls task(0) .. task(count - 1), each once, on up to num_threads() threads, and returns when all
// have ended. A caller that finds the pool busy does its work alone. The first exception of a task
// is thrown again here.
void parallel_for(Index count, const std::function<void(Index)>& task);

// Called by a thread that waits for its parallel_for to end, some times a second; an exception that
// it throws ends the work. The bindings hear of Ctrl-C by it.
using Look = void (*)();
void set_look(Look look);

// Ends the task that calls it, by an exception, where another task of its parallel_for has failed
// or the caller's look throws.
void end_if_unwanted();

// Calls end_if_unwanted() some times a second in a task that takes longer.
class Watch {
 public:
  // Counts the terms of a sum, of half a nanosecond and more each.
  void did(Index terms) {
    terms_ += terms;
    if (terms_ >= terms_between_looks) {
      terms_ = 0;
      end_if_unwanted();
    }
  }

 private:
  // Some milliseconds of work: many looks a second cost nothing that could be measured.
  static constexpr Index terms_between_looks = 10'000'000;
  Index terms_ = 0;
};

// Returns the number of threads that parallel_for may use, the caller's included. At first that is
// ARGAND_NUM_THREADS, or the number of processors that this process may run on.
int num_threads();

// Sets the number of threads that parallel_for may use, at least 1.
void set_num_threads(int n);

}  // namespace argand
