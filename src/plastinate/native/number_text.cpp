// Rows of numbers in, lines of text out: "v 1.5 2 -3\n" for OBJ, <vertex x="1.5" .../> for 3MF.
//
// Floats get the fewest digits that read back to the same float (std::to_chars,
// C++17 [charconv]), so text formats lose nothing and no rounding has to be chosen.
//
// O(rows); no memory of its own. The caller gives a buffer that is certainly large enough.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace {

// `pieces` holds columns + 1 texts one after the other: before, between and after the numbers.
template <typename Write>
int64_t rows_as_text(int64_t rows, int columns, const char *pieces, const int64_t *piece_ends, char *out,
                     int64_t capacity, Write write) {
    char *at = out, *const end = out + capacity;
    for (int64_t row = 0; row < rows; ++row) {
        for (int column = 0; column <= columns; ++column) {
            const int64_t start = column ? piece_ends[column - 1] : 0;
            const int64_t length = piece_ends[column] - start;
            if (end - at < length) return -1;
            std::memcpy(at, pieces + start, static_cast<std::size_t>(length));
            at += length;
            if (column == columns) break;
            const std::to_chars_result done = write(at, end, row * columns + column);
            if (done.ec != std::errc()) return -1;
            at = done.ptr;
        }
    }
    return at - out;
}

}  // namespace

// Both return the bytes written, or -1 when the buffer was too small.
extern "C" __attribute__((visibility("default"))) int64_t plastinate_float_rows(
    const float *values, int64_t rows, int columns, const char *pieces, const int64_t *piece_ends, char *out,
    int64_t capacity) {
    return rows_as_text(rows, columns, pieces, piece_ends, out, capacity,
                        [values](char *at, char *end, int64_t i) { return std::to_chars(at, end, values[i]); });
}

extern "C" __attribute__((visibility("default"))) int64_t plastinate_integer_rows(
    const uint32_t *values, int64_t rows, int columns, const char *pieces, const int64_t *piece_ends,
    uint64_t added, char *out, int64_t capacity) {
    return rows_as_text(
        rows, columns, pieces, piece_ends, out, capacity,
        [values, added](char *at, char *end, int64_t i) { return std::to_chars(at, end, values[i] + added); });
}
