#include "argand/dual_space.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

constexpr double two_pi = 2 * std::numbers::pi;

// Returns the radices of the passes over so many points: 8 and 4 for the factors 2, in the fewest
// passes, and a radix 1 where one pass would be enough.
std::vector<int> radices(Index points) {
  std::vector<int> odd, even;
  for (const int factor : {7, 5, 3}) {
    for (; points % factor == 0; points /= factor) odd.push_back(factor);
  }
  int twos = 0;
  for (; points % 2 == 0; points /= 2) ++twos;
  if (points != 1) throw std::invalid_argument("grid points need factors 2, 3, 5, 7 only");
  for (const int fours = 2 * twos % 3; twos > 0;) {
    const bool is_eight = twos >= 3 && twos > 2 * fours;
    const int taken = is_eight ? 3 : std::min(2, twos);
    even.push_back(1 << taken);
    twos -= taken;
  }
  odd.insert(odd.end(), even.rbegin(), even.rend());
  while (odd.size() < 2) odd.insert(odd.begin(), 1);
  return odd;
}

// A plan and the memory of its twiddles.
struct PlannedLine {
  LinePlan plan{};
  std::vector<float> twiddles{};

  explicit PlannedLine(Index points) {
    plan.points = points;
    Index before = 1;
    for (const int radix : radices(points)) {
      plan.radix[plan.passes++] = radix;
      const Index after = points / (before * radix);
      for (Index i = 1; i < after; ++i) {
        for (int j = 1; j < radix; ++j) {
          const double turn = two_pi * double(j * before * i % points) / double(points);
          twiddles.push_back(float(std::cos(turn)));
          twiddles.push_back(float(std::sin(turn)));
        }
      }
      before *= radix;
    }
    plan.twiddles = twiddles.data();
  }
};

// The plan of all starts, and the memory of its tables.
class PlannedCycle {
 public:
  explicit PlannedCycle(const DualSpaceArgs& args)
      : lanes_(kernels().DualSpaceKernels::lanes),
        h_(args.tables.points[0]),
        k_(args.tables.points[1]),
        half_l_(args.tables.points[2] / 2) {
    const DualSpaceTables& tables = args.tables;
    plan.h = h_.plan, plan.k = k_.plan, plan.half_l = half_l_.plan;
    plan.planes = tables.planes;
    plan.blocks = tables.blocks;
    plan.row = (plan.h.points + 3) / 4 * 4;
    // An odd number of cache lines, so that the planes do not compete for the same sets.
    plan.plane = ((plan.row * plan.k.points + 15) / 16 | 1) * 16;
    const double points = double(plan.h.points) * double(plan.k.points) * tables.points[2];
    // unpack_line leaves a factor of two.
    plan.scale = float(0.5 / points);
    tabulate_split(tables.points[2]);
    tabulate_columns(tables);
    tabulate_targets(args);
  }

  PlannedCycle(const PlannedCycle&) = delete;
  PlannedCycle& operator=(const PlannedCycle&) = delete;

  Index lanes() const { return lanes_; }

  DualSpacePlan plan{};

 private:
  void tabulate_split(Index points) {
    for (Index l = 0; 4 * l <= points; ++l) {
      const double turn = two_pi * double(l) / double(points);
      split_.push_back(float(std::cos(turn)));
      split_.push_back(float(std::sin(turn)));
    }
    plan.split = split_.data();
  }

  void tabulate_columns(const DualSpaceTables& tables) {
    const Index columns = plan.blocks * lanes_;
    used_.assign(plan.planes * plan.k.points, 0);
    // A lane without a column has a row of its own past the planes, which stays zero.
    row_of_column_.assign(columns, 2 * plan.planes * plan.plane);
    weight_.assign(columns, 0);
    for (Index c = 0; c < columns; ++c) {
      const Index l = tables.column[2 * c], k = tables.column[2 * c + 1];
      if (l < 0) continue;
      used_[l * plan.k.points + k] = 1;
      row_of_column_[c] = 2 * l * plan.plane + k * plan.row;
      weight_[c] = l == 0 ? 1 : 2;
    }
    plan.row_used = used_.data();
    plan.row_of_column = row_of_column_.data();
    plan.weight = weight_.data();
  }

  void tabulate_targets(const DualSpaceArgs& args) {
    const DualSpaceTables& tables = args.tables;
    target_.assign(plan.dense() * lanes_, 0);
    reach_.assign(plan.blocks, 0);
    const float carried = -std::min(args.cap, -target_free);
    for (Index i = 0; i < tables.reflections; ++i) {
      const bool measured = i < tables.measured;
      const bool shifted = measured && args.shifted[i];
      const bool conjugate = tables.conjugate[i];
      float here = measured ? args.amplitude[i] : carried, there = here;
      if (shifted) {
        // The conjugate of i G is -i conj G.
        here = conjugate ? target_minus_i : target_plus_i;
        there = conjugate ? target_plus_i : target_minus_i;
      }
      set_target(tables.position[i], here);
      if (tables.mate[i] >= 0) set_target(tables.mate[i], there);
    }
    plan.target = target_.data();
    plan.reach = reach_.data();
  }

  void set_target(Index position, float target) {
    target_[position] = target;
    const Index column = position / lanes_, h = column % plan.h.points;
    Index& reach = reach_[column / plan.h.points];
    reach = std::max(reach, std::min(h, plan.h.points - h));
  }

  Index lanes_;
  PlannedLine h_, k_, half_l_;
  std::vector<float> split_{}, weight_{}, target_{};
  std::vector<Index> row_of_column_{}, reach_{};
  std::vector<std::uint8_t> used_{};
};

