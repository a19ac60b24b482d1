// Vertices + triangles in; vertices moved by a low-pass filter out.
//
// The polynomial of the windowed sinc filter is applied to the graph Laplacian
// with equal weights through its Chebyshev recurrence: Taubin, Zhang, Golub
// 1996, "Optimal surface smoothing as filter design", ECCV, section 4. The
// coefficients come from the caller; this file only knows how to walk.
//
// Neighbours are kept in one array per direction of memory order (CSR), built
// from directed edges: on a closed surface every neighbour appears once that
// way; across an open border the missing direction is added.
//
// float32 about the middle of the box: coordinates stay below half the box, so
// twenty rounds cost about 1e-4 mm at worst on a body, and twice the speed of
// doubles. A vertex is always summed by one thread in one order.
//
// Time: linear in vertices times rounds. Memory: 4 * 16 bytes a vertex + 24.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

#include "mask_bits.hpp"
#include "parallel.hpp"

namespace {

struct Neighbours {
    std::vector<uint32_t> start;  // V + 1
    std::vector<uint32_t> list;
};

// Each thread owns a range of vertices and reads every triangle: twice the
// reading, but no locks and one order.
template <class Visit>
void each_edge_from(const uint32_t* triangles, int64_t count, uint32_t first, uint32_t last, Visit visit) {
    for (int64_t t = 0; t < count; ++t) {
        const uint32_t* corner = triangles + 3 * t;
        for (int k = 0; k < 3; ++k)
            if (corner[k] >= first && corner[k] < last) visit(corner[k], corner[(k + 1) % 3], corner[(k + 2) % 3]);
    }
}

Neighbours neighbours_of(const uint32_t* triangles, int64_t triangle_count, int64_t vertex_count, int threads) {
    Neighbours made;
    std::vector<uint32_t> out(static_cast<size_t>(vertex_count), 0);
    bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
        each_edge_from(triangles, triangle_count, uint32_t(first), uint32_t(last),
                       [&](uint32_t at, uint32_t, uint32_t) { ++out[at]; });
    });
    std::vector<uint32_t> start(static_cast<size_t>(vertex_count) + 1, 0);
    // Room for both directions of each triangle corner until the pairs are known.
    for (int64_t v = 0; v < vertex_count; ++v) start[v + 1] = start[v] + 2 * out[v];
    std::vector<uint32_t> list(start.back());
    std::fill(out.begin(), out.end(), 0);
    bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
        each_edge_from(triangles, triangle_count, uint32_t(first), uint32_t(last),
                       [&](uint32_t at, uint32_t next, uint32_t before) {
                           // `next` and, for a border that lacks the other triangle, `before`.
                           uint32_t* mine = list.data() + start[at];
                           for (const uint32_t other : {next, before}) {
                               uint32_t k = 0;
                               while (k < out[at] && mine[k] != other) ++k;
                               if (k == out[at]) mine[out[at]++] = other;
                           }
                       });
    });
    made.start.assign(static_cast<size_t>(vertex_count) + 1, 0);
    for (int64_t v = 0; v < vertex_count; ++v) made.start[v + 1] = made.start[v] + out[v];
    made.list.resize(made.start.back());
    bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
        for (int64_t v = first; v < last; ++v)
            std::copy_n(list.data() + start[v], out[v], made.list.data() + made.start[v]);
    });
    return made;
}

struct Point {
    float x, y, z, unused;
};

Point mean_of(const std::vector<Point>& points, const Neighbours& near, int64_t v) {
    const uint32_t first = near.start[v], last = near.start[v + 1];
    if (first == last) return points[v];
    Point sum{0, 0, 0, 0};
    for (uint32_t k = first; k < last; ++k) {
        const Point& p = points[near.list[k]];
        sum.x += p.x, sum.y += p.y, sum.z += p.z;
    }
    const float share = 1.0f / static_cast<float>(last - first);
    return {sum.x * share, sum.y * share, sum.z * share, 0};
}

void add(Point& to, float weight, const Point& p) {
    to.x += weight * p.x, to.y += weight * p.y, to.z += weight * p.z;
}

// Six times the signed volume about `middle`, in triangle order.
double six_volumes(const float* points, const double* middle, const uint32_t* triangles, int64_t count) {
    double sum = 0;
    for (int64_t t = 0; t < count; ++t) {
        double p[3][3];
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < 3; ++k) p[corner][k] = points[3 * int64_t{triangles[3 * t + corner]} + k] - middle[k];
        sum += p[0][0] * (p[1][1] * p[2][2] - p[1][2] * p[2][1]) + p[0][1] * (p[1][2] * p[2][0] - p[1][0] * p[2][2]) +
               p[0][2] * (p[1][0] * p[2][1] - p[1][1] * p[2][0]);
    }
    return sum;
}

