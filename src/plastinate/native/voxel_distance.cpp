// Exact Euclidean distances on anisotropic grids: a mask goes in, squared
// distances or a mask grown by a ball come out.
//
// One pass per axis (Felzenszwalb & Huttenlocher, Theory of Computing 8, 2012,
// section 2; the first pass is the two-scan of Meijster et al. 2000): the squared
// distance in 3D is the lower envelope of parabolas along each axis in turn.
// Where the distance is capped to a few voxels the envelope is replaced by a
// direct minimum over the window, which vectorises across columns and was
// faster up to some fifty voxels; chunks of columns that hold nothing near, or
// nothing that can still fall, are skipped.
//
// Ball growth works in slabs with a halo of the radius, so it needs a few planes
// of float per thread instead of a whole float volume.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

#include "parallel.hpp"

using namespace plastinate;
using std::int64_t;
using std::size_t;
using std::uint8_t;

namespace {

constexpr float FAR = 1e30f;          // farther than any distance, and still finite when squares are added
constexpr int64_t WINDOW_LIMIT = 48;  // above it the envelope is faster
constexpr int64_t CHUNK = 32;         // columns that are skipped together
constexpr int64_t BLOCK = 16;         // columns gathered at a time: one cache line of floats

struct Scratch {
    std::vector<float> plane, line, value;
    std::vector<int64_t> parabola;
    std::vector<double> border;
    std::vector<uint8_t> is_near;
};

// Slabs hand their planes on to the next slab: fresh memory costs as much as the arithmetic.
struct Workspace {
    Scratch scratch;
    std::vector<float> field;
    std::vector<uint8_t> is_near;
};

class Shelf {
  public:
    std::unique_ptr<Workspace> take() {
        const std::lock_guard<std::mutex> held(lock_);
        if (spare_.empty()) return std::make_unique<Workspace>();
        auto one = std::move(spare_.back());
        spare_.pop_back();
        return one;
    }
    void give(std::unique_ptr<Workspace> one) {
        const std::lock_guard<std::mutex> held(lock_);
        spare_.push_back(std::move(one));
    }

