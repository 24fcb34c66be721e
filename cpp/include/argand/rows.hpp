// Reflections cut into rows: h and k fixed, l running away from zero one by one. Within a row each
// term follows from the one before; a row starts at its smallest |l|, where the displacement factor
// is largest, so that nothing that matters underflows before it is reached. Rows in turn form
// strips, k running away from zero one by one, in which the start of each row follows from that of
// the one before.
#pragma once

#include <vector>

#include "argand/term.hpp"
#include "argand/views.hpp"

namespace argand {

struct Row {
  Hkl first;
  int step;      // +1 or -1: l of entry i is first.l + step * i
  int length;    // at most max_row
  Index at;      // entry i is reflection at + step * i of its crystal ...
  Index mirror;  // ... and its Friedel mate reflection mirror - step * i, or no_mirror
};

// Rows with one h, first l and step; k of row r is first.k + step * r.
struct Strip {
  Index begin, end;  // rows, at most max_strip
  int step;          // +1 or -1
};

struct Rows {
  std::vector<Row> rows;
  std::vector<Strip> strips;
};

constexpr int max_row = 64;  // bounds the error of the recurrence and the accumulators on the stack
constexpr int max_strip = 16;
constexpr Index no_mirror = -1;

// The rows of `count` reflections (count, 3): neighbours in the list that differ by one in l share
// a row.
template <class Order>
Rows rows_of_list(const Order* hkl, Index count);

// The rows of a box; with friedel only one reflection of each pair, the other as its mirror.
Rows rows_of_box(const HklBox& box, bool friedel);

}  // namespace argand
