// Runs CUDA kernels in plain C++, so that cpp/src/*.cu can be tested without a device. Every thread
// of a block is a fiber; blocks run one after another, in either order.
//
// The emulated device also looks for errors that a real device hides. It follows every element of
// shared memory: reading or writing outside an array, reading an element that nobody has written,
// and two threads that touch an element between two barriers, one of them writing, are errors; so
// is a barrier that not all threads reach. `plant` makes it run a kernel with a fault: by that the
// tests show that such a fault is found.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "argand/lanes.hpp"
#include "cuda_driver.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define ARGAND_EMULATED
#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)

namespace argand::emulation {

struct Index3 {
  unsigned x = 0, y = 0, z = 0;
};

// Faults that a test can plant into a launch; -1 means none.
struct Planted {
  int launch = -1;          // in which launch since the counters were reset
  int skip_barrier = -1;    // the n-th barrier of every block is not there
  int shrink_shared = -1;   // the n-th array of shared memory has one element less
  int twin_thread = -1;     // this thread believes to be the one before it
  bool lose_block = false;  // the first block of the grid does not run
};

struct Settings {
  bool last_block_first = false;
  Planted planted;
};
inline Settings& settings() {
  static Settings now;
  return now;
}

// A record of one launch: its blocks, threads and bytes of shared memory, and the most barriers
// and shared arrays of any of its blocks.
struct Launch {
  long blocks = 0, barriers = 0, arrays = 0, threads = 0, bytes = 0;
};
inline std::vector<Launch>& launches() {
  static std::vector<Launch> all;
  return all;
}
inline Planted planted() {
  const Planted& asked = settings().planted;
  return asked.launch == int(launches().size()) - 1 ? asked : Planted{};
}

constexpr std::size_t stack_bytes = 256 << 10;

struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  Index3 index;
  int barriers = 0;
  bool waiting = false, done = false, vote = true;
};

struct Word {  // four bytes of shared memory
  int writer = -1, reader = -1;
  long written = -1, read = -1;  // in which interval between barriers
  bool known = false;
};

struct Block {
  Index3 index, threads, blocks;
  std::vector<Fiber> fibers;
  int current = 0, arrays = 0;
  long interval = 0;
  bool all_vote = true;
  ucontext_t scheduler;
  const std::function<void()>* body = nullptr;
  std::vector<unsigned char> shared;
  std::vector<Word> words;
  std::string error;
  void* fake_stack = nullptr;
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_size = 0;
};
inline Block*& block() {
  static thread_local Block* now = nullptr;
  return now;
}

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void complain(const std::string& what) {
  const Block& b = *block();
  throw Fault("emulated device: " + what + " (block " + std::to_string(b.index.x) + ", thread " +
              std::to_string(b.current) + ")");
}

// Tell AddressSanitizer, where it runs, that the stack is switched.
inline void leave_fiber(bool for_good) {
  Block& b = *block();
  Fiber& fiber = b.fibers[b.current];
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(for_good ? nullptr : &fake, b.scheduler_stack, b.scheduler_size);
#endif
  swapcontext(&fiber.context, &b.scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &b.scheduler_stack, &b.scheduler_size);
#endif
  (void)for_good;
}

inline void enter_fiber(Fiber& fiber) {
  Block& b = *block();
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, fiber.stack.data(), fiber.stack.size());
#endif
  swapcontext(&b.scheduler, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

inline void run_fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &block()->scheduler_stack, &block()->scheduler_size);
#endif
  Block& b = *block();
  try {
    (*b.body)();
  } catch (const std::exception& error) {
    if (b.error.empty()) b.error = error.what();
  }
  b.fibers[b.current].done = true;
  leave_fiber(true);
}

inline void run_block(Block& b) {
  const int count = int(b.fibers.size());
  for (int i = 0; i < count; ++i) {
    Fiber& fiber = b.fibers[i];
    const int twin = planted().twin_thread;
    fiber.index.x = unsigned(i == twin && i > 0 ? i - 1 : i);
    fiber.barriers = 0;
    fiber.waiting = fiber.done = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_fiber, 0);
  }
  std::fill(b.shared.begin(), b.shared.end(), 0xff);
  b.words.assign(b.words.size(), Word{});
  b.interval = 0;
  b.error.clear();
  while (true) {
    int done = 0, waiting = 0;
    for (int i = 0; i < count; ++i) {
      Fiber& fiber = b.fibers[i];
      if (!fiber.done && !fiber.waiting) {
        b.current = i;
        enter_fiber(fiber);
      }
      done += fiber.done;
      waiting += fiber.waiting;
    }
    // When one fiber has failed, waiting fibers are never resumed: nothing on their stacks needs to
    // be freed.
    if (!b.error.empty()) throw Fault(b.error);
    if (done == count) break;
    if (waiting != count)
      throw Fault("emulated device: a barrier that not all threads of the block reach");
    b.all_vote = true;
    for (const Fiber& fiber : b.fibers) b.all_vote = b.all_vote && fiber.vote;
    for (Fiber& fiber : b.fibers) fiber.waiting = false;
    ++b.interval;
  }
  Launch& c = launches().back();
  ++c.blocks;
  c.barriers = c.barriers > b.interval ? c.barriers : b.interval;
  c.arrays = c.arrays > b.arrays ? c.arrays : b.arrays;
}

