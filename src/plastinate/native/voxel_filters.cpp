// Smoothing filters: a grey volume goes in, one of the same grid comes out.
//
// Gaussian: separable, axis after axis, in the order slice, row, column, so that
// one output slice needs a few float planes and no float volume. Unmeasured
// voxels and the outside of the volume have no say (normalised convolution,
// Knutsson & Westin, CVPR 1993): sums are divided by the weight that was there.
// O(voxels * sigma).
//
// Median of 3x3x3: the nine values of each column position are sorted once and
// used by three windows; of three sorted nines 13 values can still be the median
// (entry (j, i) of a sorted 3x9 table exceeds (j+1)(i+1)-1 others), and 7 lie
// on either side. All by minima and maxima in vector registers. Windows with an
// unmeasured voxel go the slow way. Borders repeat the edge voxel.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "parallel.hpp"

using namespace plastinate;
using std::int16_t;
using std::int64_t;
using std::uint8_t;

namespace {

inline bool is_measured(int16_t value) { return value != -32768; }
inline bool is_measured(float value) { return value == value; }

inline void store(float value, float& out) { out = value; }
// Adding 1.5 * 2^23 leaves the rounded number in the low bits: lrintf, but in vector registers.
inline void store(float value, int16_t& out) {
    const float clamped = value < -32767.0f ? -32767.0f : (value > 32767.0f ? 32767.0f : value);
    const float moved = clamped + 12582912.0f;
    std::int32_t bits;
    std::memcpy(&bits, &moved, 4);
    out = int16_t(bits - 0x4B400000);
}
inline void store_unmeasured(float& out) { out = std::numeric_limits<float>::quiet_NaN(); }
inline void store_unmeasured(int16_t& out) { out = -32768; }

struct Bell {
    int64_t half;
    std::vector<float> weight;        // 0 .. half
    std::vector<float> reciprocal;    // 1 / weight inside the volume, for each index along the axis

