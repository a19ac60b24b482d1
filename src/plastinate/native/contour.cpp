// Mask + grey values in; closed surface with sub-voxel vertices out.
//
// The mask alone says what is inside, so the surface has exactly the mask's
// topology; the grey values say where between two voxels the wall stands.
// Passes, each over contiguous slices so that every thread writes to places
// known beforehand and the result never depends on their number (the scheme
// of Flying Edges: Schroeder, Maynard, Geveci 2015, IEEE LDAV, section 3):
//   1 pack the mask's box to bits;
//   2 count, for each grid row, its cut edges and its triangles;
//   3 add up, which gives every row its first vertex and first triangle;
//   4 write vertices, then triangles, straight into the caller's arrays.
// Within a row vertices come by axis (column, row, slice) and then by column,
// so a running count names the vertex of any edge and no lookup is needed.
//
// Where on a cut edge (a inside, b outside; v their values): if b lies beyond
// a bound that a keeps, linear interpolation to that bound, which is exact for
// a straight grey ramp. Otherwise the mask, not the grey value, put the wall
// there (filled cavity, removed table, cut by hand) or a voxel was not
// measured, and half-way is the guess of least bias.
//
// Time: linear in voxels / 64 + surface. Memory: 1 bit a voxel, 40 bytes a grid row.

#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "cell_cases.hpp"
#include "mask_bits.hpp"

