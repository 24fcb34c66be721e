#include "argand/rows.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace argand {
namespace {

// Appends the reflections l = first.l .. first.l + length - 1, which lie at `at`, at + 1, ..., as
// rows in which |l| rises.
void append_run(std::vector<Row>& rows, Hkl first, Index length, Index at, Index mirror) {
  const auto walk = [&](Index begin, int step, Index count) {
    for (Index done = 0; done < count; done += max_row) {
      const Index offset = begin + step * done;
      rows.push_back({{first.h, first.k, first.l + double(offset)},
                      step,
                      int(std::min<Index>(max_row, count - done)),
                      at + offset,
                      mirror == no_mirror ? no_mirror : mirror - offset});
    }
  };
  const Index negative = std::clamp<Index>(Index(std::ceil(-first.l)), 0, length);
  walk(negative, +1, length - negative);
  walk(negative - 1, -1, negative);
}

// Sorts rows, and joins rows of neighbouring k to strips.
Rows in_strips(std::vector<Row>&& rows) {
  const auto sign = [](const Row& row) { return row.first.k < 0 ? -1 : 1; };
  const auto key = [&](const Row& row) {
    return std::tuple(row.first.h, row.first.l, row.step, sign(row), std::abs(row.first.k));
  };
  const auto less = [&](const Row& a, const Row& b) { return key(a) < key(b); };
  if (!std::is_sorted(rows.begin(), rows.end(), less))
    std::stable_sort(rows.begin(), rows.end(), less);
  std::vector<Strip> strips;
  for (Index r = 0; r < Index(rows.size()); ++r) {
    const Row& row = rows[r];
    if (!strips.empty()) {
      const Row& last = rows[r - 1];
      Strip& strip = strips.back();
      if (row.first.h == last.first.h && row.first.l == last.first.l && row.step == last.step &&
          row.first.k == last.first.k + strip.step && sign(row) == sign(last) &&
          r - strip.begin < max_strip) {
        strip.end = r + 1;
        continue;
      }
    }
    strips.push_back({r, r + 1, sign(row)});
  }
  return {std::move(rows), std::move(strips)};
}

}  // namespace

template <class Order>
Rows rows_of_list(const Order* hkl, Index count) {
  std::vector<Row> rows;
  for (Index begin = 0; begin < count;) {
    const Order* first = hkl + 3 * begin;
    Index end = begin + 1;
    const auto continues = [&] {
      const Order* next = hkl + 3 * end;
      return next[0] == first[0] && next[1] == first[1] &&
             double(next[2]) == double(first[2]) + double(end - begin);
    };
    while (end < count && continues()) ++end;
    append_run(rows, {double(first[0]), double(first[1]), double(first[2])}, end - begin, begin,
               no_mirror);
    begin = end;
  }
  return in_strips(std::move(rows));
}

template Rows rows_of_list(const std::int32_t*, Index);
template Rows rows_of_list(const double*, Index);

Rows rows_of_box(const HklBox& box, bool friedel) {
  std::vector<Row> rows;
  const Index last = box.size() - 1, width = 2 * box.l + 1;
  for (std::int32_t h = friedel ? 0 : -box.h; h <= box.h; ++h) {
    for (std::int32_t k = friedel && h == 0 ? 0 : -box.k; k <= box.k; ++k) {
      const Index at = (Index(h + box.h) * (2 * box.k + 1) + (k + box.k)) * width;
      if (friedel && h == 0 && k == 0) {
        // The reflection 000 is its own mate.
        append_run(rows, {0, 0, 0}, 1, at + box.l, no_mirror);
        append_run(rows, {0, 0, 1}, box.l, at + box.l + 1, last - (at + box.l + 1));
      } else {
        append_run(rows, {double(h), double(k), double(-box.l)}, width, at,
                   friedel ? last - at : no_mirror);
      }
    }
  }
  return in_strips(std::move(rows));
}

}  // namespace argand