// Moves every vertex the same small way along its normal, so that the volume is
// again what it was: the filter's ripple costs a sphere of 10 voxels 0.5 %.
// The normal is the volume's own gradient (the sum of the area vectors around),
// so one step is exact to first order. NaN wants the volume of `original`.
void restore_volume(const float* original, double six_wanted, float* points, const double* middle, int64_t vertex_count,
                    const uint32_t* triangles, int64_t count, int threads) {
    std::vector<double> normals(static_cast<size_t>(3 * vertex_count), 0.0);
    double length_sum = 0;
    for (int64_t t = 0; t < count; ++t) {
        const float* a = points + 3 * int64_t{triangles[3 * t]};
        const float* b = points + 3 * int64_t{triangles[3 * t + 1]};
        const float* c = points + 3 * int64_t{triangles[3 * t + 2]};
        const double u[3] = {double(b[0]) - a[0], double(b[1]) - a[1], double(b[2]) - a[2]};
        const double v[3] = {double(c[0]) - a[0], double(c[1]) - a[1], double(c[2]) - a[2]};
        const double area[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
        length_sum += std::sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < 3; ++k) normals[3 * size_t{triangles[3 * t + corner]} + k] += area[k];
    }
    double weight = 0;
    for (int64_t v = 0; v < vertex_count; ++v) {
        double* n = normals.data() + 3 * v;
        const double length = std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
        weight += length;
        for (int k = 0; k < 3; ++k) n[k] = length > 0 ? n[k] / length : 0.0;
    }
    if (!(weight > 0) || count == 0) return;
    if (std::isnan(six_wanted)) six_wanted = six_volumes(original, middle, triangles, count);
    const double lost = six_wanted - six_volumes(points, middle, triangles, count);
    // A tenth of an edge: where more is missing, something other than the filter's ripple took it.
    const double longest = 0.1 * length_sum / static_cast<double>(count);
    const double step = std::max(-longest, std::min(longest, lost / weight));
    bits::in_parts(3 * vertex_count, threads, [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) points[k] = static_cast<float>(points[k] + step * normals[k]);
    });
}

}  // namespace

// coefficients: order + 1 Chebyshev weights that add up to 1. longest_shift: 0 for no limit.
// volume_wanted: NaN for the surface's own.
PLASTINATE_API int windowed_sinc(const float* vertices, int64_t vertex_count, const uint32_t* triangles,
                                 int64_t triangle_count, const double* coefficients, int order, double longest_shift,
                                 int keeps_volume, double volume_wanted, int threads, float* out) {
    try {
        if (vertex_count < 1 || vertex_count > 0xffffffffLL || triangle_count > 0x55555555LL / 2 || order < 1)
            return plastinate::BAD_ARGUMENT;
        const Neighbours near = neighbours_of(triangles, triangle_count, vertex_count, threads);
        double middle[3];
        for (int k = 0; k < 3; ++k) {
            float low = vertices[k], high = vertices[k];
            for (int64_t v = 1; v < vertex_count; ++v) {
                low = std::min(low, vertices[3 * v + k]);
                high = std::max(high, vertices[3 * v + k]);
            }
            middle[k] = 0.5 * (static_cast<double>(low) + high);
        }
        std::vector<Point> before(static_cast<size_t>(vertex_count)), now(before.size()), sum(before.size());
        bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
            for (int64_t v = first; v < last; ++v)
                before[v] = {static_cast<float>(vertices[3 * v] - middle[0]),
                             static_cast<float>(vertices[3 * v + 1] - middle[1]),
                             static_cast<float>(vertices[3 * v + 2] - middle[2]), 0};
        });
        bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
            for (int64_t v = first; v < last; ++v) {
                const Point mean = mean_of(before, near, v), &p = before[v];
                now[v] = {0.5f * (p.x + mean.x), 0.5f * (p.y + mean.y), 0.5f * (p.z + mean.z), 0};
                sum[v] = {0, 0, 0, 0};
                add(sum[v], static_cast<float>(coefficients[0]), p);
                add(sum[v], static_cast<float>(coefficients[1]), now[v]);
            }
        });
        for (int n = 2; n <= order; ++n) {
            const float weight = static_cast<float>(coefficients[n]);
            bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
                for (int64_t v = first; v < last; ++v) {
                    const Point mean = mean_of(now, near, v), &p = now[v];
                    Point& next = before[v];
                    next = {p.x + mean.x - next.x, p.y + mean.y - next.y, p.z + mean.z - next.z, 0};
                    add(sum[v], weight, next);
                }
            });
            std::swap(before, now);
        }
        bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
            for (int64_t v = first; v < last; ++v) {
                out[3 * v] = static_cast<float>(sum[v].x + middle[0]);
                out[3 * v + 1] = static_cast<float>(sum[v].y + middle[1]);
                out[3 * v + 2] = static_cast<float>(sum[v].z + middle[2]);
            }
        });
        if (keeps_volume) restore_volume(vertices, 6 * volume_wanted, out, middle, vertex_count, triangles, triangle_count, threads);
        if (!(longest_shift > 0)) return plastinate::OK;
        bits::in_parts(vertex_count, threads, [&](int64_t first, int64_t last) {
            for (int64_t v = first; v < last; ++v) {
                double shift[3];
                for (int k = 0; k < 3; ++k) shift[k] = double(out[3 * v + k]) - vertices[3 * v + k];
                const double length = std::sqrt(shift[0] * shift[0] + shift[1] * shift[1] + shift[2] * shift[2]);
                const double keep = length > longest_shift ? longest_shift / length : 1.0;
                for (int k = 0; k < 3; ++k)
                    out[3 * v + k] = static_cast<float>(vertices[3 * v + k] + keep * shift[k]);
            }
        });
        return plastinate::OK;
    } catch (...) {
        return plastinate::NO_MEMORY;
    }
}
