// Reads lists of reflections in the fixed columns of SHELX: 3I4, 2F8.2, I4.
#pragma once

#include "argand/views.hpp"

namespace argand {

// The numbers of a row: h, k, l, value, sigma and batch number.
constexpr Index numbers_of_plain_row = 6;

// How many rows were read, and how many bytes of the text they take with the ends of their lines.
struct RowsRead {
  Index rows, bytes;
};

// Reads rows from the beginning of a text of `length` bytes with lines that end in '\n' or "\r\n",
// and writes their numbers to the columns of `table` (6, rows). Stops before the first line that is
// not plain (a number that does not fill one column alone, a value without a decimal point,
// anything but blanks after the batch number) or is the reflection 0 0 0. What is not plain is read
// elsewhere, so that every number that is written here is beyond doubt.
RowsRead read_fixed_rows(Index length, const char* text, Index rows, double* table);

}  // namespace argand
