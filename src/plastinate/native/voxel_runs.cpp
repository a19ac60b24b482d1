// Masks as runs: a mask goes in, its connected components come out.
//
// A row of voxels becomes runs [start, stop) of the wanted value; runs of
// neighbouring rows that touch are joined in a union-find forest, so the forest
// has one entry per run and not one per voxel (run-based labelling: He, Chao,
// Suzuki, IEEE TIP 17(5), 2008, section III, here in 3D). The root of a tree is
// its first run in scan order, hence components are numbered in scan order and
// the numbering does not depend on the threads. Slabs are joined inside
// themselves in parallel and across their borders afterwards.
//
// Time O(voxels + runs), memory 8 bytes per run. A bone mask of 512x512x400 has
// about two million runs; the worst case, a checkerboard, 52 million.
//
// Voxels are bytes 0 or 1; words are read in little-endian order (x86, ARM).
#include <algorithm>
#include <cstring>
#include <memory>

#include "parallel.hpp"

using namespace plastinate;
using std::int64_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace {

constexpr uint64_t ONES = 0x0101010101010101ULL;

inline uint64_t word_at(const uint8_t* p) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
}

// First column >= c whose byte differs from the repeated pattern, or `columns`.
inline int64_t skip(const uint8_t* row, int64_t c, int64_t columns, uint64_t pattern) {
    for (; c + 8 <= columns; c += 8) {
        const uint64_t differs = word_at(row + c) ^ pattern;
        if (differs) return c + (__builtin_ctzll(differs) >> 3);
    }
    const uint8_t value = static_cast<uint8_t>(pattern);
    while (c < columns && row[c] == value) ++c;
    return c;
}

struct Run {
    uint16_t start, stop;
};

struct Components {
    int64_t slices, rows, columns;
    std::vector<int64_t> first;  // run index where each row begins, slices * rows + 1
    std::vector<Run> runs;
    std::vector<uint32_t> label;  // forest while joining, component number (from 1) afterwards
    std::vector<int64_t> sizes;

    uint32_t root(uint32_t i) {
        while (label[i] != i) {
            label[i] = label[label[i]];
            i = label[i];
        }
        return i;
    }

    void join(uint32_t a, uint32_t b) {
        a = root(a);
        b = root(b);
        if (a < b) label[b] = a;
        if (b < a) label[a] = b;
    }

    // reach 0: runs touch if they share a column; 1: also if they meet diagonally.
    void join_rows(int64_t row_a, int64_t row_b, int reach) {
        int64_t i = first[row_a], j = first[row_b];
        const int64_t end_i = first[row_a + 1], end_j = first[row_b + 1];
        while (i < end_i && j < end_j) {
            const Run a = runs[i], b = runs[j];
            if (a.start < b.stop + reach && b.start < a.stop + reach)
                join(static_cast<uint32_t>(i), static_cast<uint32_t>(j));
            if (a.stop < b.stop) ++i; else ++j;
        }
    }

    void join_in_slice(int64_t s, int connectivity) {
        const int reach = connectivity == 6 || connectivity == 4 ? 0 : 1;
        for (int64_t r = 1; r < rows; ++r) join_rows(s * rows + r, s * rows + r - 1, reach);
    }

    void join_to_previous_slice(int64_t s, int connectivity) {
        if (connectivity == 4 || connectivity == 8) return;
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t here = s * rows + r, above = here - rows;
            if (first[here] == first[here + 1]) continue;
            join_rows(here, above, connectivity == 6 ? 0 : 1);
            if (connectivity == 6) continue;
            const int diagonal = connectivity == 26 ? 1 : 0;
            if (r > 0) join_rows(here, above - 1, diagonal);
            if (r + 1 < rows) join_rows(here, above + 1, diagonal);
        }
    }

    void number() {
        uint32_t count = 0;
        sizes.assign(1, 0);
        for (size_t i = 0; i < runs.size(); ++i) {
            if (label[i] == i) {
                label[i] = ++count;
                sizes.push_back(0);
            } else {
                label[i] = label[label[i]];  // an earlier run, so already numbered
            }
            sizes[label[i]] += runs[i].stop - runs[i].start;
        }
    }
};

void find_runs(Components& parts, const uint8_t* mask, int64_t slice_stride, int64_t row_stride,
               int wanted, int threads) {
    const uint64_t on = wanted ? ONES : 0, off = wanted ? 0 : ONES;
    parts.first.assign(parts.slices * parts.rows + 1, 0);
    auto scan = [&](int64_t s, bool is_counting) {
        for (int64_t r = 0; r < parts.rows; ++r) {
            const uint8_t* row = mask + s * slice_stride + r * row_stride;
            const int64_t line = s * parts.rows + r;
            int64_t n = is_counting ? 0 : parts.first[line];
            for (int64_t c = skip(row, 0, parts.columns, off); c < parts.columns;) {
                const int64_t stop = skip(row, c, parts.columns, on);
                if (!is_counting) parts.runs[n] = {static_cast<uint16_t>(c), static_cast<uint16_t>(stop)};
                ++n;
                c = skip(row, stop, parts.columns, off);
            }
            if (is_counting) parts.first[line + 1] = n;
        }
    };
    share(parts.slices, threads, [&](int64_t s) { scan(s, true); });
    for (size_t i = 1; i < parts.first.size(); ++i) parts.first[i] += parts.first[i - 1];
    parts.runs.resize(parts.first.back());
    share(parts.slices, threads, [&](int64_t s) { scan(s, false); });
}

