// Label map -> one net of walls between labels, smoothed as a whole, cut into closed surfaces.
//
// Flows through: (S, R, C) uint16 labels -> grid made well-composed -> one vertex for each 2x2x2
// cell of several labels, one quad for each voxel face between two labels -> vertices moved by a
// low-pass filter of the whole net -> two triangles for each quad, each with the two labels it
// parts -> (elsewhere decimated) -> one list of triangles for each label.
//
// Source: dual net of a label map, Gibson, "Constrained elastic surface nets", MICCAI 1998. Two
// things differ. The labels are first made well-composed (well_composed.hpp), so that the wall of
// every label is a 2-manifold. And a vertex where three labels meet is filtered along the junction
// curve only (net_filter.hpp), so that the walls on either side cannot pull it away.
//
// O(voxels) to find the cells, a word of them at a time; O(cells) after that, whatever the number
// of labels. Memory: one byte for each voxel of the labels' box, about 130 bytes for each cell.

#include <algorithm>
#include <cmath>
#include <memory>

#include "label_grid.hpp"
#include "net_filter.hpp"
#include "parallel.hpp"
#include "well_composed.hpp"

namespace {

using namespace plastinate;
using i64 = std::int64_t;
using u32 = std::uint32_t;
using u16 = std::uint16_t;
using u8 = std::uint8_t;

constexpr u16 OUTSIDE_LABEL = 0xffff;

struct Quad {
    u32 vertex[4];  // counter-clockwise seen from the side of `outer`
    u16 inner, outer;
};

struct Net {
    std::vector<float> centre;         // (V, 3) cell centres, array index
    std::vector<float> moved;          // (V, 3) how far the filter moved each vertex, voxels
    std::vector<Links> links;          // neighbours the filter averages, NO_LINK after the last
    std::vector<u8> held;              // bit k: the scan's edge holds the vertex along axis k
    std::vector<Quad> quads;
    i64 changed_voxels = 0;
};

// Places within a cell of the four voxels on its six sides: -slice, +slice, -row, +row, -column, +column.
constexpr int SIDE[6][4] = {{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 1, 4, 5}, {2, 3, 6, 7}, {0, 2, 4, 6}, {1, 3, 5, 7}};

enum class EdgeKind { NOTHING, WALL, JUNCTION };

template <class Label>
class NetBuilder {
   public:
    using Grid = LabelGrid<Label>;
    NetBuilder(const Grid& grid, int threads, Net& net) : grid_(grid), threads_(threads), net_(net) {}

    int run() {
        const i64 planes = grid_.cell_planes();
        cells_.resize(std::size_t(planes));
        quads_.resize(std::size_t(planes));
        first_.assign(std::size_t(planes + 1), 0);
        int status = share(planes, threads_, [&](i64 s) {
            grid_.visit_mixed(s, [&](i64 first) {
                Label v[8];
                grid_.cell(first, v);
                for (const Label label : v)
                    if (is_structure(label)) return cells_[std::size_t(s)].push_back(u32(first - s * grid_.plane()));
            });
        });
        if (status) return status;
        for (i64 s = 0; s < planes; ++s) first_[s + 1] = first_[s] + i64(cells_[s].size());
        const std::size_t count = std::size_t(first_[planes]);
        if (count >= NO_LINK) return NO_MEMORY;
        net_.centre.resize(3 * count);
        net_.moved.assign(3 * count, 0.0f);
        net_.links.resize(count);
        net_.held.assign(count, 0);
        status = share(planes, threads_, [&](i64 s) { link_plane(s); });
        if (status) return status;
        std::size_t total = 0;
        for (const auto& part : quads_) total += part.size();
        net_.quads.reserve(total);
        for (auto& part : quads_) {
            net_.quads.insert(net_.quads.end(), part.begin(), part.end());
            std::vector<Quad>().swap(part);
        }
        return OK;
    }

   private:
    static bool is_structure(Label label) { return label != 0 && label != Grid::OUTSIDE; }
    static u16 number(Label label) { return label == Grid::OUTSIDE ? OUTSIDE_LABEL : u16(label); }

    static EdgeKind kind(const Label* v, const int* side) {
        Label seen[4];
        int distinct = 0;
        bool any = false;
        for (int k = 0; k < 4; ++k) {
            const Label label = v[side[k]];
            any = any || is_structure(label);
            if (std::find(seen, seen + distinct, label) == seen + distinct) seen[distinct++] = label;
        }
        if (!any || distinct < 2) return EdgeKind::NOTHING;
        return distinct == 2 ? EdgeKind::WALL : EdgeKind::JUNCTION;
    }

