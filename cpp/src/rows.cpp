#include "argand/rows.hpp"

#include <algorithm>

namespace argand {
namespace {

// Appends the run l = first.l .. first.l + length - 1 at reflections at, at + 1, ... as rows walking away from l = 0.
void append_run(std::vector<Row>& rows, Hkl first, Index length, Index at, Index mirror) {
  const auto walk = [&](std::int32_t l, int step, Index count) {
    for (Index done = 0; done < count; done += max_row) {
      const Index offset = step * done + (l - first.l);
      rows.push_back({{first.h, first.k, std::int32_t(first.l + offset)},
                      step,
                      int(std::min<Index>(max_row, count - done)),
                      at + offset,
                      mirror == no_mirror ? no_mirror : mirror - offset});
    }
  };
  const Index negative = std::clamp<Index>(-Index(first.l), 0, length);
  walk(first.l + std::int32_t(negative), +1, length - negative);
  walk(first.l + std::int32_t(negative) - 1, -1, negative);
}

}  // namespace

std::vector<Row> rows_of_list(const std::int32_t* hkl, Index count) {
  std::vector<Row> rows;
  for (Index begin = 0; begin < count;) {
    const std::int32_t* first = hkl + 3 * begin;
    Index end = begin + 1;
    const auto continues = [&] {
      const std::int32_t* next = hkl + 3 * end;
      return next[0] == first[0] && next[1] == first[1] && next[2] == Index(first[2]) + (end - begin);
    };
    while (end < count && continues()) ++end;
    append_run(rows, {first[0], first[1], first[2]}, end - begin, begin, no_mirror);
    begin = end;
  }
  return rows;
}

std::vector<Row> rows_of_box(const HklBox& box, bool friedel) {
  std::vector<Row> rows;
  const Index last = box.size() - 1, width = 2 * box.l + 1;
  for (std::int32_t h = friedel ? 0 : -box.h; h <= box.h; ++h) {
    for (std::int32_t k = friedel && h == 0 ? 0 : -box.k; k <= box.k; ++k) {
      const Index at = (Index(h + box.h) * (2 * box.k + 1) + (k + box.k)) * width;
      if (friedel && h == 0 && k == 0) {  // 000 is its own mate
        append_run(rows, {0, 0, 0}, 1, at + box.l, no_mirror);
        append_run(rows, {0, 0, 1}, box.l, at + box.l + 1, last - (at + box.l + 1));
      } else {
        append_run(rows, {h, k, -box.l}, width, at, friedel ? last - at : no_mirror);
      }
    }
  }
  return rows;
}

}  // namespace argand
