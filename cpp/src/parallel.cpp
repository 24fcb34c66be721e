#include "argand/parallel.hpp"

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace argand {
namespace {

// Returns the number of threads that the environment or the machine allows.
int default_threads() {
  if (const char* wanted = std::getenv("ARGAND_NUM_THREADS")) {
    const int n = std::atoi(wanted);
    if (n > 0) return n;
  }
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

std::atomic<int>& thread_limit() {
  static std::atomic<int> limit{default_threads()};
  return limit;
}

std::atomic<Look> current_look{nullptr};

// Time between two looks: a person who presses Ctrl-C does not notice it.
constexpr std::chrono::milliseconds between_looks{100};

// Ends a task whose job has failed. Nobody sees it: the job keeps its first failure.
struct Unwanted {};

// One call of parallel_for. Threads draw the next index until none is left.
struct Job {
  using Clock = std::chrono::steady_clock;

  const std::function<void(Index)>& task;
  const Index count;
  std::atomic<Index> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex{};
  std::exception_ptr failure{};
  // Only the caller looks, and not in the first moments of a job.
  const std::thread::id caller = std::this_thread::get_id();
  Clock::time_point last_look{};

  void draw();

  void fail(std::exception_ptr reason) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = reason;
    failed = true;
    next = count;
  }

  // Throws where the job has failed or the caller's look throws.
  void end_if_unwanted() {
    if (failed) throw Unwanted{};
    if (std::this_thread::get_id() != caller) return;
    const Look look = current_look;
    if (look == nullptr) return;
    const Clock::time_point now = Clock::now();
    if (last_look == Clock::time_point{}) last_look = now;
    if (now - last_look < between_looks) return;
    last_look = now;
    look();
  }

  // Fails where the job is unwanted, for a caller that has no task in hand.
  void look() {
    try {
      end_if_unwanted();
    } catch (...) {
      fail(std::current_exception());
    }
  }
};

// The job that this thread works on.
thread_local Job* job_of_thread = nullptr;

void Job::draw() {
  Job* const outer = job_of_thread;
  job_of_thread = this;
  for (Index i; (i = next.fetch_add(1)) < count;) {
    try {
      if (i > 0) end_if_unwanted();
      task(i);
    } catch (...) {
      fail(std::current_exception());
    }
  }
  job_of_thread = outer;
}

class Pool {
 public:
  // Held by the one caller that uses the threads of the pool.
  std::mutex in_use;

  // Does a job with so many threads of the pool and the caller.
  void run(Job& job, int helpers) {
    {
      const std::lock_guard lock(mutex_);
      while (int(threads_.size()) < helpers) threads_.emplace_back([this] { serve(); });
      job_ = &job;
      wanted_ = helpers;
    }
    wake_.notify_all();
    job.draw();
    std::unique_lock lock(mutex_);
    // Threads that wake late find no job.
    job_ = nullptr;
    while (!done_.wait_for(lock, between_looks, [this] { return working_ == 0; })) {
      lock.unlock();
      job.look();
      lock.lock();
    }
  }

 private:
  // Waits for jobs and helps with them, for ever.
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return job_ != nullptr && wanted_ > 0; });
      Job* job = job_;
      --wanted_;
      ++working_;
      lock.unlock();
      job->draw();
      lock.lock();
      if (--working_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  Job* job_ = nullptr;
  int wanted_ = 0;   // helpers that have yet to join the job
  int working_ = 0;  // helpers that are working on the job
};

// The pool is never destroyed: its sleeping threads end with the process. A forked child has none
// of the threads, so it leaves the parent's pool, and whatever state the locks were in, and makes a
// new one.
std::atomic<Pool*> current_pool{nullptr};

Pool& pool() {
  static const bool ready = [] {
    current_pool = new Pool;
#if defined(_WIN32)
    return true;  // without fork
#else
    return pthread_atfork(nullptr, nullptr, [] { current_pool = new Pool; }) == 0;
#endif
  }();
  (void)ready;
  return *current_pool;
}

}  // namespace

int num_threads() {
  return thread_limit();
}

void set_num_threads(int n) {
  thread_limit() = std::max(1, n);
}

void set_look(Look look) {
  current_look = look;
}

void end_if_unwanted() {
  if (job_of_thread != nullptr) job_of_thread->end_if_unwanted();
}

void parallel_for(Index count, const std::function<void(Index)>& task) {
  Job job{task, count};
  const int helpers = int(std::min<Index>(num_threads(), count)) - 1;
  if (helpers > 0) {
    Pool& p = pool();
    const std::unique_lock caller(p.in_use, std::try_to_lock);
    if (caller) {
      p.run(job, helpers);
    } else {
      job.draw();
    }
  } else {
    job.draw();
  }
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace argand
