// Cuts reflections into rows, in which h and k are fixed and |l| rises one by one. Within a row
// each term follows from the one before. A row starts at its smallest |l|, where the displacement
// factor is largest, so that no term that matters comes after one that has underflowed. Rows form
// strips, in which |k| rises one by one and the start of each row follows from the start of the row
// before.
#pragma once

#include <vector>

#include "argand/term.hpp"
#include "argand/views.hpp"

namespace argand {

// Neighbouring reflections of one h and k.
struct Row {
  Hkl first;
  int step;      // +1 or -1: l of entry i is first.l + step * i
  int length;    // at most max_row
  Index at;      // entry i is reflection at + step * i of its crystal
  Index mirror;  // the Friedel mate of entry i is reflection mirror - step * i; or no_mirror
};

// Rows with equal h, first l and step of l. Row r of the strip has k = first.k + step * r.
struct Strip {
  Index begin, end;  // rows, at most max_strip
  int step;          // +1 or -1
};

// All rows of a list or box, and the strips that they form.
struct Rows {
  std::vector<Row> rows;
  std::vector<Strip> strips;
};

// Longest row: bounds the error of the recurrence, and the size of the sums on the stack.
constexpr int max_row = 64;
// Most rows of a strip: bounds the error of the recurrence from row to row.
constexpr int max_strip = 16;
// Marks a row whose Friedel mates are not written.
constexpr Index no_mirror = -1;

// Finds the rows of a list of reflections (count, 3): neighbours with equal h and k whose l rises
// by one share a row.
template <class Order>
Rows rows_of_list(const Order* hkl, Index count);

// Finds the rows of a box. With `friedel` one reflection of each Friedel pair is in a row, and the
// other is its mirror.
Rows rows_of_box(const HklBox& box, bool friedel);

}  // namespace argand
