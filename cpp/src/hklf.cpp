#include "argand/hklf.hpp"

#include <algorithm>
#include <cstring>

namespace argand {
namespace {

constexpr Index index_width = 4;
constexpr Index value_width = 8;

// 10^k is exact, and so are the digits of a column: their quotient is the double next to the
// decimal number.
constexpr double power_of_ten[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};

// The characters of one column that are in its line, without blanks around them.
struct Column {
  const char* begin;
  const char* end;

  Column(const char* line, const char* line_end, Index first, Index width)
      : begin(std::min(line + first, line_end)), end(std::min(line + first + width, line_end)) {
    while (begin < end && *begin == ' ') ++begin;
    while (begin < end && end[-1] == ' ') --end;
  }

  bool empty() const { return begin == end; }
};

// Takes the sign of a number, if it has one, and returns whether it is a minus.
bool take_sign(Column& column) {
  if (column.empty() || (*column.begin != '-' && *column.begin != '+')) return false;
  return *column.begin++ == '-';
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

// Reads an integer; returns whether the column holds one and nothing else.
bool read_integer(Column column, double& number) {
  const bool is_negative = take_sign(column);
  if (column.empty()) return false;
  int digits = 0;
  for (; column.begin < column.end; ++column.begin) {
    if (!is_digit(*column.begin)) return false;
    digits = 10 * digits + (*column.begin - '0');
  }
  number = is_negative ? -digits : digits;
  return true;
}

// Reads a number with a decimal point; returns whether the column holds one and nothing else.
bool read_decimal(Column column, double& number) {
  const bool is_negative = take_sign(column);
  int digits = 0;
  int digit_count = 0;
  int decimals = -1;
  for (; column.begin < column.end; ++column.begin) {
    if (*column.begin == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (!is_digit(*column.begin)) return false;
    digits = 10 * digits + (*column.begin - '0');
    ++digit_count;
    if (decimals >= 0) ++decimals;
  }
  if (digit_count == 0 || decimals < 0) return false;
  const double modulus = digits / power_of_ten[decimals];
  number = is_negative ? -modulus : modulus;
  return true;
}

// Reads the row between `line` and `line_end`; returns whether it is plain and not 0 0 0.
bool read_row(const char* line, const char* line_end, double* row) {
  bool is_origin = true;
  for (Index axis = 0; axis < 3; ++axis) {
    const Column column(line, line_end, axis * index_width, index_width);
    if (!read_integer(column, row[axis])) return false;
    is_origin = is_origin && row[axis] == 0;
  }
  constexpr Index value = 3 * index_width;
  constexpr Index sigma = value + value_width;
  constexpr Index batch = sigma + value_width;
  constexpr Index rest = batch + index_width;
  if (is_origin || !read_decimal(Column(line, line_end, value, value_width), row[3]) ||
      !read_decimal(Column(line, line_end, sigma, value_width), row[4])) {
    return false;
  }
  const Column batch_column(line, line_end, batch, index_width);
  row[5] = 0;
  if (!batch_column.empty() && !read_integer(batch_column, row[5])) return false;
  return Column(line, line_end, rest, line_end - line).empty();
}

}  // namespace

RowsRead read_fixed_rows(Index length, const char* text, Index rows, double* table) {
  const char* const end = text + length;
  const char* line = text;
  Index count = 0;
  while (line < end && count < rows) {
    const void* const newline = std::memchr(line, '\n', end - line);
    const char* const next_line = newline ? static_cast<const char*>(newline) + 1 : end;
    const char* line_end = newline ? next_line - 1 : end;
    // DOS ends a line with two characters.
    if (newline && line_end > line && line_end[-1] == '\r') --line_end;
    double row[numbers_of_plain_row];
    if (!read_row(line, line_end, row)) break;
    for (Index column = 0; column < numbers_of_plain_row; ++column)
      table[column * rows + count] = row[column];
    line = next_line;
    ++count;
  }
  return {count, line - text};
}

}  // namespace argand