    void link_plane(i64 s) {
        const auto& cells = cells_[std::size_t(s)];
        if (cells.empty()) return;
        // Cell in the plane -> vertex; only cells that have a vertex are ever looked up.
        std::vector<u32> number_in[3];
        for (int k = 0; k < 3; ++k) {
            const i64 plane = s + k - 1;
            if (plane < 0 || plane >= grid_.cell_planes()) continue;
            number_in[k].resize(std::size_t(grid_.plane()));
            u32 next = u32(first_[plane]);
            for (const u32 cell : cells_[std::size_t(plane)]) number_in[k][cell] = next++;
        }
        const i64 row = grid_.columns;
        u32 vertex = u32(first_[s]);
        Label v[8];
        for (const u32 cell : cells) {
            grid_.cell(s * grid_.plane() + cell, v);
            place(vertex, s, cell, v);
            u32 wall[6], junction[6];
            int walls = 0, junctions = 0;
            for (int side = 0; side < 6; ++side) {
                const EdgeKind what = kind(v, SIDE[side]);
                if (what == EdgeKind::NOTHING) continue;
                const i64 step = side < 2 ? 0 : side < 4 ? row : 1;
                const u32 other = number_in[side < 2 ? 2 * side : 1][cell + (side % 2 ? step : -step)];
                wall[walls++] = other;
                if (what == EdgeKind::JUNCTION) junction[junctions++] = other;
            }
            Links& links = net_.links[vertex];
            std::fill(links.to, links.to + 6, NO_LINK);
            if (junctions) std::copy(junction, junction + junctions, links.to);
            else std::copy(wall, wall + walls, links.to);

            auto& quads = quads_[std::size_t(s)];
            if (is_wall(v[0], v[4]))
                quads.push_back(quad(v[0], v[4], number_in[1][cell - row - 1], number_in[1][cell - 1],
                                     number_in[1][cell], number_in[1][cell - row]));
            if (is_wall(v[0], v[2]))
                quads.push_back(quad(v[0], v[2], number_in[0][cell - 1], number_in[0][cell],
                                     number_in[1][cell], number_in[1][cell - 1]));
            if (is_wall(v[0], v[1]))
                quads.push_back(quad(v[0], v[1], number_in[0][cell - row], number_in[1][cell - row],
                                     number_in[1][cell], number_in[0][cell]));
            ++vertex;
        }
    }

    static bool is_wall(Label a, Label b) { return a != b && (is_structure(a) || is_structure(b)); }

    // The four cells run counter-clockwise seen from the second voxel. `inner` is a structure, and
    // the lower one of two, so that all quads of one wall are wound alike.
    static Quad quad(Label first, Label second, u32 a, u32 b, u32 c, u32 d) {
        const bool forward = is_structure(first) && (!is_structure(second) || first < second);
        return forward ? Quad{{a, b, c, d}, number(first), number(second)}
                       : Quad{{a, d, c, b}, number(second), number(first)};
    }

    void place(u32 vertex, i64 s, u32 cell, const Label* v) {
        const i64 index[3] = {s, cell / grid_.columns, cell % grid_.columns};
        for (int k = 0; k < 3; ++k) net_.centre[3 * vertex + k] = float(double(index[k] + grid_.origin[k]) + 0.5);
        for (int k = 0; k < 3; ++k) {
            const bool before = v[SIDE[2 * k][0]] == Grid::OUTSIDE && v[SIDE[2 * k][1]] == Grid::OUTSIDE &&
                                v[SIDE[2 * k][2]] == Grid::OUTSIDE && v[SIDE[2 * k][3]] == Grid::OUTSIDE;
            const bool after = v[SIDE[2 * k + 1][0]] == Grid::OUTSIDE && v[SIDE[2 * k + 1][1]] == Grid::OUTSIDE &&
                               v[SIDE[2 * k + 1][2]] == Grid::OUTSIDE && v[SIDE[2 * k + 1][3]] == Grid::OUTSIDE;
            if (before || after) net_.held[vertex] |= u8(1 << k);
        }
    }

