// A volume on one grid -> the same volume on another, honouring what was never measured.
//
// Two ways through:
// - resample_affine: any affine map from target index to source index; nearest,
//   trilinear, or cubic by convolution (R. Keys, "Cubic convolution interpolation
//   for digital image processing", IEEE Trans. ASSP 29, 1981, eq. 15, a = -1/2).
// - resample_slices: every target slice is a blend of two source slices, both
//   displaced alike within the plane: uneven slices, holes, gantry tilt. The
//   fractions are constant over a slice: no coordinates are computed for voxels.
//
// Unmeasured voxels (INT16_MIN, NaN) and everything beyond the source weigh
// nothing: a sample whose measured weight is below one half is unmeasured, any
// other is divided by that weight. One target voxel is computed by one thread
// in one order, so the result does not depend on the number of threads.
// O(target voxels) time; memory: one flag for each source row.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace {

constexpr int kDone = 0;
constexpr int kNoMemory = 1;
constexpr int kBadArgument = 2;

// A sample is measured if at least half its weight is; float sums may miss that by a rounding.
constexpr float kHalf = 0.5f - 1e-6f;

struct Shape {
    int64_t slices, rows, columns;
    int64_t at(int64_t s, int64_t r) const { return (s * rows + r) * columns; }
};

inline bool is_measured(int16_t value) { return value != std::numeric_limits<int16_t>::min(); }
inline bool is_measured(float value) { return value == value; }

template <typename Voxel>
Voxel unmeasured();
template <>
int16_t unmeasured<int16_t>() { return std::numeric_limits<int16_t>::min(); }
template <>
float unmeasured<float>() { return std::numeric_limits<float>::quiet_NaN(); }

inline void put(float value, float* target) { *target = value; }
inline void put(float value, int16_t* target) {
    // Cubic kernels overshoot; -32768 must stay free for "never measured".
    const float bounded = std::min(32767.0f, std::max(-32767.0f, value));
    *target = static_cast<int16_t>(static_cast<int32_t>(bounded + (bounded < 0 ? -0.5f : 0.5f)));
}

// Runs work(item) for 0 <= item < items on several threads, each item once.
template <typename Work>
void share_out(int64_t items, int threads, const Work& work) {
    const int count = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(threads, items)));
    std::atomic<int64_t> next{0};
    const auto loop = [&] {
        for (int64_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) work(item);
    };
    std::vector<std::thread> helpers;
    helpers.reserve(static_cast<size_t>(count));
    try {
        for (int i = 1; i < count; ++i) helpers.emplace_back(loop);
    } catch (const std::system_error&) {
        // The machine gives no more threads: those there are do the work.
    }
    loop();
    for (auto& helper : helpers) helper.join();
}

// ---------------------------------------------------------------- affine

struct Tap {
    int64_t index;
    float fraction;
};

inline Tap tap(double position) {
    double whole = std::floor(position);
    double fraction = position - whole;
    // Positions are written with few digits: a millionth of a voxel is none.
    if (fraction < 1e-6) fraction = 0;
    if (fraction > 1 - 1e-6) { fraction = 0; whole += 1; }
    return {static_cast<int64_t>(whole), static_cast<float>(fraction)};
}

template <typename Voxel>
inline void gather_linear(const Voxel* source, const Shape& shape, Tap s, Tap r, Tap c, float& sum, float& total) {
    for (int i = 0; i < 2; ++i) {
        const int64_t z = s.index + i;
        const float wz = i ? s.fraction : 1.0f - s.fraction;
        if (wz == 0 || z < 0 || z >= shape.slices) continue;
        for (int j = 0; j < 2; ++j) {
            const int64_t y = r.index + j;
            const float wy = wz * (j ? r.fraction : 1.0f - r.fraction);
            if (wy == 0 || y < 0 || y >= shape.rows) continue;
            const Voxel* row = source + shape.at(z, y);
            for (int k = 0; k < 2; ++k) {
                const int64_t x = c.index + k;
                const float w = wy * (k ? c.fraction : 1.0f - c.fraction);
                if (w == 0 || x < 0 || x >= shape.columns || !is_measured(row[x])) continue;
                sum += w * static_cast<float>(row[x]);
                total += w;
            }
        }
    }
}

