// Reflections as rows: h and k fixed, l running away from zero one by one, at most row_length of
// them. The rows of a box are known from its extents. Those of a list are found on the device and
// noted in the caller's workspace: a row begins where a reflection does not follow the one before,
// and wherever floor(l) is a multiple of row_length, which cuts at l = 0 too.
#pragma once

#include "argand/term.hpp"
#include "device.hpp"

namespace argand::cuda {

constexpr int row_length = 16;

// A row of a list: its first reflection within the list, and the way of l.
struct Segment {
  std::int32_t at;
  std::int16_t length, step;
};

template <class Order>
struct Row {
  Orders<Order> first;
  std::int32_t step, length;  // entry i is l + step * i; no entries: a place that holds no row
  Index at;                   // entry i is reflection at + step * i of its crystal
};

// The reflections of all crystals. Friedel's law, where it holds, is used on boxes only.
template <class Order>
struct Reflections {
  const Order* hkl;             // null: a box
  const std::int64_t* hkl_ptr;  // null: all crystals have the same
  Index count;                  // of the list, or of the box
  HklBox box;
  bool friedel;
  // Workspace: rows with rising l of the list that begins at b lie at segments[b], those with
  // falling l at segments[count + b]; counts[2 list] and [2 list + 1] say how many.
  Segment* segments;
  std::int32_t* counts;

  ARGAND_HD Index lists(Index crystals) const { return hkl_ptr ? crystals : 1; }
  ARGAND_HD Index list_begin(Index crystal) const { return hkl_ptr ? hkl_ptr[crystal] : 0; }
  // where F of a crystal begins
  ARGAND_HD Index out_begin(Index crystal) const {
    return hkl_ptr ? hkl_ptr[crystal] : crystal * count;
  }

  ARGAND_HD int planes() const { return friedel ? box.h + 1 : 2 * box.h + 1; }
  ARGAND_HD int rising() const {
    return box.l / row_length + 1;
  }  // rows of one h, k with l >= 0, and with l < 0
  ARGAND_HD int falling() const { return (box.l + row_length - 1) / row_length; }

  ARGAND_HD Index rows(Index crystal) const {
    if (!hkl) return Index(planes()) * (rising() + falling()) * (2 * box.k + 1);
    const Index list = hkl_ptr ? crystal : 0;
    return Index(counts[2 * list]) + counts[2 * list + 1];
  }

  ARGAND_HD Row<Order> row(Index crystal, Index number) const {
    return hkl ? row_of_list(crystal, number) : row_of_box(number);
  }

  ARGAND_HD Row<Order> row_of_list(Index crystal, Index number) const {
    const Index list = hkl_ptr ? crystal : 0, begin = list_begin(crystal), up = counts[2 * list];
    const Segment segment =
        number < up ? segments[begin + number] : segments[count + begin + number - up];
    const Order* first = hkl + 3 * (begin + segment.at);
    return {{first[0], first[1], first[2]}, segment.step, segment.length, segment.at};
  }

  // k runs fastest, so that each row lies beside the one before it in k.
  ARGAND_HD Row<Order> row_of_box(Index number) const {
    const int width = 2 * box.k + 1, parts = rising() + falling();
    const int k = int(number % width) - box.k;
    const Index rest = number / width;
    const int part = int(rest % parts), h = int(rest / parts) - (friedel ? 0 : box.h);
    const bool up = part < rising();
    const int l = up ? part * row_length : -1 - (part - rising()) * row_length;
    const int left = up ? box.l - l + 1 : box.l + l + 1;
    const bool mate = friedel && h == 0 &&
                      (k < 0 || (k == 0 && !up));  // the other half of the plane h = 0 has it
    const Index at = (Index(h + box.h) * width + k + box.k) * (2 * box.l + 1) + l + box.l;
    return {{Order(h), Order(k), Order(l)},
            up ? 1 : -1,
            mate                ? 0
            : left < row_length ? left
                                : row_length,
            at};
  }

  // The reflection that is the conjugate of reflection `at`, or `at` itself where there is none to
  // be written.
  ARGAND_HD Index mate(Index at) const { return friedel ? count - 1 - at : at; }
};

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

// Notes the rows of every list in the workspace, if there are lists.
template <class Order>
void find_rows(const Queue& queue, Index crystals, const Reflections<Order>& reflections);

// Bytes for the rows of lists, and where they lie.
template <class Order>
Index rows_workspace(Index crystals, const Reflections<Order>& reflections);
template <class Order>
void place_rows(Index crystals, Reflections<Order>& reflections, void* workspace);

template <class Order>
Reflections<Order> reflections_of(const HklLists<Order>& lists, bool) {
  return {lists.hkl, lists.hkl_ptr, lists.count, {}, false, nullptr, nullptr};
}
inline Reflections<std::int32_t> reflections_of(const HklBox& box, bool friedel) {
  return {nullptr, nullptr, box.size(), box, friedel, nullptr, nullptr};
}

}  // namespace argand::cuda