namespace {

struct RowStart {
    int64_t vertex[3] = {0, 0, 0};  // first vertex of the column, row and slice edges
    int64_t triangle = 0;
};

struct Plan {
    bits::Grid grid;
    std::vector<RowStart> starts;  // one for each padded grid row
    int64_t vertices = 0, triangles = 0;
    int threads = 1;
};

struct CutEdges {
    uint64_t along[3];  // column, row, slice
};

CutEdges cut_edges(const bits::Grid& grid, int64_t s, int64_t r, int64_t w) {
    const uint64_t* here = grid.row(s, r);
    CutEdges cut;
    cut.along[0] = here[w] ^ bits::ahead(here, w, grid.words);
    cut.along[1] = r <= grid.rows ? here[w] ^ grid.row(s, r + 1)[w] : 0;
    cut.along[2] = s <= grid.slices ? here[w] ^ grid.row(s + 1, r)[w] : 0;
    return cut;
}

// Calls visit(column, case) for the crossed cells of one row, columns ascending.
template <class Visit>
void each_crossed_cell(const bits::Grid& grid, int64_t s, int64_t r, Visit visit) {
    const uint64_t* rows[4] = {grid.row(s, r), grid.row(s, r + 1), grid.row(s + 1, r), grid.row(s + 1, r + 1)};
    for (int64_t w = 0; w < grid.words; ++w) {
        uint64_t now[4], next[4], any = 0, all = ~uint64_t{0};
        for (int k = 0; k < 4; ++k) {
            now[k] = rows[k][w];
            next[k] = bits::ahead(rows[k], w, grid.words);
            any |= now[k] | next[k];
            all &= now[k] & next[k];
        }
        for (uint64_t crossed = any & ~all; crossed; crossed &= crossed - 1) {
            const int bit = __builtin_ctzll(crossed);
            int inside = 0;
            for (int k = 0; k < 4; ++k)
                inside |= static_cast<int>((now[k] >> bit & 1) | (next[k] >> bit & 1) << 1) << (2 * k);
            visit(w * 64 + bit, inside);
        }
    }
}

void count_slices(Plan& plan, int64_t first, int64_t last) {
    const bits::Grid& grid = plan.grid;
    const auto& table = cells::table();
    for (int64_t s = first; s < last; ++s)
        for (int64_t r = 0; r < grid.rows + 2; ++r) {
            RowStart& start = plan.starts[static_cast<size_t>(s * (grid.rows + 2) + r)];
            for (int64_t w = 0; w < grid.words; ++w) {
                const CutEdges cut = cut_edges(grid, s, r, w);
                for (int axis = 0; axis < 3; ++axis)
                    if (cut.along[axis]) start.vertex[axis] += bits::count(cut.along[axis]);
            }
            if (s <= grid.slices && r <= grid.rows)
                each_crossed_cell(grid, s, r, [&](int64_t, int inside) { start.triangle += table[inside].triangles; });
        }
}

void add_up(Plan& plan) {
    for (RowStart& start : plan.starts) {
        for (int64_t& vertex : start.vertex) {
            const int64_t count = vertex;
            vertex = plan.vertices;
            plan.vertices += count;
        }
        const int64_t count = start.triangle;
        start.triangle = plan.triangles;
        plan.triangles += count;
    }
}

bool measured(int16_t value) { return value != std::numeric_limits<int16_t>::min(); }
bool measured(float value) { return value == value; }

struct Field {
    const void* values = nullptr;  // first voxel of the box; null: a bare mask
    int64_t slice_stride = 0, row_stride = 0;  // in voxels
    int64_t slices = 0, rows = 0, columns = 0;
    double low = 0, high = 0, least = 0;
};

template <class Value>
double share_to_wall(const Field& field, int64_t inner, int64_t outer) {
    const Value* values = static_cast<const Value*>(field.values);
    const Value raw_in = values[inner], raw_out = values[outer];
    if (!measured(raw_in) || !measured(raw_out)) return 0.5;
    const double in = static_cast<double>(raw_in), out = static_cast<double>(raw_out);
    double wall;
    if (out < field.low && in >= field.low)
        wall = field.low;
    else if (out > field.high && in <= field.high)
        wall = field.high;
    else
        return 0.5;
    const double share = (wall - in) / (out - in);
    // Never on a voxel centre: up to six vertices would meet there as one.
    return share >= field.least ? std::min(share, 1.0 - field.least) : field.least;
}

// Padding voxels may lie outside the scan, where nothing was measured.
struct Place {
    const Field& field;
    bool holds(int64_t s, int64_t r, int64_t c) const {
        return s >= 0 && s < field.slices && r >= 0 && r < field.rows && c >= 0 && c < field.columns;
    }
    int64_t offset(int64_t s, int64_t r, int64_t c) const {
        return s * field.slice_stride + r * field.row_stride + c;
    }
};

template <class Value>
void write_vertices(const Plan& plan, const Field& field, const int64_t* origin, const double* matrix, float* out,
                    int64_t first, int64_t last) {
    const bits::Grid& grid = plan.grid;
    const Place place{field};
    for (int64_t s = first; s < last; ++s)
        for (int64_t r = 0; r < grid.rows + 2; ++r) {
            const RowStart& start = plan.starts[static_cast<size_t>(s * (grid.rows + 2) + r)];
            float* to[3] = {out + 3 * start.vertex[0], out + 3 * start.vertex[1], out + 3 * start.vertex[2]};
            for (int64_t w = 0; w < grid.words; ++w) {
                const CutEdges cut = cut_edges(grid, s, r, w);
                const uint64_t here = grid.row(s, r)[w];
                for (int axis = 0; axis < 3; ++axis)
                    for (uint64_t left = cut.along[axis]; left; left &= left - 1) {
                        const int bit = __builtin_ctzll(left);
                        // In the volume's own index: the grid is padded by one.
                        const int64_t at[3] = {origin[0] + s - 1, origin[1] + r - 1, origin[2] + w * 64 + bit - 1};
                        const int64_t to_s = at[0] + (axis == 2), to_r = at[1] + (axis == 1), to_c = at[2] + (axis == 0);
                        double share = 0.5;
                        const bool starts_inside = here >> bit & 1;
                        if (field.values && place.holds(at[0], at[1], at[2]) && place.holds(to_s, to_r, to_c)) {
                            const int64_t a = place.offset(at[0], at[1], at[2]), b = place.offset(to_s, to_r, to_c);
                            share = starts_inside ? share_to_wall<Value>(field, a, b)
                                                  : 1.0 - share_to_wall<Value>(field, b, a);
                        }
                        double index[3] = {double(at[0]), double(at[1]), double(at[2])};
                        index[2 - axis] += share;
                        for (int k = 0; k < 3; ++k)
                            to[axis][k] = static_cast<float>(matrix[4 * k] * index[0] + matrix[4 * k + 1] * index[1] +
                                                             matrix[4 * k + 2] * index[2] + matrix[4 * k + 3]);
                        to[axis] += 3;
                    }
            }
        }
}

void write_triangles(const Plan& plan, uint32_t* out, int64_t first, int64_t last) {
    const bits::Grid& grid = plan.grid;
    const auto& table = cells::table();
    const int64_t row_count = grid.rows + 2;
    for (int64_t s = first; s < last; ++s)
        for (int64_t r = 0; r <= grid.rows; ++r) {
            const RowStart* at[4] = {&plan.starts[static_cast<size_t>(s * row_count + r)],
                                     &plan.starts[static_cast<size_t>(s * row_count + r + 1)],
                                     &plan.starts[static_cast<size_t>((s + 1) * row_count + r)],
                                     &plan.starts[static_cast<size_t>((s + 1) * row_count + r + 1)]};
            // Next vertex of each of the eight bundles of edges that touch this row of cells.
            uint32_t slice_edge[2] = {uint32_t(at[0]->vertex[2]), uint32_t(at[1]->vertex[2])};
            uint32_t row_edge[2] = {uint32_t(at[0]->vertex[1]), uint32_t(at[2]->vertex[1])};
            uint32_t column_edge[4];
            for (int k = 0; k < 4; ++k) column_edge[k] = uint32_t(at[k]->vertex[0]);
            uint32_t* to = out + 3 * at[0]->triangle;
            each_crossed_cell(grid, s, r, [&](int64_t, int inside) {
                const auto differ = [inside](int a, int b) -> uint32_t { return (inside >> a ^ inside >> b) & 1; };
                uint32_t vertex[12];
                for (int k = 0; k < 2; ++k) {
                    vertex[2 * k] = slice_edge[k];
                    slice_edge[k] += differ(2 * k, 2 * k + 4);
                    vertex[2 * k + 1] = slice_edge[k];
                    vertex[4 + 2 * k] = row_edge[k];
                    row_edge[k] += differ(4 * k, 4 * k + 2);
                    vertex[5 + 2 * k] = row_edge[k];
                }
                for (int k = 0; k < 4; ++k) {
                    vertex[8 + k] = column_edge[k];
                    column_edge[k] += differ(2 * k, 2 * k + 1);
                }
                const cells::Case& shape = table[inside];
                for (int k = 0; k < 3 * shape.triangles; ++k) *to++ = vertex[shape.edges[k]];
            });
        }
}

}  // namespace