inline void cubic_weights(float t, float* w) {
    w[0] = ((-0.5f * t + 1.0f) * t - 0.5f) * t;
    w[1] = (1.5f * t - 2.5f) * t * t + 1.0f;
    w[2] = ((-1.5f * t + 2.0f) * t + 0.5f) * t;
    w[3] = (0.5f * t - 0.5f) * t * t;
}

// False where the 4x4x4 neighbourhood is not all measured: the caller falls back to linear.
template <typename Voxel>
inline bool gather_cubic(const Voxel* source, const Shape& shape, Tap s, Tap r, Tap c, float& value) {
    if (s.index < 1 || s.index + 2 >= shape.slices || r.index < 1 || r.index + 2 >= shape.rows || c.index < 1 ||
        c.index + 2 >= shape.columns)
        return false;
    float ws[4], wr[4], wc[4];
    cubic_weights(s.fraction, ws);
    cubic_weights(r.fraction, wr);
    cubic_weights(c.fraction, wc);
    float sum = 0;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
            const Voxel* row = source + shape.at(s.index - 1 + i, r.index - 1 + j) + c.index - 1;
            float line = 0;
            for (int k = 0; k < 4; ++k) {
                if (!is_measured(row[k])) return false;
                line += wc[k] * static_cast<float>(row[k]);
            }
            sum += ws[i] * wr[j] * line;
        }
    value = sum;
    return true;
}

