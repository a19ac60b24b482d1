// A mesh and the mask it came from in; how far apart they are, and how thick the mesh is, out.
//
// Mesh side: a tree of boxes, walked nearest-first, gives the exact distance from
// a point to the nearest triangle and the first wall a ray meets.
// Mask side: the boundary of a mask is the surface half-way between the centres
// of voxels inside and voxels outside (the marching-cubes cells of
// cell_cases.hpp with every vertex in the middle of its edge). It is never
// built: around a point the few cells that could hold the nearest part are
// read off the mask's bits, shell by shell, until no farther shell can win.
//
// Points to triangles: the region of the triangle's plane a point projects to
// decides (Ericson 2005, "Real-Time Collision Detection", section 5.1.5). Rays:
// Moeller & Trumbore 1997, "Fast, minimum storage ray-triangle intersection".
// Time: about log n a point. Memory: the tree; 1 bit a voxel of the mask's box.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "cell_cases.hpp"
#include "mask_bits.hpp"
#include "parallel.hpp"
#include "triangle_tree.hpp"

namespace {

using Vector = std::array<double, 3>;

constexpr double FAR = std::numeric_limits<double>::infinity();
constexpr int64_t BATCH = 1024;   // points
constexpr int64_t SHELLS = 6;     // beyond, the whole boundary is put into a tree

Vector minus(const Vector& a, const Vector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector cross(const Vector& a, const Vector& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vector read(const float* p) { return {p[0], p[1], p[2]}; }

double squared_to_segment(const Vector& p, const Vector& a, const Vector& b) {
    const Vector along = minus(b, a), to = minus(p, a);
    const double length = dot(along, along);
    const double share = length > 0 ? std::max(0.0, std::min(1.0, dot(to, along) / length)) : 0.0;
    const Vector gap = {to[0] - share * along[0], to[1] - share * along[1], to[2] - share * along[2]};
    return dot(gap, gap);
}

double squared_to_triangle(const Vector& p, const Vector& a, const Vector& b, const Vector& c) {
    const Vector ab = minus(b, a), ac = minus(c, a), ap = minus(p, a);
    const Vector normal = cross(ab, ac);
    const double size = dot(normal, normal);
    if (size > 0) {
        const Vector around = cross(ap, normal);
        // Barycentric weights of the foot of the perpendicular, times `size`.
        const double v = -dot(around, ac), w = dot(around, ab);
        if (v >= 0 && w >= 0 && v + w <= size) {
            const double height = dot(ap, normal);
            return height * height / size;
        }
    }
    return std::min({squared_to_segment(p, a, b), squared_to_segment(p, b, c), squared_to_segment(p, c, a)});
}

double squared_to(const tree::Mesh& mesh, int64_t triangle, const Vector& p) {
    return squared_to_triangle(p, read(mesh.corner(triangle, 0)), read(mesh.corner(triangle, 1)),
                               read(mesh.corner(triangle, 2)));
}

// hint: a triangle that may be near, which makes the walk short; it never changes the answer.
double squared_nearest(const tree::Tree& boxes, const Vector& p, int64_t& hint) {
    double best = hint >= 0 ? squared_to(boxes.mesh(), hint, p) : FAR;
    boxes.each_triangle_within(
        best, [&](const tree::Box& box) { return box.squared_distance(p.data()); },
        [&](uint32_t triangle) {
            // Its own box first: most of a leaf is farther than the best already known.
            if (boxes.mesh().box(triangle).squared_distance(p.data()) >= best) return;
            const double squared = squared_to(boxes.mesh(), triangle, p);
            if (squared < best) best = squared, hint = triangle;
        });
    return best;
}

struct Wall {
    double way = FAR;
    double cosine = 0;  // between the ray and the wall's outward normal
};

// The nearest triangle on the ray that is left through its outer side, other than `own`.
Wall opposite_wall(const tree::Tree& boxes, const Vector& from, const Vector& direction, uint32_t own) {
    Wall wall;
    const Vector inverse = {1 / direction[0], 1 / direction[1], 1 / direction[2]};
    const auto near = [&](const tree::Box& box) {
        double enter = 0, leave = FAR;
        for (int k = 0; k < 3; ++k) {
            if (direction[k] == 0) {
                if (from[k] < box.low[k] || from[k] > box.high[k]) return FAR;
                continue;
            }
            const double a = (box.low[k] - from[k]) * inverse[k], b = (box.high[k] - from[k]) * inverse[k];
            enter = std::max(enter, std::min(a, b));
            leave = std::min(leave, std::max(a, b));
        }
        return enter <= leave ? enter : FAR;
    };
    boxes.each_triangle_within(wall.way, near, [&](uint32_t triangle) {
        if (triangle == own) return;
        const Vector a = read(boxes.mesh().corner(triangle, 0));
        const Vector ab = minus(read(boxes.mesh().corner(triangle, 1)), a);
        const Vector ac = minus(read(boxes.mesh().corner(triangle, 2)), a);
        const Vector normal = cross(ab, ac);
        const double facing = dot(normal, direction);
        if (facing <= 0) return;
        const Vector to = minus(a, from);
        const double way = dot(to, normal) / facing;
        if (way < 0 || way > wall.way) return;
        const Vector at = {direction[0] * way - to[0], direction[1] * way - to[1], direction[2] * way - to[2]};
        const Vector around = cross(at, normal);
        const double size = dot(normal, normal), v = -dot(around, ac), w = dot(around, ab);
        if (v < 0 || w < 0 || v + w > size) return;
        const double cosine = facing / std::sqrt(size);
        if (way == wall.way && cosine <= wall.cosine) return;  // on a common side: the squarer one
        wall.way = way;
        wall.cosine = cosine;
    });
    return wall;
}

struct Boundary {
    bits::Grid grid;
    Vector spacing;
    // The whole boundary as triangles, made only if some point lies far from it.
    std::vector<float> corners;
    std::vector<uint32_t> numbers;
    std::unique_ptr<tree::Tree> boxes;
};

int case_of(const bits::Grid& grid, int64_t s, int64_t r, int64_t c) {
    int inside = 0;
    for (int k = 0; k < 8; ++k)
        inside |= int{grid.inside(s + (k >> 2 & 1), r + (k >> 1 & 1), c + (k & 1))} << k;
    return inside;
}

Vector middle_of_edge(const Boundary& boundary, int64_t s, int64_t r, int64_t c, int edge) {
    const auto middle = cells::edge_middle(edge);
    // Minus one: the grid is padded.
    return {(s + middle[0] - 1) * boundary.spacing[0], (r + middle[1] - 1) * boundary.spacing[1],
            (c + middle[2] - 1) * boundary.spacing[2]};
}

double squared_in_cell(const Boundary& boundary, int64_t s, int64_t r, int64_t c, const Vector& p, double best) {
    const int inside = case_of(boundary.grid, s, r, c);
    if (inside == 0 || inside == 255) return best;
    const cells::Case& shape = cells::table()[inside];
    for (int t = 0; t < shape.triangles; ++t) {
        const uint8_t* edge = shape.edges + 3 * t;
        best = std::min(best, squared_to_triangle(p, middle_of_edge(boundary, s, r, c, edge[0]),
                                                  middle_of_edge(boundary, s, r, c, edge[1]),
                                                  middle_of_edge(boundary, s, r, c, edge[2])));
    }
    return best;
}

// p in the unit of the spacing, from the centre of the box's first voxel. Infinity
// if nothing within SHELLS cells can be the answer for certain.
double squared_to_boundary(const Boundary& boundary, const Vector& p) {
    const int64_t top[3] = {boundary.grid.slices, boundary.grid.rows, boundary.grid.columns};  // last cell
    int64_t cell[3];
    double share[3];
    for (int k = 0; k < 3; ++k) {
        const double at = p[k] / boundary.spacing[k] + 1;
        if (!(at > -1e9 && at < 1e9)) return FAR;
        cell[k] = static_cast<int64_t>(std::floor(at));
        share[k] = at - std::floor(at);
    }
    double best = FAR;
    for (int64_t shell = 0; shell <= SHELLS; ++shell) {
        if (shell > 0) {
            double closest = FAR;  // that anything in this shell or beyond can be
            for (int k = 0; k < 3; ++k)
                closest = std::min(closest, (static_cast<double>(shell) - 1 + std::min(share[k], 1 - share[k])) *
                                                boundary.spacing[k]);
            if (best <= closest * closest) return best;
        }
        for (int64_t s = std::max<int64_t>(0, cell[0] - shell); s <= std::min(top[0], cell[0] + shell); ++s)
            for (int64_t r = std::max<int64_t>(0, cell[1] - shell); r <= std::min(top[1], cell[1] + shell); ++r) {
                const bool is_wall = std::abs(s - cell[0]) == shell || std::abs(r - cell[1]) == shell;
                const int64_t step = is_wall || shell == 0 ? 1 : 2 * shell;
                for (int64_t c = cell[2] - shell; c <= cell[2] + shell; c += step)
                    if (c >= 0 && c <= top[2]) best = squared_in_cell(boundary, s, r, c, p, best);
            }
    }
    double closest = FAR;
    for (int k = 0; k < 3; ++k)
        closest = std::min(closest,
                           (static_cast<double>(SHELLS) + std::min(share[k], 1 - share[k])) * boundary.spacing[k]);
    return best <= closest * closest ? best : FAR;
}

void build_whole(Boundary& boundary, int threads) {
    if (boundary.boxes) return;
    const bits::Grid& grid = boundary.grid;
    for (int64_t s = 0; s <= grid.slices; ++s)
        for (int64_t r = 0; r <= grid.rows; ++r)
            for (int64_t c = 0; c <= grid.columns; ++c) {
                const cells::Case& shape = cells::table()[case_of(grid, s, r, c)];
                for (int k = 0; k < 3 * shape.triangles; ++k) {
                    const Vector at = middle_of_edge(boundary, s, r, c, shape.edges[k]);
                    for (const double x : at) boundary.corners.push_back(static_cast<float>(x));
                }
            }
    boundary.numbers.resize(boundary.corners.size() / 3);
    for (size_t k = 0; k < boundary.numbers.size(); ++k) boundary.numbers[k] = static_cast<uint32_t>(k);
    boundary.boxes = std::make_unique<tree::Tree>(
        tree::Mesh{boundary.corners.data(), boundary.numbers.data(), static_cast<int64_t>(boundary.numbers.size() / 3)},
        threads);
}

template <class Each>
int each_point(int64_t count, int threads, Each each) {
    return plastinate::share((count + BATCH - 1) / BATCH, threads, [&](int64_t batch) {
        int64_t hint = -1;
        for (int64_t k = batch * BATCH; k < std::min(count, (batch + 1) * BATCH); ++k) each(k, hint);
    });
}

Vector read(const double* p) { return {p[0], p[1], p[2]}; }

double fraction(double x) { return x - std::floor(x); }

}  // namespace

// The arrays must outlive the tree. Null when out of memory.
PLASTINATE_API void* mesh_tree_make(const float* vertices, const uint32_t* triangles, int64_t count, int threads) {
    try {
        return new tree::Tree(tree::Mesh{vertices, triangles, count}, threads);
    } catch (...) {
        return nullptr;
    }
}

PLASTINATE_API void mesh_tree_free(void* handle) { delete static_cast<tree::Tree*>(handle); }

PLASTINATE_API int mesh_tree_nearest(const void* handle, const double* points, int64_t count, int threads,
                                     double* distance) {
    const auto& boxes = *static_cast<const tree::Tree*>(handle);
    return each_point(count, threads, [&](int64_t k, int64_t& hint) {
        distance[k] = std::sqrt(squared_nearest(boxes, read(points + 3 * k), hint));
    });
}

// From points on the mesh straight in: the way to the opposite wall, and how squarely it stands.
PLASTINATE_API int mesh_tree_walls(const void* handle, const double* points, const int64_t* own, int64_t count,
                                   int threads, double* way, double* cosine) {
    const auto& boxes = *static_cast<const tree::Tree*>(handle);
    return each_point(count, threads, [&](int64_t k, int64_t&) {
        way[k] = FAR;
        cosine[k] = 0;
        const Vector a = read(boxes.mesh().corner(own[k], 0));
        Vector inward = cross(minus(read(boxes.mesh().corner(own[k], 2)), a),
                              minus(read(boxes.mesh().corner(own[k], 1)), a));
        const double length = std::sqrt(dot(inward, inward));
        if (!(length > 0)) return;
        for (double& x : inward) x /= length;
        const Wall wall = opposite_wall(boxes, read(points + 3 * k), inward, static_cast<uint32_t>(own[k]));
        way[k] = wall.way;
        cosine[k] = wall.cosine;
    });
}

// `wanted` points spread over the mesh by area: equal steps along the running sum of areas, and
// within a triangle the R2 sequence (Roberts 2018), which leaves no clumps. Returns the points made.
PLASTINATE_API int64_t mesh_samples(const float* vertices, const uint32_t* triangles, int64_t count, int64_t wanted,
                                    double* points, int64_t* own) {
    const tree::Mesh mesh{vertices, triangles, count};
    const auto area = [&](int64_t t) {
        const Vector a = read(mesh.corner(t, 0));
        const Vector n = cross(minus(read(mesh.corner(t, 1)), a), minus(read(mesh.corner(t, 2)), a));
        return 0.5 * std::sqrt(dot(n, n));
    };
    double total = 0;
    for (int64_t t = 0; t < count; ++t) total += area(t);
    if (!(total > 0)) return 0;
    double passed = 0;
    int64_t made = 0;
    for (int64_t t = 0; t < count && made < wanted; ++t) {
        passed += area(t);
        const Vector a = read(mesh.corner(t, 0)), b = read(mesh.corner(t, 1)), c = read(mesh.corner(t, 2));
        while (made < wanted && (static_cast<double>(made) + 0.5) * total / static_cast<double>(wanted) <= passed) {
            double u = fraction(static_cast<double>(made) * 0.7548776662466927);
            double v = fraction(static_cast<double>(made) * 0.5698402909980532);
            if (u + v > 1) u = 1 - u, v = 1 - v;
            for (int k = 0; k < 3; ++k) points[3 * made + k] = a[k] + u * (b[k] - a[k]) + v * (c[k] - a[k]);
            own[made++] = t;
        }
    }
    return made;
}

// mask: first voxel of the box. counts: voxels set, pairs of 6-neighbours the boundary parts.
PLASTINATE_API void* boundary_make(const uint8_t* mask, const int64_t* shape, const int64_t* stride,
                                   const double* spacing, int threads, int64_t* counts) {
    try {
        auto boundary = std::make_unique<Boundary>();
        boundary->grid = bits::pack(mask, shape[0], shape[1], shape[2], stride[0], stride[1], threads);
        boundary->spacing = {spacing[0], spacing[1], spacing[2]};
        counts[0] = counts[1] = 0;
        const bits::Grid& grid = boundary->grid;
        for (int64_t s = 0; s <= grid.slices; ++s)
            for (int64_t r = 0; r <= grid.rows; ++r)
                for (int64_t w = 0; w < grid.words; ++w) {
                    const uint64_t here = grid.row(s, r)[w];
                    counts[0] += bits::count(here);
                    counts[1] += bits::count(here ^ bits::ahead(grid.row(s, r), w, grid.words)) +
                                 bits::count(here ^ grid.row(s, r + 1)[w]) + bits::count(here ^ grid.row(s + 1, r)[w]);
                }
        return boundary.release();
    } catch (...) {
        return nullptr;
    }
}

PLASTINATE_API void boundary_free(void* handle) { delete static_cast<Boundary*>(handle); }

// Every `step`-th middle between a voxel inside and a 6-neighbour outside, in raster order, as
// (slice, row, column) index within the box. `most` is the room in `points`; returns how many.
PLASTINATE_API int64_t boundary_samples(const void* handle, int64_t step, int64_t most, double* points) {
    const bits::Grid& grid = static_cast<const Boundary*>(handle)->grid;
    int64_t seen = 0, made = 0;
    for (int64_t s = 0; s <= grid.slices; ++s)
        for (int64_t r = 0; r <= grid.rows; ++r)
            for (int64_t w = 0; w < grid.words; ++w) {
                const uint64_t here = grid.row(s, r)[w];
                const uint64_t cut[3] = {here ^ grid.row(s + 1, r)[w], here ^ grid.row(s, r + 1)[w],
                                         here ^ bits::ahead(grid.row(s, r), w, grid.words)};
                for (int axis = 0; axis < 3; ++axis)
                    for (uint64_t left = cut[axis]; left; left &= left - 1) {
                        if (seen++ % step || made == most) continue;
                        double* to = points + 3 * made++;
                        to[0] = static_cast<double>(s - 1);
                        to[1] = static_cast<double>(r - 1);
                        to[2] = static_cast<double>(w * 64 + __builtin_ctzll(left) - 1);
                        to[axis] += 0.5;
                    }
            }
    return made;
}

// points: (slice, row, column) times spacing, from the centre of the box's first voxel.
PLASTINATE_API int boundary_nearest(void* handle, const double* points, int64_t count, int threads, double* distance) {
    auto& boundary = *static_cast<Boundary*>(handle);
    cells::table();
    const int status = each_point(count, threads, [&](int64_t k, int64_t&) {
        distance[k] = std::sqrt(squared_to_boundary(boundary, read(points + 3 * k)));
    });
    if (status != plastinate::OK) return status;
    std::vector<int64_t> far;
    try {
        for (int64_t k = 0; k < count; ++k)
            if (distance[k] == FAR) far.push_back(k);
        if (far.empty()) return plastinate::OK;
        build_whole(boundary, threads);
    } catch (...) {
        return plastinate::NO_MEMORY;
    }
    return each_point(static_cast<int64_t>(far.size()), threads, [&](int64_t k, int64_t& hint) {
        distance[far[k]] = std::sqrt(squared_nearest(*boundary.boxes, read(points + 3 * far[k]), hint));
    });
}