  private:
    std::mutex lock_;
    std::vector<std::unique_ptr<Workspace>> spare_;
};

// Squared distance along a row to the nearest voxel equal to `source`; returns false if none is within reach.
bool along_row(const uint8_t* row, float* out, int64_t n, uint8_t source, bool is_outside_source, float step, int64_t reach) {
    const int64_t none = n + reach + 2;
    int64_t away = is_outside_source ? 0 : none;
    bool is_any = false;
    for (int64_t c = 0; c < n; ++c) {
        away = row[c] == source ? 0 : away + 1;
        out[c] = static_cast<float>(away);
    }
    away = is_outside_source ? 0 : none;
    const float limit = static_cast<float>(std::min(reach, none - 1));
    for (int64_t c = n - 1; c >= 0; --c) {
        away = row[c] == source ? 0 : away + 1;
        const float least = std::min(out[c], static_cast<float>(away));
        is_any |= least <= limit;
        out[c] = least <= limit ? (least * step) * (least * step) : FAR;
    }
    return is_any;
}

// Lower envelope of parabolas f(i) + (step * (q - i))^2 over i, in place. `outside` adds zeros at -1 and n.
void along_line(float* f, int64_t n, double step, bool outside, Scratch& scratch) {
    scratch.parabola.resize(n + 2);
    scratch.border.resize(n + 3);
    scratch.value.resize(n + 2);
    int64_t* v = scratch.parabola.data();
    double* z = scratch.border.data();
    float* height = scratch.value.data();
    const double w = step * step;
    int64_t k = -1;
    for (int64_t q = outside ? -1 : 0; q < n + (outside ? 1 : 0); ++q) {
        const float h = q < 0 || q == n ? 0.0f : f[q];
        if (h >= FAR) continue;
        double cross = -INFINITY;
        while (k >= 0) {
            cross = (double(h) - height[k]) / (2 * w * double(q - v[k])) + 0.5 * double(q + v[k]);
            if (cross > z[k]) break;
            --k;
            cross = -INFINITY;
        }
        ++k;
        v[k] = q;
        height[k] = h;
        z[k] = cross;
    }
    if (k < 0) return;
    z[k + 1] = INFINITY;
    for (int64_t q = 0, at = 0; q < n; ++q) {
        while (z[at + 1] < double(q)) ++at;
        const float d = float(double(q - v[at]) * step);
        f[q] = height[at] + d * d;
    }
}

void lower(float* __restrict out, const float* __restrict in, int64_t n, float square) {
    for (int64_t c = 0; c < n; ++c) {
        const float d = in[c] + square;
        out[c] = out[c] < d ? out[c] : d;
    }
}

float greatest(const float* values, int64_t n) {
    float most[4] = {values[0], values[0], values[0], values[0]};  // four at a time, or it stays out of registers
    int64_t c = 0;
    for (; c + 4 <= n; c += 4)
        for (int lane = 0; lane < 4; ++lane) most[lane] = values[c + lane] > most[lane] ? values[c + lane] : most[lane];
    for (; c < n; ++c) most[0] = values[c] > most[0] ? values[c] : most[0];
    return std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
}

// Which chunks of a line hold a distance at all: most of a body is far from any wall, or deep inside.
void mark_near(const float* values, int64_t width, uint8_t* is_near) {
    for (int64_t c0 = 0; c0 < width; c0 += CHUNK) {
        const int64_t n = std::min(CHUNK, width - c0);
        std::int32_t near_count = 0;
        for (int64_t c = 0; c < n; ++c) near_count += values[c0 + c] < FAR;
        is_near[c0 / CHUNK] = near_count > 0;
    }
}

// The pass across `count` lines of `width` floats, `stride` apart: in place, through a window or the envelope.
void across(float* first, int64_t count, int64_t stride, int64_t width, float step, int64_t reach, bool outside,
            float cap_squared, Scratch& scratch) {
    if (reach > WINDOW_LIMIT) {
        scratch.line.resize(BLOCK * count);
        for (int64_t c0 = 0; c0 < width; c0 += BLOCK) {
            const int64_t wide = std::min(BLOCK, width - c0);
            for (int64_t i = 0; i < count; ++i)
                for (int64_t c = 0; c < wide; ++c) scratch.line[c * count + i] = first[i * stride + c0 + c];
            for (int64_t c = 0; c < wide; ++c) along_line(scratch.line.data() + c * count, count, step, outside, scratch);
            for (int64_t i = 0; i < count; ++i)
                for (int64_t c = 0; c < wide; ++c) {
                    const float d = scratch.line[c * count + i];
                    first[i * stride + c0 + c] = d <= cap_squared ? d : FAR;
                }
        }
        return;
    }
    scratch.plane.resize(count * width);
    const int64_t chunks = (width + CHUNK - 1) / CHUNK;
    scratch.is_near.assign(count * chunks, 0);
    for (int64_t i = 0; i < count; ++i) {
        std::memcpy(scratch.plane.data() + i * width, first + i * stride, width * sizeof(float));
        mark_near(first + i * stride, width, scratch.is_near.data() + i * chunks);
    }
    for (int64_t i = 0; i < count; ++i)
        for (int64_t c0 = 0, chunk = 0; c0 < width; c0 += CHUNK, ++chunk) {
            const int64_t n = std::min(CHUNK, width - c0);
            float* out = first + i * stride + c0;
            for (int64_t k = 1; k <= reach; ++k) {
                const float square = (k * step) * (k * step);
                // Every few steps: what lies farther than the farthest value here cannot lower any.
                if (k % 4 == 1 && scratch.is_near[i * chunks + chunk] && greatest(out, n) <= square) break;
                for (int side = -1; side <= 1; side += 2) {
                    const int64_t j = i + side * k;
                    if (outside && (j == -1 || j == count))
                        for (int64_t c = 0; c < n; ++c) out[c] = out[c] < square ? out[c] : square;
                    if (j < 0 || j >= count || !scratch.is_near[j * chunks + chunk]) continue;
                    lower(out, scratch.plane.data() + j * width + c0, n, square);
                }
            }
            for (int64_t c = 0; c < n; ++c) out[c] = out[c] <= cap_squared ? out[c] : FAR;
        }
}

int64_t reach_of(double cap, double step, int64_t n) {
    const double voxels = std::floor(cap / step * (1 + 1e-6));
    return voxels < double(n) ? int64_t(voxels) : n;
}

struct Grid {
    int64_t slices, rows, columns;
    float step[3];
    int64_t reach[3];
    float cap_squared;
    uint8_t source;
    bool outside;

    Grid(const int64_t* shape, const double* spacing, double cap, int source_value, int outside_is_source)
        : slices(shape[0]), rows(shape[1]), columns(shape[2]), source(uint8_t(source_value)), outside(outside_is_source) {
        for (int a = 0; a < 3; ++a) {
            step[a] = float(spacing[a]);
            reach[a] = reach_of(cap, spacing[a], shape[a]);
        }
        // A touch of tolerance, so that a voxel exactly one radius away counts whatever the rounding.
        cap_squared = cap < 1e14 ? float(cap * cap * (1 + 1e-5)) : FAR / 2;
    }