// Index and fraction of every target column, where they depend on the column alone.
std::vector<Tap> taps_of(const double* row_of_map, int axis, int64_t count) {
    std::vector<Tap> taps(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
        taps[static_cast<size_t>(i)] = tap(row_of_map[axis] * static_cast<double>(i) + row_of_map[3]);
    return taps;
}

bool is_axis_aligned(const double* map) {
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            if (i != j && map[4 * i + j] != 0) return false;
    return true;
}

// Where the three directions separate, up to four source rows are blended into
// one line, and the target row is interpolated along that line.
struct Line {
    std::vector<float> sum, total;
    bool is_whole = false;  // every row was there and all measured: the totals are 1 and not computed

    explicit Line(int64_t columns) : sum(static_cast<size_t>(columns)), total(static_cast<size_t>(columns)) {}
};

// Two source slices and the weight of the second.
struct Pair {
    int64_t first, second;
    float weight;
};

template <typename Voxel>
struct Blender {
    const Voxel* source;
    Shape shape;
    std::vector<uint8_t> whole;  // for each source row: 1 if all of it was measured

    Blender(const Voxel* voxels, const Shape& sizes, int threads)
        : source(voxels), shape(sizes), whole(static_cast<size_t>(sizes.slices * sizes.rows)) {
        share_out(shape.slices, threads, [&](int64_t s) {
            for (int64_t r = 0; r < shape.rows; ++r) {
                const Voxel* row = source + shape.at(s, r);
                uint8_t all = 1;
                for (int64_t c = 0; c < shape.columns; ++c) all &= static_cast<uint8_t>(is_measured(row[c]));
                whole[static_cast<size_t>(s * shape.rows + r)] = all;
            }
        });
    }

    void blend(Pair slices, Tap r, Line& line) const {
        const float of_slice[2] = {1.0f - slices.weight, slices.weight};
        const float of_row[2] = {1.0f - r.fraction, r.fraction};
        const int64_t z[2] = {slices.first, slices.second};
        line.is_whole = true;
        for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 2; ++j)
                if (of_slice[i] > 0 && of_row[j] > 0) line.is_whole &= is_whole_row(z[i], r.index + j);
        std::fill(line.sum.begin(), line.sum.end(), 0.0f);
        if (!line.is_whole) std::fill(line.total.begin(), line.total.end(), 0.0f);
        for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 2; ++j)
                if (of_slice[i] > 0 && of_row[j] > 0) add(z[i], r.index + j, of_slice[i] * of_row[j], line);
    }

    bool is_whole_row(int64_t z, int64_t y) const {
        return z >= 0 && z < shape.slices && y >= 0 && y < shape.rows && whole[static_cast<size_t>(z * shape.rows + y)];
    }

    void add(int64_t z, int64_t y, float weight, Line& line) const {
        if (z < 0 || z >= shape.slices || y < 0 || y >= shape.rows) return;
        const Voxel* row = source + shape.at(z, y);
        float* sum = line.sum.data();
        float* total = line.total.data();
        if (line.is_whole) {
            for (int64_t x = 0; x < shape.columns; ++x) sum[x] += weight * static_cast<float>(row[x]);
            return;
        }
        for (int64_t x = 0; x < shape.columns; ++x) {
            const bool known = is_measured(row[x]);
            sum[x] += known ? weight * static_cast<float>(row[x]) : 0.0f;
            total[x] += known ? weight : 0.0f;
        }
    }

    // One sample of the line; beyond its ends nothing weighs.
    void sample(const Line& line, Tap c, Voxel* target) const {
        float sum = 0, total = 0;
        for (int k = 0; k < 2; ++k) {
            const int64_t x = c.index + k;
            const float weight = k ? c.fraction : 1.0f - c.fraction;
            if (weight == 0 || x < 0 || x >= shape.columns) continue;
            sum += weight * line.sum[static_cast<size_t>(x)];
            total += weight * (line.is_whole ? 1.0f : line.total[static_cast<size_t>(x)]);
        }
        if (total >= kHalf) put(sum / total, target);
        else *target = unmeasured<Voxel>();
    }

    void along(const Line& line, const std::vector<Tap>& columns, Voxel* target) const {
        for (size_t i = 0; i < columns.size(); ++i) {
            const Tap c = columns[i];
            if (line.is_whole && c.index >= 0 && c.index + 1 < shape.columns) {
                const float* at = line.sum.data() + c.index;
                put((1.0f - c.fraction) * at[0] + c.fraction * at[1], target + i);
            } else {
                sample(line, c, target + i);
            }
        }
    }

    // The same where every column is displaced alike: no indices to load.
    void along(const Line& line, Tap shift, Voxel* target, int64_t count) const {
        const int64_t from = std::clamp<int64_t>(-shift.index, 0, count);
        const int64_t to = std::clamp<int64_t>(shape.columns - 1 - shift.index, from, count);
        const auto at = [&](int64_t c) { return Tap{c + shift.index, shift.fraction}; };
        for (int64_t c = 0; c < from; ++c) sample(line, at(c), target + c);
        const float* sum = line.sum.data() + shift.index;
        const float* total = line.total.data() + shift.index;
        const float left = 1.0f - shift.fraction, right = shift.fraction;
        if (line.is_whole) {
            for (int64_t c = from; c < to; ++c) put(left * sum[c] + right * sum[c + 1], target + c);
        } else {
            for (int64_t c = from; c < to; ++c) {
                const float weight = left * total[c] + right * total[c + 1];
                Voxel value;  // computed either way: a branch would keep the loop from vectorising
                put((left * sum[c] + right * sum[c + 1]) / std::max(weight, kHalf), &value);
                target[c] = weight >= kHalf ? value : unmeasured<Voxel>();
            }
        }
        for (int64_t c = to; c < count; ++c) sample(line, at(c), target + c);
    }
};

// Calls work(slice, line) for every target slice, with a line of its own.
template <typename Work>
int by_slice(int64_t slices, int64_t columns, int threads, const Work& work) {
    std::atomic<bool> failed{false};
    share_out(slices, threads, [&](int64_t s) {
        try {
            Line line(columns);
            work(s, line);
        } catch (const std::bad_alloc&) {
            failed = true;
        }
    });
    return failed ? kNoMemory : kDone;
}

