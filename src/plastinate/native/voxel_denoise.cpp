// Filters that keep edges: a grey volume goes in, one of the same grid comes out.
//
// Curvature diffusion: df/dt = |grad f| div(c(|grad f|) grad f / |grad f|), the
// modified curvature equation (Whitaker & Xue, "Variable-conductance, level-set
// curvature for image denoising", ICIP 2001), explicit in time; the conductance
// is c(g) = 1 / (1 + (g/K)^2) (Perona & Malik, PAMI 12, 1990, section V), which
// needs no exponential. A level set moves by its own curvature, slower where it
// is an edge; it never sharpens.
//
// Non-local means: each voxel becomes a mean of the voxels around it, weighted by
// how alike their 3x3x3 patches are (Buades, Coll, Morel, CVPR 2005), with the
// weight (1 - D/h^2)^2 below h^2 and 0 above (a bisquare; Goossens et al., LNLA
// 2008), which needs no exponential either. For each shift the squared difference
// of the whole slab is made once and summed over patches by running sums, so the
// cost is O(voxels * shifts) and does not grow with the patch.
//
// Both work on slabs with a halo as deep as their reach, so there are no float
// volumes, and the slabs do not show in the result. Unmeasured voxels (-32768,
// NaN) stay, and their neighbours take their own value in their place.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "parallel.hpp"

using namespace plastinate;
using std::int16_t;
using std::int64_t;
using std::uint8_t;

namespace {

constexpr int64_t SLAB = 16;

inline bool is_measured(int16_t value) { return value != -32768; }
inline bool is_measured(float value) { return value == value; }
inline int16_t rounded(float value, int16_t) { return int16_t(std::lrintf(std::min(32767.0f, std::max(-32767.0f, value)))); }
inline float rounded(float value, float) { return value; }

// c(g) * df / g at the face between p and p + along: g from the face's own slope and the mean slopes across it.
inline float flux(const float* p, int64_t along, float own, int64_t across_a, float step_a, int64_t across_b, float step_b, float flatness) {
    const float d = (p[along] - p[0]) * own;
    const float a = (p[across_a] - p[-across_a] + p[along + across_a] - p[along - across_a]) * (0.25f * step_a);
    const float b = (p[across_b] - p[-across_b] + p[along + across_b] - p[along - across_b]) * (0.25f * step_b);
    const float square = d * d + a * a + b * b + 1e-12f;
    return d / (std::sqrt(square) * (1.0f + square * flatness));
}

// Everything by value or __restrict, or the compiler must assume that a store changes what it holds in registers.
void fluxes(const float* __restrict p, float* __restrict to, int64_t first, int64_t last, int64_t along, float own,
            int64_t across_a, float step_a, int64_t across_b, float step_b, float flatness) {
    for (int64_t c = first; c <= last; ++c) to[c] = flux(p + c, along, own, across_a, step_a, across_b, step_b, flatness);
}

// Squared slope on the side the level set comes from, as for any that moves (Osher & Sethian 1988).
inline float rise(float low, float here, float high, float per_step, float sign) {
    const float up = (high - here) * per_step * sign, down = (low - here) * per_step * sign;
    const float u = up > 0 ? up : 0.0f, d = down > 0 ? down : 0.0f;
    return u * u + d * d;
}

void move_row(const float* __restrict p, float* __restrict to, float* __restrict over, float* __restrict above,
              const float* __restrict side, int64_t columns, int64_t plane, int64_t row, float slice_step,
              float row_step, float column_step, float flatness, float time_step) {
    for (int64_t c = 1; c <= columns; ++c) {
        const float* q = p + c;
        const float next = flux(q, plane, slice_step, row, row_step, 1, column_step, flatness);
        const float below = flux(q, row, row_step, plane, slice_step, 1, column_step, flatness);
        const float speed = (next - over[c]) * slice_step + (below - above[c]) * row_step + (side[c] - side[c - 1]) * column_step;
        over[c] = next;
        above[c] = below;
        const float sign = std::copysign(1.0f, speed);
        const float square = rise(q[-plane], q[0], q[plane], slice_step, sign) +
                             rise(q[-row], q[0], q[row], row_step, sign) + rise(q[-1], q[0], q[1], column_step, sign);
        to[c] = q[0] + time_step * speed * std::sqrt(square);
    }
}

// Explicit steps of the curvature equation on planes 1 .. count of a block padded by one voxel on every side.
struct Diffusion {
    int64_t rows, columns, row, plane;
    float inverse[3];     // 1 / spacing
    float flatness;       // 1 / K^2
    float time_step;

    void repeat_edges(float* f, int64_t count) const {
        for (int64_t s = 1; s <= count; ++s) {
            for (int64_t r = 1; r <= rows; ++r) {
                float* line = f + s * plane + r * row;
                line[0] = line[1];
                line[columns + 1] = line[columns];
            }
            std::memcpy(f + s * plane, f + s * plane + row, row * sizeof(float));
            std::memcpy(f + s * plane + (rows + 1) * row, f + s * plane + rows * row, row * sizeof(float));
        }
        std::memcpy(f, f + plane, plane * sizeof(float));
        std::memcpy(f + (count + 1) * plane, f + count * plane, plane * sizeof(float));
    }