// Memory for one start at a time, which begins at a whole cache line and is zero at first.
class StartMemory {
 public:
  explicit StartMemory(const PlannedCycle& cycle) {
    const DualSpacePlan& plan = cycle.plan;
    const Index lanes = cycle.lanes(), dense = 2 * plan.dense() * lanes;
    const Index longest = std::max({plan.h.points, plan.k.points, plan.half_l.points});
    // A row is read in whole registers, up to a register past its end.
    const Index line = 2 * lanes * (longest + 4 + lanes);
    const Index grid = 2 * (plan.planes + 1) * plan.plane + 4 * cache_line;
    floats_.assign(grid + 2 * dense + 4 * line + 8 * cache_line, 0);
    const auto address = reinterpret_cast<std::uintptr_t>(floats_.data());
    next_ = floats_.data() + (64 - address % 64) % 64 / sizeof(float);
    memory.grid = take(grid);
    memory.f = take(dense);
    memory.g = take(dense);
    for (float*& buffer : memory.lines) buffer = take(line);
  }

  StartMemory(const StartMemory&) = delete;
  StartMemory& operator=(const StartMemory&) = delete;

  DualSpaceMemory memory{};

 private:
  // Floats of a cache line.
  static constexpr Index cache_line = 16;

  float* take(Index count) {
    float* const part = next_;
    next_ += (count + cache_line - 1) / cache_line * cache_line;
    return part;
  }

  std::vector<float> floats_{};
  float* next_;
};

// The first of the two numbers of a position in dense columns, whose lanes lie side by side.
Index real_part(Index position, Index lanes) {
  return position / lanes * 2 * lanes + position % lanes;
}

// Writes the structure factors of a start to its columns; returns sum |F|^2 without F(000), of h
// and -h.
double place(const DualSpaceTables& tables, Index lanes, const Complex<float>* f, float origin,
             float* dense) {
  double total = 0;
  dense[0] = origin;
  for (Index i = 0; i < tables.reflections; ++i) {
    const float sign = tables.conjugate[i] ? -1.0f : 1.0f;
    const Index here = real_part(tables.position[i], lanes);
    dense[here] = f[i].re;
    dense[here + lanes] = sign * f[i].im;
    if (tables.mate[i] >= 0) {
      const Index there = real_part(tables.mate[i], lanes);
      dense[there] = f[i].re;
      dense[there + lanes] = -sign * f[i].im;
    }
    total += double(f[i].re) * f[i].re + double(f[i].im) * f[i].im;
  }
  return 2 * total;
}

// Reads the structure factors of a start from its columns.
void collect(const DualSpaceTables& tables, Index lanes, const float* dense, Complex<float>* f) {
  for (Index i = 0; i < tables.reflections; ++i) {
    const Index here = real_part(tables.position[i], lanes);
    const float sign = tables.conjugate[i] ? -1.0f : 1.0f;
    f[i] = {dense[here], sign * dense[here + lanes]};
  }
}

// Runs the cycles of one start.
void run_start(const DualSpaceArgs& args, const PlannedCycle& cycle, const DualSpaceMemory& memory,
               Index start, Watch& watch) {
  const DualSpaceKernels& kernel = kernels();
  const DualSpacePlan& plan = cycle.plan;
  const Index lanes = cycle.lanes(), begin = start * args.tables.reflections;
  std::fill_n(memory.f, 2 * plan.dense() * lanes, 0.0f);
  double squares = place(args.tables, lanes, args.f + begin, args.origin[start], memory.f);
  kernel.columns_to_grid(plan, memory);
  for (Index i = 0; i < args.cycles; ++i) {
    const float delta = args.threshold[start] * float(std::sqrt(squares));
    kernel.change_density(plan, memory, delta, args.factor);
    squares = kernel.project(plan, memory, i + 1 == args.cycles);
    watch.did(plan.h.points * plan.k.points * args.tables.points[2]);
  }
  collect(args.tables, lanes, memory.f, args.f + begin);
  collect(args.tables, lanes, memory.g, args.g + begin);
  args.origin[start] = memory.f[0];
}

// Calls work(start, memory, watch) for every start, on so many threads.
template <class Work>
void for_starts(const DualSpaceArgs& args, const PlannedCycle& cycle, const Work& work) {
  std::atomic<Index> next{0};
  parallel_for(std::min<Index>(args.threads, args.starts), [&](Index) {
    const auto memory = std::make_unique<StartMemory>(cycle);
    Watch watch;
    for (Index start; (start = next.fetch_add(1)) < args.starts;)
      work(start, memory->memory, watch);
  });
}

}  // namespace

int dual_space_lanes() {
  return kernels().DualSpaceKernels::lanes;
}

void dual_space(const DualSpaceArgs& args) {
  const PlannedCycle cycle(args);
  for_starts(args, cycle, [&](Index start, const DualSpaceMemory& memory, Watch& watch) {
    run_start(args, cycle, memory, start, watch);
  });
}

void dual_space_transforms(const DualSpaceArgs& args) {
  const PlannedCycle cycle(args);
  for_starts(args, cycle, [&](Index start, const DualSpaceMemory& memory, Watch& watch) {
    const DualSpaceKernels& kernel = kernels();
    const Index begin = start * args.tables.reflections;
    place(args.tables, cycle.lanes(), args.f + begin, args.origin[start], memory.f);
    kernel.columns_to_grid(cycle.plan, memory);
    for (Index i = 0; i < args.cycles; ++i) {
      kernel.transform_twice(cycle.plan, memory);
      watch.did(cycle.plan.h.points * cycle.plan.k.points * args.tables.points[2]);
    }
  });
}

}  // namespace argand