void connect(Components& parts, int connectivity, int threads) {
    parts.label.resize(parts.runs.size());
    for (size_t i = 0; i < parts.label.size(); ++i) parts.label[i] = static_cast<uint32_t>(i);
    const int64_t slabs = std::min<int64_t>(parts.slices, std::max(1, threads));
    auto border = [&](int64_t slab) { return slab * parts.slices / slabs; };
    share(slabs, threads, [&](int64_t slab) {
        for (int64_t s = border(slab); s < border(slab + 1); ++s) {
            parts.join_in_slice(s, connectivity);
            if (s > border(slab)) parts.join_to_previous_slice(s, connectivity);
        }
    });
    for (int64_t slab = 1; slab < slabs; ++slab) parts.join_to_previous_slice(border(slab), connectivity);
    parts.number();
}

}  // namespace

// Finds the components of the voxels equal to `wanted` in a box of a larger array.
// connectivity 6, 18, 26, or 4 and 8 for slices on their own.
PLASTINATE_API int runs_open(const uint8_t* mask, int64_t slice_stride, int64_t row_stride, const int64_t* shape,
                             int wanted, int connectivity, int threads, void** handle, int64_t* count) {
    *handle = nullptr;
    if (shape[2] > 65535) return BAD_ARGUMENT;
    try {
        auto parts = std::make_unique<Components>();
        parts->slices = shape[0];
        parts->rows = shape[1];
        parts->columns = shape[2];
        find_runs(*parts, mask, slice_stride, row_stride, wanted, threads);
        connect(*parts, connectivity, threads);
        *count = static_cast<int64_t>(parts->sizes.size()) - 1;
        *handle = parts.release();
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

PLASTINATE_API void runs_close(void* handle) { delete static_cast<Components*>(handle); }

// sizes: count + 1 entries, entry 0 is unused and 0.
PLASTINATE_API void runs_sizes(const void* handle, int64_t* sizes) {
    const auto& parts = *static_cast<const Components*>(handle);
    std::copy(parts.sizes.begin(), parts.sizes.end(), sizes);
}

// boxes: (count + 1, 2, 3), first and one past the last index; sums: (count + 1, 3) index sums.
PLASTINATE_API void runs_boxes(const void* handle, int64_t* boxes, int64_t* sums) {
    const auto& parts = *static_cast<const Components*>(handle);
    const int64_t far = std::max({parts.slices, parts.rows, parts.columns});
    for (size_t k = 0; k < parts.sizes.size(); ++k) {
        std::fill(boxes + 6 * k, boxes + 6 * k + 3, k ? far : 0);
        std::fill(boxes + 6 * k + 3, boxes + 6 * k + 6, 0);
        std::fill(sums + 3 * k, sums + 3 * k + 3, 0);
    }
    for (int64_t line = 0; line < parts.slices * parts.rows; ++line) {
        const int64_t at[2] = {line / parts.rows, line % parts.rows};
        for (int64_t i = parts.first[line]; i < parts.first[line + 1]; ++i) {
            const int64_t start = parts.runs[i].start, stop = parts.runs[i].stop;
            int64_t* box = boxes + 6 * parts.label[i];
            int64_t* sum = sums + 3 * parts.label[i];
            for (int axis = 0; axis < 2; ++axis) {
                box[axis] = std::min(box[axis], at[axis]);
                box[3 + axis] = std::max(box[3 + axis], at[axis] + 1);
                sum[axis] += at[axis] * (stop - start);
            }
            box[2] = std::min(box[2], start);
            box[5] = std::max(box[5], stop);
            sum[2] += (start + stop - 1) * (stop - start) / 2;
        }
    }
}

// The component at an index, 0 if none.
PLASTINATE_API int64_t runs_at(const void* handle, int64_t s, int64_t r, int64_t c) {
    const auto& parts = *static_cast<const Components*>(handle);
    const int64_t line = s * parts.rows + r;
    for (int64_t i = parts.first[line]; i < parts.first[line + 1]; ++i)
        if (parts.runs[i].start <= c && c < parts.runs[i].stop) return parts.label[i];
    return 0;
}

// The components at many indices, (count, 3) in the box; 0 where none, or outside.
PLASTINATE_API void runs_at_each(const void* handle, const int64_t* index, int64_t count, int64_t* out) {
    const auto& parts = *static_cast<const Components*>(handle);
    for (int64_t n = 0; n < count; ++n) {
        const int64_t s = index[3 * n], r = index[3 * n + 1], c = index[3 * n + 2];
        const bool is_inside = s >= 0 && s < parts.slices && r >= 0 && r < parts.rows && c >= 0;
        out[n] = is_inside ? runs_at(handle, s, r, c) : 0;
    }
}

// touches[k] = 1 for components that reach a face of the box; faces: 1 slice ends, 2 row ends, 4 column ends.
PLASTINATE_API void runs_touching(const void* handle, int faces, uint8_t* touches) {
    const auto& parts = *static_cast<const Components*>(handle);
    for (int64_t line = 0; line < parts.slices * parts.rows; ++line) {
        const int64_t s = line / parts.rows, r = line % parts.rows;
        const bool is_edge = ((faces & 1) && (s == 0 || s == parts.slices - 1)) ||
                             ((faces & 2) && (r == 0 || r == parts.rows - 1));
        for (int64_t i = parts.first[line]; i < parts.first[line + 1]; ++i)
            if (is_edge || ((faces & 4) && (parts.runs[i].start == 0 || parts.runs[i].stop == parts.columns)))
                touches[parts.label[i]] = 1;
    }
}

// Writes 1 into `out` wherever a component with keep[k] lies; the rest of `out` stays.
PLASTINATE_API int runs_paint(const void* handle, const uint8_t* keep, uint8_t* out, int64_t slice_stride,
                              int64_t row_stride, int threads) {
    const auto& parts = *static_cast<const Components*>(handle);
    return share(parts.slices, threads, [&](int64_t s) {
        for (int64_t r = 0; r < parts.rows; ++r) {
            uint8_t* row = out + s * slice_stride + r * row_stride;
            for (int64_t i = parts.first[s * parts.rows + r]; i < parts.first[s * parts.rows + r + 1]; ++i)
                if (keep[parts.label[i]]) std::memset(row + parts.runs[i].start, 1, parts.runs[i].stop - parts.runs[i].start);
        }
    });
}

// Writes names[k] over component k in a contiguous uint32 array of the box; the rest stays.
PLASTINATE_API int runs_labels(const void* handle, const uint32_t* names, uint32_t* out, int threads) {
    const auto& parts = *static_cast<const Components*>(handle);
    return share(parts.slices, threads, [&](int64_t s) {
        for (int64_t line = s * parts.rows; line < (s + 1) * parts.rows; ++line)
            for (int64_t i = parts.first[line]; i < parts.first[line + 1]; ++i)
                std::fill(out + line * parts.columns + parts.runs[i].start,
                          out + line * parts.columns + parts.runs[i].stop, names[parts.label[i]]);
    });
}

// box: (2, 3) first and one past the last index of the voxels that are 1; all 0 if there are none.
PLASTINATE_API int mask_box(const uint8_t* mask, const int64_t* shape, int threads, int64_t* box) {
    try {
        std::vector<int64_t> found(shape[0] * 4, -1);  // first row, last row, first column, last column
        share(shape[0], threads, [&](int64_t s) {
            int64_t* at = found.data() + 4 * s;
            for (int64_t r = 0; r < shape[1]; ++r) {
                const uint8_t* row = mask + (s * shape[1] + r) * shape[2];
                const int64_t c = skip(row, 0, shape[2], 0);
                if (c == shape[2]) continue;
                int64_t last = shape[2] - 1;
                while (last >= at[3] && !row[last]) --last;
                if (at[0] < 0) at[0] = r;
                at[1] = r;
                at[2] = at[2] < 0 ? c : std::min(at[2], c);
                at[3] = std::max(at[3], last);
            }
        });
        std::fill(box, box + 6, 0);
        bool is_empty = true;
        for (int64_t s = 0; s < shape[0]; ++s) {
            const int64_t* at = found.data() + 4 * s;
            if (at[0] < 0) continue;
            if (is_empty) {
                box[0] = s;
                box[1] = at[0];
                box[2] = at[2];
            }
            is_empty = false;
            box[1] = std::min(box[1], at[0]);
            box[2] = std::min(box[2], at[2]);
            box[3] = s + 1;
            box[4] = std::max(box[4], at[1] + 1);
            box[5] = std::max(box[5], at[3] + 1);
        }
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

// Swaps rows and columns of each slice: (S, R, C) -> (S, C, R), in blocks that stay in the nearest cache.
PLASTINATE_API int swap_rows_and_columns(const uint8_t* in, const int64_t* shape, int threads, uint8_t* out) {
    constexpr int64_t block = 64;
    const int64_t rows = shape[1], columns = shape[2];
    return share(shape[0], threads, [&](int64_t s) {
        const uint8_t* from = in + s * rows * columns;
        uint8_t* to = out + s * rows * columns;
        for (int64_t r0 = 0; r0 < rows; r0 += block)
            for (int64_t c0 = 0; c0 < columns; c0 += block)
                for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
                    for (int64_t r = r0; r < std::min(rows, r0 + block); ++r) to[c * rows + r] = from[r * columns + c];
    });
}