// Packs and counts. `mask` is the first voxel of the box; shape is the box's.
PLASTINATE_API void* contour_plan(const uint8_t* mask, const int64_t* shape, const int64_t* stride, int threads,
                            int64_t* counts) {
    try {
        auto* plan = new Plan;
        try {
            plan->threads = threads;
            plan->grid = bits::pack(mask, shape[0], shape[1], shape[2], stride[0], stride[1], threads);
            plan->starts.resize(static_cast<size_t>((shape[0] + 2) * (shape[1] + 2)));
            cells::table();
            bits::in_parts(shape[0] + 2, threads,
                           [plan](int64_t first, int64_t last) { count_slices(*plan, first, last); });
            add_up(*plan);
        } catch (...) {
            delete plan;
            return nullptr;
        }
        counts[0] = plan->vertices;
        counts[1] = plan->triangles;
        return plan;
    } catch (...) {
        return nullptr;
    }
}

// value_kind: 0 bare mask, 1 int16, 2 float32. origin: the box's first voxel in the volume.
PLASTINATE_API int contour_write(const void* handle, int value_kind, const void* values, const int64_t* volume_shape,
                           const int64_t* value_stride, const int64_t* origin, double low, double high, double least,
                           const double* matrix, float* vertices, uint32_t* triangles) {
    try {
        const Plan& plan = *static_cast<const Plan*>(handle);
        Field field;
        field.values = value_kind ? values : nullptr;
        if (value_kind) {
            field.slice_stride = value_stride[0];
            field.row_stride = value_stride[1];
            field.slices = volume_shape[0];
            field.rows = volume_shape[1];
            field.columns = volume_shape[2];
        }
        field.low = low;
        field.high = high;
        field.least = least;
        bits::in_parts(plan.grid.slices + 2, plan.threads, [&](int64_t first, int64_t last) {
            if (value_kind == 1)
                write_vertices<int16_t>(plan, field, origin, matrix, vertices, first, last);
            else
                write_vertices<float>(plan, field, origin, matrix, vertices, first, last);
            write_triangles(plan, triangles, first, std::min(last, plan.grid.slices + 1));
        });
        return 0;
    } catch (...) {
        return -1;
    }
}

PLASTINATE_API void contour_free(void* handle) { delete static_cast<Plan*>(handle); }
