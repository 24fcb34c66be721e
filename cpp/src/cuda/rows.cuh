// Cuts reflections into rows of at most row_length, in which h and k are fixed and |l| rises one by
// one. The rows of a box are known from its extents. The rows of a list are found on the device and
// kept in the caller's workspace: a row begins where a reflection does not follow the one before,
// and wherever floor(l) is a multiple of row_length, which cuts at l = 0 too.
#pragma once

#include "argand/term.hpp"
#include "device.hpp"

namespace argand::cuda {

// Longest row: the sums of a row stay in registers.
constexpr int row_length = 16;

// Reflections of a list that one block searches for rows, about, and most blocks that share a list.
constexpr Index reflections_of_part = 8192;
constexpr Index most_parts = 512;

// A row of a list: its first reflection within the list, its length, and the step of l (+1 or -1).
struct Segment {
  std::int32_t at;
  std::int16_t length, step;
};

// Neighbouring reflections of one h and k.
template <class Order>
struct Row {
  Orders<Order> first;
  std::int32_t step, length;  // entry i has l + step * i; a row of length 0 is none
  Index at;                   // entry i is reflection at + step * i of its crystal
};

// The reflections of all crystals. Friedel's law is used on boxes only, and where it holds.
template <class Order>
struct Reflections {
  bool is_box;                  // otherwise lists; an empty list may lie at address 0
  const Order* hkl;             // of lists
  const std::int64_t* hkl_ptr;  // null where all crystals have the same reflections
  Index count;                  // reflections of the list or of the box
  HklBox box;
  bool friedel;
  // Arrays in the workspace. For the list that begins at reflection b, rows with rising l lie from
  // segments[b] on, and rows with falling l from segments[count + b] on. Their numbers are
  // counts[2 list] and counts[2 list + 1]. Long lists are searched in parts by several blocks; the
  // rows of part p of a list are counted in parts[list * parts_of_list() + p] first.
  Segment* segments;
  std::int32_t* counts;
  std::int64_t* parts;

  // Returns the number of lists, and the first reflection of a crystal's list.
  ARGAND_HD Index lists(Index crystals) const { return hkl_ptr ? crystals : 1; }
  ARGAND_HD Index list_begin(Index crystal) const { return hkl_ptr ? hkl_ptr[crystal] : 0; }
  // Returns the number of reflections of a list.
  ARGAND_HD Index list_length(Index list) const {
    return hkl_ptr ? hkl_ptr[list + 1] - hkl_ptr[list] : count;
  }
  // Returns the number of parts that a list is searched in.
  ARGAND_HD Index parts_of_list(Index crystals) const {
    const Index all = lists(crystals), wanted = all < 1 ? 1 : count / all / reflections_of_part + 1;
    return wanted < most_parts ? wanted : most_parts;
  }
  // Returns where F of a crystal begins.
  ARGAND_HD Index out_begin(Index crystal) const {
    return hkl_ptr ? hkl_ptr[crystal] : crystal * count;
  }

  // Returns the number of planes h of a box that are summed.
  ARGAND_HD int planes() const { return friedel ? box.h + 1 : 2 * box.h + 1; }
  // Return the number of rows of one h and k in a box: rising with l >= 0, falling with l < 0.
  ARGAND_HD int rising() const { return box.l / row_length + 1; }
  ARGAND_HD int falling() const { return (box.l + row_length - 1) / row_length; }

  // Returns a multiple of 4 that no row exceeds in length.
  ARGAND_HD int longest_row() const {
    const int whole = (box.l + 4) / 4 * 4;
    return is_box && whole < row_length ? whole : row_length;
  }

  // Returns the number of rows of a crystal.
  ARGAND_HD Index rows(Index crystal) const {
    if (is_box) return Index(planes()) * (rising() + falling()) * (2 * box.k + 1);
    const Index list = hkl_ptr ? crystal : 0;
    return Index(counts[2 * list]) + counts[2 * list + 1];
  }

  // Returns one row of a crystal.
  ARGAND_HD Row<Order> row(Index crystal, Index number) const {
    return is_box ? row_of_box(number) : row_of_list(crystal, number);
  }