    // `before` holds the fluxes out of the plane before, a plane of them; `above` those out of the row above.
    void step(const float* f, float* out, int64_t count, std::vector<float>& before, std::vector<float>& above,
              std::vector<float>& side) const {
        for (int64_t s = 0; s <= count; ++s)
            for (int64_t r = 1; r <= rows; ++r) {
                const float* p = f + s * plane + r * row;
                float* over = before.data() + r * row;
                if (s == 0) {
                    fluxes(p, over, 1, columns, plane, inverse[0], row, inverse[1], 1, inverse[2], flatness);
                    continue;
                }
                if (r == 1) fluxes(p - row, above.data(), 1, columns, row, inverse[1], plane, inverse[0], 1, inverse[2], flatness);
                fluxes(p, side.data(), 0, columns, 1, inverse[2], plane, inverse[0], row, inverse[1], flatness);
                move_row(p, out + s * plane + r * row, over, above.data(), side.data(), columns, plane, row,
                         inverse[0], inverse[1], inverse[2], flatness, time_step);
            }
    }
};

// Unmeasured voxels beside measured ones take the mean of those, so that no false edge is seen there. The others
// are read by nobody who is measured.
struct Gaps {
    std::vector<int64_t> rim;
    std::vector<uint8_t> known;
    int64_t steps[26];

    void find(const Diffusion& grid, int64_t count) {
        int n = 0;
        for (int64_t s = -1; s <= 1; ++s)
            for (int64_t r = -1; r <= 1; ++r)
                for (int64_t c = -1; c <= 1; ++c)
                    if (s || r || c) steps[n++] = s * grid.plane + r * grid.row + c;
        for (int64_t s = 1; s <= count; ++s)
            for (int64_t r = 1; r <= grid.rows; ++r)
                for (int64_t c = 1; c <= grid.columns; ++c) {
                    const int64_t here = s * grid.plane + r * grid.row + c;
                    if (known[here]) continue;
                    for (int64_t step : steps)
                        if (known[here + step]) {
                            rim.push_back(here);
                            break;
                        }
                }
    }

    void fill(std::vector<float>& f) const {
        for (int64_t here : rim) {
            float sum = 0, weight = 0;
            for (int64_t step : steps)
                if (known[here + step]) {
                    sum += f[here + step];
                    weight += 1;
                }
            f[here] = sum / weight;
        }
    }
};

template <class T>
int diffuse(const T* in, const int64_t* shape, const double* spacing, double edge, double time_step, int64_t iterations, int threads, T* out) {
    const int64_t slices = shape[0], rows = shape[1], columns = shape[2];
    const int64_t slab = std::max<int64_t>(32, 4 * iterations);
    // A step reaches one voxel, and one more where it reads a filled gap.
    const int64_t halo = 2 * iterations;
    return share((slices + slab - 1) / slab, threads, [&](int64_t part) {
        const int64_t begin = part * slab, end = std::min(slices, begin + slab);
        const int64_t low = std::max<int64_t>(0, begin - halo), high = std::min(slices, end + halo), count = high - low;
        Diffusion grid{rows, columns, columns + 2, (columns + 2) * (rows + 2),
                       {float(1 / spacing[0]), float(1 / spacing[1]), float(1 / spacing[2])},
                       float(1 / (edge * edge)), float(time_step)};
        std::vector<float> now((count + 2) * grid.plane, 0.0f), before(grid.plane), above(grid.row), side(grid.row);
        Gaps gaps;
        gaps.known.assign(now.size(), 0);
        for (int64_t s = 0; s < count; ++s)
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t c = 0; c < columns; ++c) {
                    const T value = in[((low + s) * rows + r) * columns + c];
                    const int64_t here = (s + 1) * grid.plane + (r + 1) * grid.row + c + 1;
                    gaps.known[here] = is_measured(value);
                    now[here] = is_measured(value) ? float(value) : 0.0f;
                }
        gaps.find(grid, count);
        std::vector<float> next(now.size(), 0.0f);
        for (int64_t i = 0; i < iterations; ++i) {
            gaps.fill(now);
            grid.repeat_edges(now.data(), count);
            grid.step(now.data(), next.data(), count, before, above, side);
            now.swap(next);
        }
        for (int64_t s = begin; s < end; ++s)
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t c = 0; c < columns; ++c) {
                    const int64_t here = (s * rows + r) * columns + c;
                    const float value = now[(s - low + 1) * grid.plane + (r + 1) * grid.row + c + 1];
                    out[here] = is_measured(in[here]) ? rounded(value, T()) : in[here];
                }
    });
}

// Sum over 3 neighbours along one axis of a padded block: to[i] = from[i - stride] + from[i] + from[i + stride].
void sum_three(const float* __restrict from, float* __restrict to, int64_t begin, int64_t end, int64_t stride) {
    for (int64_t i = begin; i < end; ++i) to[i] = from[i - stride] + from[i] + from[i + stride];
}