template <typename Voxel>
int run_aligned(const Voxel* source, const Shape& shape, Voxel* target, const int64_t* target_shape,
                const double* map, int threads) {
    const Blender<Voxel> blender(source, shape, threads);
    const auto slices = taps_of(map, 0, target_shape[0]);
    const auto rows = taps_of(map + 4, 1, target_shape[1]);
    const auto columns = taps_of(map + 8, 2, target_shape[2]);
    return by_slice(target_shape[0], shape.columns, threads, [&](int64_t s, Line& line) {
        const Tap z = slices[static_cast<size_t>(s)];
        for (int64_t r = 0; r < target_shape[1]; ++r) {
            blender.blend({z.index, z.index + 1, z.fraction}, rows[static_cast<size_t>(r)], line);
            blender.along(line, columns, target + (s * target_shape[1] + r) * target_shape[2]);
        }
    });
}

// numbers: for each target slice the weight of its second source slice, and what
// to add to a target row and column to have the source's.
template <typename Voxel>
int run_slices(const Voxel* source, const int64_t* source_shape, Voxel* target, const int64_t* target_shape,
               const int64_t* pairs, const double* numbers, int threads) {
    const Shape shape{source_shape[0], source_shape[1], source_shape[2]};
    for (int64_t i = 0; i < 2 * target_shape[0]; ++i)
        if (pairs[i] < 0 || pairs[i] >= shape.slices) return kBadArgument;
    try {
        const Blender<Voxel> blender(source, shape, threads);
        return by_slice(target_shape[0], shape.columns, threads, [&](int64_t s, Line& line) {
            const Pair pair{pairs[2 * s], pairs[2 * s + 1], static_cast<float>(numbers[3 * s])};
            const Tap down = tap(numbers[3 * s + 1]), across = tap(numbers[3 * s + 2]);
            for (int64_t r = 0; r < target_shape[1]; ++r) {
                blender.blend(pair, {r + down.index, down.fraction}, line);
                blender.along(line, across, target + (s * target_shape[1] + r) * target_shape[2], target_shape[2]);
            }
        });
    } catch (const std::bad_alloc&) {
        return kNoMemory;
    }
}

template <typename Voxel>
void run_general(const Voxel* source, const Shape& shape, Voxel* target, const int64_t* target_shape,
                 const double* map, int order, int threads) {
    share_out(target_shape[0], threads, [&](int64_t s) {
        for (int64_t r = 0; r < target_shape[1]; ++r)
            for (int64_t c = 0; c < target_shape[2]; ++c) {
                double at[3];
                for (int i = 0; i < 3; ++i)
                    at[i] = map[4 * i] * static_cast<double>(s) + map[4 * i + 1] * static_cast<double>(r) +
                            map[4 * i + 2] * static_cast<double>(c) + map[4 * i + 3];
                Voxel* out = target + (s * target_shape[1] + r) * target_shape[2] + c;
                *out = unmeasured<Voxel>();
                if (at[0] <= -1 || at[1] <= -1 || at[2] <= -1 || at[0] >= static_cast<double>(shape.slices) ||
                    at[1] >= static_cast<double>(shape.rows) || at[2] >= static_cast<double>(shape.columns))
                    continue;
                const Tap z = tap(at[0]), y = tap(at[1]), x = tap(at[2]);
                float sum = 0, total = 0;
                if (order == 3 && gather_cubic(source, shape, z, y, x, sum)) {
                    put(sum, out);
                    continue;
                }
                gather_linear(source, shape, z, y, x, sum, total);
                if (total >= kHalf) put(sum / total, out);
            }
    });
}