inline bool barrier(bool vote) {
  Block& b = *block();
  Fiber& fiber = b.fibers[b.current];
  if (fiber.barriers++ == planted().skip_barrier) return vote;
  fiber.vote = vote;
  fiber.waiting = true;
  leave_fiber(false);
  return b.all_vote;
}

inline void launch(unsigned blocks, unsigned threads, unsigned bytes,
                   const std::function<void()>& body) {
  launches().push_back({0, 0, 0, long(threads), long(bytes)});
  Block b;
  b.threads.x = threads;
  b.blocks.x = blocks;
  b.body = &body;
  b.fibers.resize(threads);
  for (Fiber& fiber : b.fibers) fiber.stack.resize(stack_bytes);
  b.shared.resize(bytes);
  b.words.resize((bytes + 3) / 4);
  block() = &b;
  struct Restore {
    ~Restore() { block() = nullptr; }
  } restore;
  for (unsigned i = 0; i < blocks; ++i) {
    b.index.x = settings().last_block_first ? blocks - 1 - i : i;
    if (b.index.x > 0 || !planted().lose_block) run_block(b);
  }
}

// A reference to an element of shared memory that records who reads and writes it.
template <class T>
class Element {
 public:
  Element(int begin) : begin_(begin) {}
  operator T() const {
    touch(false);
    T value;
    std::memcpy(&value, at(), sizeof value);
    return value;
  }
  const Element& operator=(const T& value) const {
    touch(true);
    std::memcpy(at(), &value, sizeof value);
    return *this;
  }
  const Element& operator=(const Element& other) const { return *this = T(other); }
  Element(const Element&) = default;

 private:
  int begin_;
  unsigned char* at() const { return block()->shared.data() + begin_; }

  void touch(bool write) const {
    Block& b = *block();
    const int me = b.current;
    for (int w = begin_ / 4; w < (begin_ + int(sizeof(T)) + 3) / 4; ++w) {
      Word& word = b.words[w];
      const bool theirs_written = word.written == b.interval && word.writer != me;
      const bool theirs_read = word.read == b.interval && word.reader != me;
      if (theirs_written || (write && theirs_read)) {
        complain("a race with thread " +
                 std::to_string(theirs_written ? word.writer : word.reader) + " for shared memory");
      }
      if (write) {
        word.writer = me;
        word.written = b.interval;
        word.known = true;
      } else {
        if (!word.known) complain("a read of shared memory that nobody has written");
        // One reader other than this thread suffices to find a race.
        if (word.read != b.interval || word.reader == me) word.reader = me;
        word.read = b.interval;
      }
    }
  }
};

template <class T>
class SharedArray {
 public:
  SharedArray() = default;
  SharedArray(int begin, int count) : begin_(begin), count_(count) {}
  Element<T> operator[](std::ptrdiff_t i) const {
    if (i < 0 || i >= count_) {
      complain("element " + std::to_string(i) + " of " + std::to_string(count_) +
               " in shared memory");
    }
    return Element<T>(begin_ + int(i) * int(sizeof(T)));
  }

 private:
  int begin_ = 0, count_ = 0;
};

}  // namespace argand::emulation

namespace argand::cuda {

// So few that a block has more than one crystal in the tests.
constexpr std::ptrdiff_t blocks_of_device = 3;

template <class T>
using Shared = emulation::SharedArray<T>;

class SharedMemory {
 public:
  template <class T>
  Shared<T> take(int count) {
    const int begin = used_;
    used_ += (int(sizeof(T)) * count + 15) / 16 * 16;
    const bool shrink = emulation::block() && arrays_++ == emulation::planted().shrink_shared;
    if (emulation::block()) {
      if (used_ > int(emulation::block()->shared.size()))
        emulation::complain("less shared memory than the kernel uses");
      emulation::block()->arrays = arrays_;
    }
    return Shared<T>(begin, count - (shrink ? 1 : 0));
  }
  int bytes() const { return used_; }

 private:
  int used_ = 0, arrays_ = 0;
};

inline SharedMemory counting_memory() {
  return {};
}
inline SharedMemory block_memory() {
  return {};
}

}  // namespace argand::cuda

#define threadIdx \
  (::argand::emulation::block()->fibers[::argand::emulation::block()->current].index)
#define blockIdx (::argand::emulation::block()->index)
#define blockDim (::argand::emulation::block()->threads)
#define gridDim (::argand::emulation::block()->blocks)

inline void __syncthreads() {
  (void)argand::emulation::barrier(true);
}
inline int __syncthreads_and(int vote) {
  return argand::emulation::barrier(vote != 0);
}
template <class T>
void atomicAdd(T* to, T value) {
  *to += value;
}

namespace argand::emulation {

// Puts a kernel on the device: where no context is current, CUDA takes device 0.
inline bool enter_launch(int device) {
  Driver& now = driver();
  if (now.stack.empty()) now.stack.push_back(&now.contexts[0]);
  *now.stack.back() = true;
  if (now.stack.back() != &now.contexts[device])
    throw Fault("emulated device: a launch while another device is current");
  if (now.next_launch == cudaSuccess) return true;
  now.last_error = now.next_launch;
  now.next_launch = cudaSuccess;
  return false;
}

}  // namespace argand::emulation

#define ARGAND_LAUNCH(kernel, blocks, threads, bytes, queue, ...)                          \
  (::argand::emulation::enter_launch((queue).device)                                       \
       ? ::argand::emulation::launch(unsigned(blocks), unsigned(threads), unsigned(bytes), \
                                     [&] { (kernel)(__VA_ARGS__); })                       \
       : void())