    // Column and row passes of one slice; returns false if no source is within reach in the slice.
    bool plane(const uint8_t* mask, float* out, Scratch& scratch) const {
        bool is_any = outside;
        for (int64_t r = 0; r < rows; ++r) {
            const bool is_near = along_row(mask + r * columns, out + r * columns, columns, source, outside, step[2], reach[2]);
            is_any |= is_near;
        }
        if (is_any) across(out, rows, columns, columns, step[1], reach[1], outside, cap_squared, scratch);
        return is_any;
    }
};

}  // namespace

// Squared distance of every voxel centre to the nearest voxel equal to `source`; infinity beyond the cap.
PLASTINATE_API int distance_squared(const uint8_t* mask, const int64_t* shape, const double* spacing, double cap,
                                    int source, int outside_is_source, int threads, float* out) {
    const Grid grid(shape, spacing, cap, source, outside_is_source);
    const int64_t plane = grid.rows * grid.columns;
    const int status = share(grid.slices, threads, [&](int64_t s) {
        Scratch scratch;
        grid.plane(mask + s * plane, out + s * plane, scratch);
    });
    if (status != OK) return status;
    return share(grid.rows, threads, [&](int64_t r) {
        Scratch scratch;
        float* first = out + r * grid.columns;
        across(first, grid.slices, plane, grid.columns, grid.step[0], grid.reach[0], grid.outside, grid.cap_squared, scratch);
        for (int64_t s = 0; s < grid.slices; ++s)
            for (int64_t c = 0; c < grid.columns; ++c)
                if (first[s * plane + c] >= FAR / 2) first[s * plane + c] = INFINITY;
    });
}

// out = 1 where a voxel equal to `source` lies within `radius`, else 0; negated if is_negated.
PLASTINATE_API int ball_grow(const uint8_t* mask, const int64_t* shape, const double* spacing, double radius, int source,
                             int outside_is_source, int is_negated, int threads, uint8_t* out) {
    const Grid grid(shape, spacing, radius, source, outside_is_source);
    const int64_t plane = grid.rows * grid.columns, halo = grid.reach[0];
    const int64_t depth = std::max<int64_t>(8, 2 * halo), slabs = (grid.slices + depth - 1) / depth;
    Shelf shelf;
    return share(slabs, threads, [&](int64_t slab) {
        auto workspace = shelf.take();
        auto& [scratch, field, is_near] = *workspace;
        const int64_t begin = slab * depth, end = std::min(grid.slices, begin + depth);
        const int64_t low = std::max<int64_t>(0, begin - halo), high = std::min(grid.slices, end + halo);
        field.resize(std::max<size_t>(field.size(), (high - low) * plane));
        const int64_t chunks = (grid.columns + CHUNK - 1) / CHUNK;
        is_near.assign((high - low) * grid.rows * chunks, 0);
        for (int64_t s = low; s < high; ++s) {
            float* const of_slice = field.data() + (s - low) * plane;
            if (!grid.plane(mask + s * plane, of_slice, scratch)) continue;
            for (int64_t r = 0; r < grid.rows; ++r)
                mark_near(of_slice + r * grid.columns, grid.columns, is_near.data() + ((s - low) * grid.rows + r) * chunks);
        }
        float least[CHUNK];
        for (int64_t s = begin; s < end; ++s)
            for (int64_t r = 0; r < grid.rows; ++r)
                for (int64_t c0 = 0, chunk = 0; c0 < grid.columns; c0 += CHUNK, ++chunk) {
                    const int64_t n = std::min(CHUNK, grid.columns - c0);
                    std::fill(least, least + n, FAR);
                    for (int64_t k = 0; k <= halo; ++k) {
                        const float away = k * grid.step[0], square = away * away;
                        if (k % 4 == 1 && greatest(least, n) <= grid.cap_squared) break;
                        for (int side = -1; side <= (k ? 1 : -1); side += 2) {
                            const int64_t t = s + side * k;
                            if (grid.outside && (t == -1 || t == grid.slices))
                                for (int64_t c = 0; c < n; ++c) least[c] = least[c] < square ? least[c] : square;
                            if (t < 0 || t >= grid.slices || !is_near[((t - low) * grid.rows + r) * chunks + chunk]) continue;
                            lower(least, field.data() + (t - low) * plane + r * grid.columns + c0, n, square);
                        }
                    }
                    uint8_t* row = out + s * plane + r * grid.columns + c0;
                    for (int64_t c = 0; c < n; ++c) row[c] = (least[c] <= grid.cap_squared) != (is_negated != 0);
                }
        shelf.give(std::move(workspace));
    });
}