    Bell(double sigma, int64_t n) : half(int64_t(4 * sigma + 0.5)), weight(half + 1), reciprocal(n) {
        double total = 0;
        std::vector<double> exact(half + 1, 1.0);
        for (int64_t k = 1; k <= half; ++k) exact[k] = std::exp(-0.5 * double(k) * double(k) / (sigma * sigma));
        for (int64_t k = -half; k <= half; ++k) total += exact[std::abs(k)];
        for (int64_t k = 0; k <= half; ++k) weight[k] = float(exact[k] / total);
        for (int64_t i = 0; i < n; ++i) {
            double inside = 0;
            for (int64_t k = std::max(-half, -i); k <= std::min(half, n - 1 - i); ++k) inside += exact[std::abs(k)];
            reciprocal[i] = float(total / inside);
        }
    }
};

void along_rows(const float* in, float* out, int64_t rows, int64_t columns, const Bell& bell) {
    for (int64_t r = 0; r < rows; ++r) {
        float* to = out + r * columns;
        for (int64_t c = 0; c < columns; ++c) to[c] = bell.weight[0] * in[r * columns + c];
        for (int64_t k = 1; k <= bell.half; ++k) {
            const float w = bell.weight[k];
            const float* a = r - k >= 0 ? in + (r - k) * columns : nullptr;
            const float* b = r + k < rows ? in + (r + k) * columns : nullptr;
            if (a && b)
                for (int64_t c = 0; c < columns; ++c) to[c] += w * (a[c] + b[c]);
            else if (a || b)
                for (const float* one = a ? a : b, *end = one + columns; one < end; ++one) to[columns - (end - one)] += w * *one;
        }
    }
}

// Along each row of a plane, in place; `line` has room for columns + 2 * half.
void along_columns(float* plane, int64_t rows, int64_t columns, const Bell& bell, std::vector<float>& line) {
    line.assign(columns + 2 * bell.half, 0.0f);
    float* middle = line.data() + bell.half;
    for (int64_t r = 0; r < rows; ++r) {
        float* row = plane + r * columns;
        std::memcpy(middle, row, columns * sizeof(float));
        for (int64_t c = 0; c < columns; ++c) row[c] = bell.weight[0] * middle[c];
        for (int64_t k = 1; k <= bell.half; ++k) {
            const float w = bell.weight[k];
            const float *a = middle - k, *b = middle + k;
            for (int64_t c = 0; c < columns; ++c) row[c] += w * (a[c] + b[c]);
        }
    }
}

struct Planes {
    std::vector<float> sum, weight, spare, line;
};

constexpr int64_t BATCH = 16;  // slices that share their planes: fresh memory costs as much as the arithmetic

template <class In, class Out>
int gaussian(const In* in, const int64_t* shape, const double* sigma, int threads, Out* out) {
    try {
        const int64_t slices = shape[0], rows = shape[1], columns = shape[2], plane = rows * columns;
        const Bell bells[3] = {{sigma[0], slices}, {sigma[1], rows}, {sigma[2], columns}};
        std::vector<uint8_t> has_gap(slices, 0);
        share(slices, threads, [&](int64_t s) {
            bool is_whole = true;
            for (int64_t i = s * plane; i < (s + 1) * plane; ++i) is_whole &= is_measured(in[i]);
            has_gap[s] = !is_whole;
        });
        auto smooth = [&](int64_t s, Planes& planes) {
            auto& [sum, weight, spare, line] = planes;
            sum.assign(plane, 0.0f);
            spare.resize(plane);
            const int64_t low = std::max<int64_t>(0, s - bells[0].half), high = std::min(slices - 1, s + bells[0].half);
            const bool is_gapped = std::any_of(has_gap.begin() + low, has_gap.begin() + high + 1, [](uint8_t g) { return g != 0; });
            if (is_gapped) weight.assign(plane, 0.0f);
            for (int64_t r = 0; r < rows; ++r) {  // row by row, so that the sums stay in the nearest cache
                float *total = sum.data() + r * columns, *there = is_gapped ? weight.data() + r * columns : nullptr;
                for (int64_t t = low; t <= high; ++t) {
                    const float w = bells[0].weight[std::abs(t - s)];
                    const In* from = in + t * plane + r * columns;
                    if (!is_gapped)
                        for (int64_t c = 0; c < columns; ++c) total[c] += w * float(from[c]);
                    else
                        for (int64_t c = 0; c < columns; ++c) {
                            const float value = is_measured(from[c]) ? float(from[c]) : 0.0f;
                            total[c] += w * value;
                            there[c] += is_measured(from[c]) ? w : 0.0f;
                        }
                }
            }
            along_rows(sum.data(), spare.data(), rows, columns, bells[1]);
            sum.swap(spare);
            along_columns(sum.data(), rows, columns, bells[2], line);
            Out* to = out + s * plane;
            if (!is_gapped) {
                for (int64_t r = 0; r < rows; ++r) {
                    const float share_of_row = bells[0].reciprocal[s] * bells[1].reciprocal[r];
                    for (int64_t c = 0; c < columns; ++c)
                        store(sum[r * columns + c] * (share_of_row * bells[2].reciprocal[c]), to[r * columns + c]);
                }
                return;
            }
            along_rows(weight.data(), spare.data(), rows, columns, bells[1]);
            weight.swap(spare);
            along_columns(weight.data(), rows, columns, bells[2], line);
            const In* from = in + s * plane;
            for (int64_t i = 0; i < plane; ++i) {
                Out value, none;
                store(sum[i] / weight[i], value);
                store_unmeasured(none);
                to[i] = is_measured(from[i]) ? value : none;
            }
        };
        return share((slices + BATCH - 1) / BATCH, threads, [&](int64_t batch) {
            Planes planes;
            for (int64_t s = batch * BATCH; s < std::min(slices, (batch + 1) * BATCH); ++s) smooth(s, planes);
        });
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

template <class T>
struct Lanes;
template <>
struct Lanes<int16_t> {
    typedef int16_t Vector __attribute__((vector_size(16)));
    static constexpr int64_t width = 8;
    static constexpr int16_t least = -32768;
    static int16_t held(int16_t value) { return value; }
};
template <>
struct Lanes<float> {
    typedef float Vector __attribute__((vector_size(16)));
    static constexpr int64_t width = 4;
    static constexpr float least = -std::numeric_limits<float>::infinity();
    static float held(float value) { return value == value ? value : least; }
};

template <class V>
inline void order(V& a, V& b) {
    const V low = a < b ? a : b, high = a < b ? b : a;
    a = low;
    b = high;
}

// Sorting network for nine, comparators as two-digit pairs (25 of them; Knuth, The Art of Computer Programming 3, section 5.3.4).
template <class V, int... Pairs>
inline void order_pairs(V* v, std::integer_sequence<int, Pairs...>) {
    (order(v[Pairs / 10], v[Pairs % 10]), ...);
}

template <class V>
inline void sort_nine(V* v) {
    order_pairs(v, std::integer_sequence<int, 1, 34, 67, 12, 45, 78, 1, 34, 67, 3, 36, 3, 14, 47, 14, 25, 58, 25, 13, 57,
                                         26, 46, 24, 23, 56>{});
}

// Moves the least of v[First .. First + count] to the front and the greatest to the back.
template <int First, class V, int... Step>
inline void set_ends(V* v, std::integer_sequence<int, Step...>) {
    constexpr int last = First + int(sizeof...(Step)) + 1;
    (order(v[First], v[First + 1 + Step]), ...);
    order(v[First], v[last]);
    (order(v[First + 1 + Step], v[last]), ...);
}

// The middle of 13: of any eight, the least and the greatest cannot be it; drop both, take in the next.
template <int First, int Last, int Next, class V>
inline V middle_of_thirteen(V* v) {
    if constexpr (First == Last) {
        return v[First];
    } else {
        set_ends<First>(v, std::make_integer_sequence<int, Last - First - 1>{});
        if constexpr (Next < 13) {
            v[Last] = v[Next];
            return middle_of_thirteen<First + 1, Last, Next + 1>(v);
        } else {
            return middle_of_thirteen<First + 1, Last - 1, Next>(v);
        }
    }
}

template <class T>
T slow_median(const T* const* rows, int64_t c, int64_t columns) {
    T values[27];
    int n = 0;
    for (int line = 0; line < 9; ++line)
        for (int64_t d = -1; d <= 1; ++d) {
            const T value = rows[line][std::min(columns - 1, std::max<int64_t>(0, c + d))];
            if (is_measured(value)) values[n++] = value;
        }
    std::nth_element(values, values + (n - 1) / 2, values + n);
    return values[(n - 1) / 2];
}

template <class T>
int median(const T* in, const int64_t* shape, int threads, T* out) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    const int64_t slices = shape[0], rows = shape[1], columns = shape[2];
    const int64_t room = (columns + 2 + L::width) / L::width * L::width + L::width;
    return share(slices, threads, [&](int64_t s) {
        std::vector<T> padded(9 * room, T(0)), sorted(9 * room, T(0)), result(room);
        const T* source[9];
        for (int64_t r = 0; r < rows; ++r) {
            for (int line = 0; line < 9; ++line) {
                const int64_t t = std::min(slices - 1, std::max<int64_t>(0, s + line / 3 - 1));
                const int64_t q = std::min(rows - 1, std::max<int64_t>(0, r + line % 3 - 1));
                source[line] = in + (t * rows + q) * columns;
                T* to = padded.data() + line * room;
                for (int64_t c = 0; c < columns; ++c) to[c + 1] = L::held(source[line][c]);
                to[0] = to[1];
                to[columns + 1] = to[columns];
            }
            for (int64_t c = 0; c < columns + 2; c += L::width) {
                V v[9];
                for (int line = 0; line < 9; ++line) std::memcpy(&v[line], padded.data() + line * room + c, sizeof(V));
                sort_nine(v);
                for (int line = 0; line < 9; ++line) std::memcpy(sorted.data() + line * room + c, &v[line], sizeof(V));
            }
            for (int64_t c = 0; c < columns; c += L::width) {
                V v[13];
                int n = 0;
                auto triple = [&](int rank, bool low, bool mid, bool high) {
                    V a, b, d;
                    std::memcpy(&a, sorted.data() + rank * room + c, sizeof(V));
                    std::memcpy(&b, sorted.data() + rank * room + c + 1, sizeof(V));
                    std::memcpy(&d, sorted.data() + rank * room + c + 2, sizeof(V));
                    order(a, b);
                    order(b, d);
                    order(a, b);
                    if (low) v[n++] = a;
                    if (mid) v[n++] = b;
                    if (high) v[n++] = d;
                };
                triple(0, false, false, true);
                triple(1, false, false, true);
                triple(2, false, true, true);
                triple(3, false, true, true);
                triple(4, false, true, false);
                triple(5, true, true, false);
                triple(6, true, true, false);
                triple(7, true, false, false);
                triple(8, true, false, false);
                const V best = middle_of_thirteen<0, 7, 8>(v);
                std::memcpy(result.data() + c, &best, sizeof(V));
            }
            T* to = out + (s * rows + r) * columns;
            std::memcpy(to, result.data(), columns * sizeof(T));
            const T* least = sorted.data();  // the least of each column position: unmeasured shows here
            bool is_whole = true;
            for (int64_t c = 1; c <= columns; ++c) is_whole &= least[c] != L::least;
            if (is_whole) continue;
            for (int64_t c = 0; c < columns; ++c) {
                if (!is_measured(source[4][c])) store_unmeasured(to[c]);
                else if (least[c] == L::least || least[c + 1] == L::least || least[c + 2] == L::least)
                    to[c] = slow_median(source, c, columns);
            }
        }
    });
}

}  // namespace

// sigma in voxels along (slice, row, column); cut off at 4 sigma.
PLASTINATE_API int gaussian_int16(const int16_t* in, const int64_t* shape, const double* sigma, int threads, int16_t* out) {
    return gaussian(in, shape, sigma, threads, out);
}
PLASTINATE_API int gaussian_float32(const float* in, const int64_t* shape, const double* sigma, int threads, float* out) {
    return gaussian(in, shape, sigma, threads, out);
}
PLASTINATE_API int gaussian_int16_to_float32(const int16_t* in, const int64_t* shape, const double* sigma, int threads, float* out) {
    return gaussian(in, shape, sigma, threads, out);
}
PLASTINATE_API int median_int16(const int16_t* in, const int64_t* shape, int threads, int16_t* out) {
    return median(in, shape, threads, out);
}
PLASTINATE_API int median_float32(const float* in, const int64_t* shape, int threads, float* out) {
    return median(in, shape, threads, out);
}