template <typename Voxel>
int run_affine(const Voxel* source, const int64_t* source_shape, Voxel* target, const int64_t* target_shape,
               const double* map, int order, int threads) {
    const Shape shape{source_shape[0], source_shape[1], source_shape[2]};
    try {
        if (order == 1 && is_axis_aligned(map)) return run_aligned(source, shape, target, target_shape, map, threads);
        run_general(source, shape, target, target_shape, map, order, threads);
    } catch (const std::bad_alloc&) {
        return kNoMemory;
    }
    return kDone;
}

template <typename Voxel>
void run_nearest(const Voxel* source, const int64_t* source_shape, Voxel* target, const int64_t* target_shape,
                 const double* map, Voxel outside, int threads) {
    const Shape shape{source_shape[0], source_shape[1], source_shape[2]};
    share_out(target_shape[0], threads, [&](int64_t s) {
        for (int64_t r = 0; r < target_shape[1]; ++r)
            for (int64_t c = 0; c < target_shape[2]; ++c) {
                int64_t at[3];
                for (int i = 0; i < 3; ++i)
                    at[i] = static_cast<int64_t>(
                        std::floor(map[4 * i] * static_cast<double>(s) + map[4 * i + 1] * static_cast<double>(r) +
                                   map[4 * i + 2] * static_cast<double>(c) + map[4 * i + 3] + 0.5));
                const bool inside = at[0] >= 0 && at[0] < shape.slices && at[1] >= 0 && at[1] < shape.rows &&
                                    at[2] >= 0 && at[2] < shape.columns;
                target[(s * target_shape[1] + r) * target_shape[2] + c] =
                    inside ? source[shape.at(at[0], at[1]) + at[2]] : outside;
            }
    });
}

bool is_usable_map(const double* map) {
    for (int i = 0; i < 12; ++i)
        if (!std::isfinite(map[i]) || std::fabs(map[i]) > 1e9) return false;
    return true;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int resample_slices_int16(const int16_t* source, const int64_t* source_shape, int16_t* target,
                                   const int64_t* target_shape, const int64_t* pairs, const double* numbers,
                                   int threads) {
    return run_slices(source, source_shape, target, target_shape, pairs, numbers, threads);
}

EXPORTED int resample_slices_float32(const float* source, const int64_t* source_shape, float* target,
                                     const int64_t* target_shape, const int64_t* pairs, const double* numbers,
                                     int threads) {
    return run_slices(source, source_shape, target, target_shape, pairs, numbers, threads);
}

EXPORTED int resample_affine_int16(const int16_t* source, const int64_t* source_shape, int16_t* target,
                                   const int64_t* target_shape, const double* map, int order, int threads) {
    if (!is_usable_map(map)) return kBadArgument;
    return run_affine(source, source_shape, target, target_shape, map, order, threads);
}

EXPORTED int resample_affine_float32(const float* source, const int64_t* source_shape, float* target,
                                     const int64_t* target_shape, const double* map, int order, int threads) {
    if (!is_usable_map(map)) return kBadArgument;
    return run_affine(source, source_shape, target, target_shape, map, order, threads);
}

// Nearest voxel, by width of the voxel in bytes; `outside` is the value beyond the source.
EXPORTED int resample_nearest(const void* source, const int64_t* source_shape, void* target,
                              const int64_t* target_shape, const double* map, int bytes, uint32_t outside,
                              int threads) {
    if (!is_usable_map(map)) return kBadArgument;
    switch (bytes) {
        case 1:
            run_nearest(static_cast<const uint8_t*>(source), source_shape, static_cast<uint8_t*>(target),
                        target_shape, map, static_cast<uint8_t>(outside), threads);
            return kDone;
        case 2:
            run_nearest(static_cast<const uint16_t*>(source), source_shape, static_cast<uint16_t*>(target),
                        target_shape, map, static_cast<uint16_t>(outside), threads);
            return kDone;
        case 4:
            run_nearest(static_cast<const uint32_t*>(source), source_shape, static_cast<uint32_t*>(target),
                        target_shape, map, outside, threads);
            return kDone;
        default: return kBadArgument;
    }
}