    const Grid& grid_;
    int threads_;
    Net& net_;
    std::vector<std::vector<u32>> cells_;
    std::vector<std::vector<Quad>> quads_;
    std::vector<i64> first_;
};

template <class Label>
int build(const u16* labels, const i64* shape, const u16* dense, int threads, Net& net) {
    LabelGrid<Label> grid;
    if (const int status = grid.fill(labels, shape, dense, threads)) return status;
    net.changed_voxels = WellComposer<Label>(grid).run(threads);
    return NetBuilder<Label>(grid, threads, net).run();
}

struct Point {
    double x, y, z;
};

Point minus(const Point& a, const Point& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
double dot(const Point& a, const Point& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Point cross(const Point& a, const Point& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

// Cosine between the two triangles a diagonal makes; flatter is better.
double flatness(const Point& a, const Point& b, const Point& c, const Point& d) {
    const Point m = cross(minus(b, a), minus(c, a)), n = cross(minus(c, a), minus(d, a));
    const double length = std::sqrt(dot(m, m) * dot(n, n));
    return length > 0 ? dot(m, n) / length : -1;
}

void copy(const Net& net, const double* matrix, float* vertices, u32* triangles, u16* labels, int threads) {
    const i64 count = i64(net.links.size());
    const i64 block = 1 << 15;
    share((count + block - 1) / block, threads, [&](i64 b) {
        for (i64 v = b * block; v < std::min(count, (b + 1) * block); ++v)
            for (int k = 0; k < 3; ++k) {
                double at = matrix[4 * k + 3];
                for (int j = 0; j < 3; ++j)
                    at += matrix[4 * k + j] * (double(net.centre[3 * v + j]) + double(net.moved[3 * v + j]));
                vertices[3 * v + k] = float(at);
            }
    });
    const auto point = [&](u32 v) {
        const float* p = vertices + 3 * std::size_t(v);
        return Point{p[0], p[1], p[2]};
    };
    const i64 quads = i64(net.quads.size());
    share((quads + block - 1) / block, threads, [&](i64 b) {
        for (i64 q = b * block; q < std::min(quads, (b + 1) * block); ++q) {
            const Quad& quad = net.quads[q];
            const Point p[4] = {point(quad.vertex[0]), point(quad.vertex[1]), point(quad.vertex[2]),
                                point(quad.vertex[3])};
            const double even = flatness(p[0], p[1], p[2], p[3]), odd = flatness(p[1], p[2], p[3], p[0]);
            const Point d02 = minus(p[0], p[2]), d13 = minus(p[1], p[3]);
            const bool by_odd = std::fabs(even - odd) > 1e-3 ? odd > even : dot(d13, d13) < dot(d02, d02);
            for (int k = 0; k < 2; ++k) {
                static constexpr int CORNERS[2][2][3] = {{{0, 1, 2}, {0, 2, 3}}, {{0, 1, 3}, {1, 2, 3}}};
                for (int j = 0; j < 3; ++j) triangles[6 * q + 3 * k + j] = quad.vertex[CORNERS[by_odd][k][j]];
                labels[4 * q + 2 * k] = quad.inner;
                labels[4 * q + 2 * k + 1] = quad.outer;
            }
        }
    });
}

}  // namespace

PLASTINATE_API int shared_net_open(const u16* labels, const i64* shape, const u16* dense, int label_count, int threads,
                                   void** handle, i64* result) {
    try {
        auto net = std::make_unique<Net>();
        const int status = label_count < 255 ? build<u8>(labels, shape, dense, threads, *net)
                                             : build<u16>(labels, shape, dense, threads, *net);
        if (status) return status;
        result[0] = i64(net->links.size());
        result[1] = i64(net->quads.size());
        result[2] = net->changed_voxels;
        *handle = net.release();
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

// reach: voxels a vertex may move along each axis; 0.5 keeps it between the voxels it parts.
PLASTINATE_API int shared_net_smooth(void* handle, int iterations, double pass_band, double reach, int threads) {
    try {
        Net& net = *static_cast<Net*>(handle);
        return low_pass(net.centre, net.links, net.held, iterations, pass_band, float(reach), threads, net.moved);
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

// matrix: 4x4 index -> mm, row by row. vertices (V, 3), triangles (2Q, 3), labels (2Q, 2).
PLASTINATE_API void shared_net_copy(void* handle, const double* matrix, float* vertices, u32* triangles, u16* labels,
                                    int threads) {
    copy(*static_cast<Net*>(handle), matrix, vertices, triangles, labels, threads);
}

PLASTINATE_API void shared_net_close(void* handle) { delete static_cast<Net*>(handle); }

// Triangles of each label 1..n, outward, in a row: first counts (counts[label], n + 1 long), then
// fills `corners` with vertices numbered for each label and `sources` with the net's vertex of each.
// starts[label] and vertex_starts[label] say where each label's part begins (n + 2 long).
PLASTINATE_API int shared_net_split(const u32* triangles, const u16* labels, i64 triangle_count, i64 vertex_count,
                                    int label_count, i64* starts, i64* vertex_starts, u32* corners, u32* sources) {
    try {
        std::vector<i64> cursor(std::size_t(label_count) + 2, 0);
        for (i64 t = 0; t < 2 * triangle_count; ++t)
            if (labels[t] >= 1 && labels[t] <= label_count) ++cursor[labels[t]];
        starts[0] = starts[1] = 0;
        for (int k = 1; k <= label_count; ++k) starts[k + 1] = starts[k] + cursor[k];
        std::copy(starts, starts + label_count + 2, cursor.begin());
        for (i64 t = 0; t < triangle_count; ++t)
            for (int side = 0; side < 2; ++side) {
                const u16 label = labels[2 * t + side];
                if (label < 1 || label > label_count) continue;
                u32* to = corners + 3 * cursor[label]++;
                to[0] = triangles[3 * t];
                to[1] = triangles[3 * t + 1 + side];
                to[2] = triangles[3 * t + 2 - side];
            }
        std::vector<u32> local(static_cast<std::size_t>(vertex_count)), owner(static_cast<std::size_t>(vertex_count), 0);
        i64 next = 0;
        vertex_starts[0] = vertex_starts[1] = 0;
        for (int label = 1; label <= label_count; ++label) {
            for (i64 k = 3 * starts[label]; k < 3 * starts[label + 1]; ++k) {
                const u32 v = corners[k];
                if (owner[v] != u32(label)) {
                    owner[v] = u32(label);
                    local[v] = u32(next - vertex_starts[label]);
                    sources[next++] = v;
                }
                corners[k] = local[v];
            }
            vertex_starts[label + 1] = next;
        }
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}