  ARGAND_HD Row<Order> row_of_list(Index crystal, Index number) const {
    const Index list = hkl_ptr ? crystal : 0, begin = list_begin(crystal), up = counts[2 * list];
    const Segment segment =
        number < up ? segments[begin + number] : segments[count + begin + number - up];
    const Order* first = hkl + 3 * (begin + segment.at);
    return {{first[0], first[1], first[2]}, segment.step, segment.length, segment.at};
  }

  // Returns a row of the box. k runs fastest, so that neighbouring threads have rows of about one
  // length.
  ARGAND_HD Row<Order> row_of_box(Index number_in_box) const {
    const unsigned number = unsigned(number_in_box);
    const unsigned width = unsigned(2 * box.k + 1), parts = unsigned(rising() + falling());
    const int k = int(number % width) - box.k;
    const unsigned rest = number / width;
    const int part = int(rest % parts), h = int(rest / parts) - (friedel ? 0 : box.h);
    const bool up = part < rising();
    const int l = up ? part * row_length : -1 - (part - rising()) * row_length;
    const int remaining = up ? box.l - l + 1 : box.l + l + 1;
    // On the plane h = 0 one half of the rows are mates of the other half.
    const bool mate = friedel && h == 0 && (k < 0 || (k == 0 && !up));
    const Index at = (Index(h + box.h) * width + k + box.k) * (2 * box.l + 1) + l + box.l;
    const int length = remaining < row_length ? remaining : row_length;
    return {{Order(h), Order(k), Order(l)}, up ? 1 : -1, mate ? 0 : length, at};
  }

  // Returns the reflection whose F is the conjugate of F at `at`, or `at` where none is written.
  ARGAND_HD Index mate(Index at) const { return friedel ? count - 1 - at : at; }
};

// Tells whether a row begins at reflection i of a list.
template <class Order>
ARGAND_HD ARGAND_INLINE bool begins_row(const Order* hkl, Index i) {
  const Order *now = hkl + 3 * i, *before = now - 3;
  if (i == 0 || now[0] != before[0] || now[1] != before[1] || now[2] != before[2] + 1) return true;
  if constexpr (std::is_integral_v<Order>) {
    return now[2] % row_length == 0;
  } else {
    const double floor =
        now[2] >= 0 ? double(Index(now[2])) : -double(Index(-now[2])) - (Index(now[2]) != now[2]);
    return Index(floor) % row_length == 0;
  }
}

// Finds the rows of every list, if there are lists, and writes them to the workspace.
template <class Order>
void find_rows(const Queue& queue, Index crystals, const Reflections<Order>& reflections);

// Returns the bytes of workspace that the rows of lists need.
template <class Order>
Index rows_workspace(Index crystals, const Reflections<Order>& reflections);

// Sets the arrays of the rows in the workspace.
template <class Order>
void place_rows(Index crystals, Reflections<Order>& reflections, void* workspace);

// Calls use(i, offset) for the entries i of a row, which lie at reflection row.at + offset. Both
// are constants of the program, so that addresses need no arithmetic.
template <int step, class Order, class Use>
ARGAND_HD ARGAND_INLINE void entries_in_step(const Row<Order>& row, const Use& use) {
#pragma unroll
  for (int i = 0; i < row_length; ++i) {
    if (i >= row.length) break;
    use(i, step * i);
  }
}
template <class Order, class Use>
ARGAND_HD ARGAND_INLINE void entries(const Row<Order>& row, const Use& use) {
  if (row.step > 0) {
    entries_in_step<1>(row, use);
  } else {
    entries_in_step<-1>(row, use);
  }
}

// Returns the reflections of lists or of a box, without their rows.
template <class Order>
Reflections<Order> reflections_of(const HklLists<Order>& lists, bool) {
  return {false, lists.hkl, lists.hkl_ptr, lists.count, {}, false, nullptr, nullptr, nullptr};
}
inline Reflections<std::int32_t> reflections_of(const HklBox& box, bool friedel) {
  return {true, nullptr, nullptr, box.size(), box, friedel, nullptr, nullptr, nullptr};
}

}  // namespace argand::cuda