void squares(const float* __restrict a, const float* __restrict b, float* __restrict to, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] = (a[i] - b[i]) * (a[i] - b[i]);
}

void add_alike(const float* __restrict x, const float* __restrict y, const float* __restrict z, const float* __restrict other,
               const float* __restrict known, float* __restrict total, float* __restrict weight, int64_t n, float limit) {
    for (int64_t i = 0; i < n; ++i) {
        const float alike = 1.0f - (x[i] + y[i] + z[i]) * limit;
        const float clipped = alike > 0 ? alike : 0.0f, w = clipped * clipped * known[i];
        total[i] += w * other[i];
        weight[i] += w;
    }
}

template <class T>
int non_local(const T* in, const int64_t* shape, double strength, int64_t search, int threads, T* out) {
    const int64_t slices = shape[0], rows = shape[1], columns = shape[2];
    const int64_t pad = search + 1, row = columns + 2 * pad, plane = row * (rows + 2 * pad);
    const float limit = float(1 / (27 * strength * strength));  // patch sums run over 27 voxels
    return share((slices + SLAB - 1) / SLAB, threads, [&](int64_t part) {
        const int64_t begin = part * SLAB, end = std::min(slices, begin + SLAB), depth = end - begin + 2 * pad;
        std::vector<float> padded(depth * plane + 2 * row), known(depth * plane), first(3 * plane), second(plane), third(plane);
        float* value = padded.data() + row;  // shifts reach a little past the first and the last plane
        for (int64_t s = 0; s < depth; ++s)
            for (int64_t r = 0; r < rows + 2 * pad; ++r)
                for (int64_t c = 0; c < row; ++c) {
                    const int64_t t = begin - pad + s, q = r - pad, x = c - pad, here = s * plane + r * row + c;
                    const int64_t t1 = std::min(slices - 1, std::max<int64_t>(0, t)), q1 = std::min(rows - 1, std::max<int64_t>(0, q)),
                                  x1 = std::min(columns - 1, std::max<int64_t>(0, x));
                    const T v = in[(t1 * rows + q1) * columns + x1];
                    value[here] = is_measured(v) ? float(v) : 0.0f;
                    known[here] = is_measured(v) && t == t1 && q == q1 && x == x1 ? 1.0f : 0.0f;
                }
        std::vector<float> sum((end - begin) * plane, 0.0f), weight((end - begin) * plane, 0.0f);
        for (int64_t ds = -search; ds <= search; ++ds)
            for (int64_t dr = -search; dr <= search; ++dr)
                for (int64_t dc = -search; dc <= search; ++dc) {
                    const int64_t shift = ds * plane + dr * row + dc;
                    auto difference = [&](int64_t s) {  // of one plane, summed over 3x3, into its place in the ring
                        const float *a = value + s * plane, *b = a + shift;
                        const int64_t from = pad * row - row;
                        squares(a + from, b + from, third.data() + from, plane - 2 * from);
                        float* ring = first.data() + (s % 3) * plane;
                        sum_three(third.data(), second.data(), pad * row - row + 1, plane - pad * row + row - 1, 1);
                        sum_three(second.data(), ring, pad * row, plane - pad * row, row);
                    };
                    difference(pad - 1);
                    difference(pad);
                    for (int64_t s = pad; s < depth - pad; ++s) {
                        difference(s + 1);
                        const int64_t from = pad * row, size = plane - 2 * from;
                        add_alike(first.data() + from, first.data() + plane + from, first.data() + 2 * plane + from,
                                  value + s * plane + shift + from, known.data() + s * plane + shift + from,
                                  sum.data() + (s - pad) * plane + from, weight.data() + (s - pad) * plane + from, size, limit);
                    }
                }
        for (int64_t s = begin; s < end; ++s)
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t c = 0; c < columns; ++c) {
                    const int64_t here = (s * rows + r) * columns + c, there = (s - begin) * plane + (r + pad) * row + c + pad;
                    out[here] = is_measured(in[here]) && weight[there] > 0 ? rounded(sum[there] / weight[there], T()) : in[here];
                }
    });
}

}  // namespace

// spacing and time_step in one unit, edge in values per that unit.
PLASTINATE_API int diffuse_int16(const int16_t* in, const int64_t* shape, const double* spacing, double edge, double time_step,
                                 int64_t iterations, int threads, int16_t* out) {
    return diffuse(in, shape, spacing, edge, time_step, iterations, threads, out);
}
PLASTINATE_API int diffuse_float32(const float* in, const int64_t* shape, const double* spacing, double edge, double time_step,
                                   int64_t iterations, int threads, float* out) {
    return diffuse(in, shape, spacing, edge, time_step, iterations, threads, out);
}
PLASTINATE_API int non_local_int16(const int16_t* in, const int64_t* shape, double strength, int64_t search, int threads, int16_t* out) {
    return non_local(in, shape, strength, search, threads, out);
}
PLASTINATE_API int non_local_float32(const float* in, const int64_t* shape, double strength, int64_t search, int threads, float* out) {
    return non_local(in, shape, strength, search, threads, out);
}
