// A padded copy of the labels that matter, and the 2x2x2 cells of it that hold more than one.
//
// Labels are dense: 1..n for the structures asked for, 0 for background, OUTSIDE for what lies
// beyond the scan, so that an organ cut by the scan's edge gets a flat wall with a rim of its own.
#pragma once
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "parallel.hpp"

namespace plastinate {

template <class Label>
class LabelGrid {
   public:
    static constexpr Label OUTSIDE = std::numeric_limits<Label>::max();

    std::int64_t slices = 0, rows = 0, columns = 0;  // padded by one voxel all round
    std::int64_t origin[3] = {0, 0, 0};              // array index of padded voxel (0, 0, 0)
    std::vector<Label> voxels;

    // Copies the bounding box of every voxel that `dense` maps to a label.
    int fill(const std::uint16_t* labels, const std::int64_t* shape, const std::uint16_t* dense, int threads) {
        if (!find_box(labels, shape, dense, threads)) return OK;
        voxels.resize(std::size_t(slices * rows * columns));
        return share(slices, threads, [&](std::int64_t s) {
            for (std::int64_t r = 0; r < rows; ++r) {
                Label* row = &voxels[std::size_t((s * rows + r) * columns)];
                const std::int64_t z = s + origin[0], y = r + origin[1];
                if (z < 0 || y < 0 || z >= shape[0] || y >= shape[1]) {
                    std::fill(row, row + columns, OUTSIDE);
                    continue;
                }
                const std::uint16_t* from = labels + (z * shape[1] + y) * shape[2];
                for (std::int64_t c = 0; c < columns; ++c) {
                    const std::int64_t x = c + origin[2];
                    row[c] = x < 0 || x >= shape[2] ? OUTSIDE : Label(dense[from[x]]);
                }
            }
        });
    }

    std::int64_t plane() const { return rows * columns; }
    std::int64_t cell_planes() const { return voxels.empty() ? 0 : slices - 1; }

    // The eight labels of the cell whose first voxel is `first`; bit 2 of the place is the slice
    // step, bit 1 the row step, bit 0 the column step.
    void cell(std::int64_t first, Label* eight) const {
        const Label* v = &voxels[std::size_t(first)];
        eight[0] = v[0], eight[1] = v[1], eight[2] = v[columns], eight[3] = v[columns + 1];
        v += plane();
        eight[4] = v[0], eight[5] = v[1], eight[6] = v[columns], eight[7] = v[columns + 1];
    }

    // Calls visit(first voxel) for each cell of one plane that is not all of one label.
    template <class Visit>
    void visit_mixed(std::int64_t s, Visit visit) const {
        constexpr std::int64_t STEP = 8 / sizeof(Label);
        for (std::int64_t r = 0; r + 1 < rows; ++r) {
            const std::int64_t base = s * plane() + r * columns;
            const Label* line[4] = {&voxels[base], &voxels[base + columns], &voxels[base + plane()],
                                    &voxels[base + plane() + columns]};
            std::int64_t c = 0;
            while (c + 1 < columns) {
                if (c + STEP < columns && uniform(line, c)) {
                    c += STEP;
                    continue;
                }
                const std::int64_t stop = c + STEP < columns ? c + STEP : columns - 1;
                for (; c < stop; ++c) {
                    const Label a = line[0][c];
                    if (line[0][c + 1] != a || line[1][c] != a || line[1][c + 1] != a || line[2][c] != a ||
                        line[2][c + 1] != a || line[3][c] != a || line[3][c + 1] != a)
                        visit(base + c);
                }
            }
        }
    }

   private:
    static std::uint64_t word(const Label* from) {
        std::uint64_t bits;
        std::memcpy(&bits, from, 8);
        return bits;
    }

    // One word of cells at once: all four lines alike, and alike when shifted by one voxel.
    static bool uniform(const Label* const* line, std::int64_t c) {
        const std::uint64_t first = word(line[0] + c);
        std::uint64_t differs = first ^ word(line[0] + c + 1);
        for (int k = 1; k < 4; ++k) differs |= (first ^ word(line[k] + c)) | (first ^ word(line[k] + c + 1));
        return differs == 0;
    }

    bool find_box(const std::uint16_t* labels, const std::int64_t* shape, const std::uint16_t* dense, int threads) {
        struct Box {
            std::int64_t low[2] = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};
            std::int64_t high[2] = {-1, -1};
        };
        std::vector<Box> boxes(static_cast<std::size_t>(shape[0]));
        share(shape[0], threads, [&](std::int64_t s) {
            Box& box = boxes[std::size_t(s)];
            for (std::int64_t r = 0; r < shape[1]; ++r) {
                const std::uint16_t* row = labels + (s * shape[1] + r) * shape[2];
                std::int64_t first = 0, last = shape[2] - 1;
                while (first <= last && !dense[row[first]]) ++first;
                if (first > last) continue;
                while (!dense[row[last]]) --last;
                box.low[0] = box.low[0] < r ? box.low[0] : r;
                box.high[0] = r;
                box.low[1] = box.low[1] < first ? box.low[1] : first;
                box.high[1] = box.high[1] > last ? box.high[1] : last;
            }
        });
        std::int64_t low[3] = {-1, shape[1], shape[2]}, high[3] = {-1, -1, -1};
        for (std::int64_t s = 0; s < shape[0]; ++s) {
            const Box& box = boxes[std::size_t(s)];
            if (box.high[0] < 0) continue;
            if (low[0] < 0) low[0] = s;
            high[0] = s;
            for (int k = 0; k < 2; ++k) {
                low[k + 1] = low[k + 1] < box.low[k] ? low[k + 1] : box.low[k];
                high[k + 1] = high[k + 1] > box.high[k] ? high[k + 1] : box.high[k];
            }
        }
        if (low[0] < 0) return false;
        std::int64_t* extent[3] = {&slices, &rows, &columns};
        for (int k = 0; k < 3; ++k) {
            origin[k] = low[k] - 1;
            *extent[k] = high[k] - low[k] + 3;
        }
        return true;
    }
};

}  // namespace plastinate
