// A mask as one bit a voxel, padded by one empty voxel on every side.
//
// Bit j of a row is column j - 1 of the box, so bit 0 and the last are padding.
// 64 voxels a word: a 512 x 512 x 400 box takes 13 MB, and cells that the
// surface crosses are found 64 at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "parallel.hpp"

namespace bits {

// Runs work(first, last) over [0, count) in `threads` contiguous parts.
template <class Work>
void in_parts(int64_t count, int threads, Work work) {
    const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(threads, count));
    const int status = plastinate::share(parts, threads, [&](int64_t part) {
        work(count * part / parts, count * (part + 1) / parts);
    });
    if (status != plastinate::OK) throw std::bad_alloc();
}

struct Grid {
    int64_t slices = 0, rows = 0, columns = 0;  // of the box, without padding
    int64_t words = 0;                          // per row
    std::vector<uint64_t> data;

    const uint64_t* row(int64_t slice, int64_t row_index) const {  // 0 is padding
        return data.data() + (slice * (rows + 2) + row_index) * words;
    }
    bool inside(int64_t slice, int64_t row_index, int64_t column) const {
        return row(slice, row_index)[column >> 6] >> (column & 63) & 1;
    }
};

inline uint64_t pack_eight(const uint8_t* from) {
    uint64_t eight;
    std::memcpy(&eight, from, 8);
    // Each byte is 0 or 1; the product gathers the eight lowest bits in the top byte.
    return (eight * 0x0102040810204080ULL) >> 56;
}

// `mask` points at the first voxel of the box, strides in bytes, columns adjacent, values 0 or 1.
inline Grid pack(const uint8_t* mask, int64_t slices, int64_t rows, int64_t columns, int64_t slice_stride,
                 int64_t row_stride, int threads) {
    Grid grid;
    grid.slices = slices;
    grid.rows = rows;
    grid.columns = columns;
    grid.words = (columns + 2 + 63) / 64;
    grid.data.assign(static_cast<size_t>((slices + 2) * (rows + 2) * grid.words), 0);
    in_parts(slices, threads, [&](int64_t first, int64_t last) {
        for (int64_t s = first; s < last; ++s)
            for (int64_t r = 0; r < rows; ++r) {
                const uint8_t* from = mask + s * slice_stride + r * row_stride;
                uint64_t* to = grid.data.data() + ((s + 1) * (rows + 2) + r + 1) * grid.words;
                int64_t c = 0;
                for (; c + 8 <= columns; c += 8) {
                    const uint64_t byte = pack_eight(from + c);
                    if (!byte) continue;
                    const int64_t bit = c + 1;
                    to[bit >> 6] |= byte << (bit & 63);
                    if ((bit & 63) > 56) to[(bit >> 6) + 1] |= byte >> (64 - (bit & 63));
                }
                for (; c < columns; ++c)
                    if (from[c]) to[(c + 1) >> 6] |= uint64_t{1} << ((c + 1) & 63);
            }
    });
    return grid;
}

// The word of a row moved down by one bit: bit j holds what bit j + 1 held.
inline uint64_t ahead(const uint64_t* row, int64_t word, int64_t words) {
    return row[word] >> 1 | (word + 1 < words ? row[word + 1] << 63 : 0);
}

inline int count(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555ULL;
    word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return static_cast<int>((word * 0x0101010101010101ULL) >> 56);
}

}  // namespace bits
