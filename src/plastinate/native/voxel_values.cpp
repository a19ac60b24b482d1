// Values of voxels: a grey volume goes in; a mask, counts or sums come out.
//
// Each function reads the volume once, slice by slice, O(voxels); what differs
// between threads is only who reads which slice. Unmeasured voxels (-32768, NaN)
// match no window and enter no sum.
#include <algorithm>
#include <cmath>

#include "parallel.hpp"

using namespace plastinate;
using std::int16_t;
using std::int64_t;
using std::uint16_t;
using std::uint8_t;

namespace {

template <class T>
inline bool is_measured(T value) {
    return value == value && value != T(-32768);
}
template <>
inline bool is_measured<float>(float value) {
    return value == value;
}

struct Sums {
    int64_t count = 0;
    double total = 0, squares = 0, low = INFINITY, high = -INFINITY;
};

template <class T>
int sums(const T* values, const uint8_t* mask, int64_t slices, int64_t plane, double shift, int threads, double* out) {
    try {
        std::vector<Sums> each(slices);
        const int status = share(slices, threads, [&](int64_t s) {
            Sums here;
            for (int64_t i = s * plane; i < (s + 1) * plane; ++i) {
                if ((mask && !mask[i]) || !is_measured(values[i])) continue;
                const double value = double(values[i]) - shift;
                ++here.count;
                here.total += value;
                here.squares += value * value;
                here.low = std::min(here.low, double(values[i]));
                here.high = std::max(here.high, double(values[i]));
            }
            each[s] = here;
        });
        Sums all;
        for (const Sums& here : each) {  // in slice order, so rounding does not depend on threads
            all.count += here.count;
            all.total += here.total;
            all.squares += here.squares;
            all.low = std::min(all.low, here.low);
            all.high = std::max(all.high, here.high);
        }
        const double result[5] = {double(all.count), all.total, all.squares, all.low, all.high};
        std::copy(result, result + 5, out);
        return status;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

template <class T>
int gradient(const T* values, const int64_t* shape, const double* spacing, int threads, float* out) {
    const int64_t plane = shape[1] * shape[2], strides[3] = {plane, shape[2], 1};
    return share(shape[0], threads, [&](int64_t s) {
        for (int64_t r = 0; r < shape[1]; ++r)
            for (int64_t c = 0; c < shape[2]; ++c) {
                const int64_t at[3] = {s, r, c}, here = s * plane + r * shape[2] + c;
                if (!is_measured(values[here])) {
                    out[here] = 0;
                    continue;
                }
                double square = 0;
                for (int a = 0; a < 3; ++a) {
                    int64_t low = at[a] > 0 ? here - strides[a] : here;
                    int64_t high = at[a] + 1 < shape[a] ? here + strides[a] : here;
                    if (!is_measured(values[low])) low = here;
                    if (!is_measured(values[high])) high = here;
                    if (low == high) continue;
                    const double steps = double(high - low) / double(strides[a]);
                    const double slope = (double(values[high]) - double(values[low])) / (steps * spacing[a]);
                    square += slope * slope;
                }
                out[here] = float(std::sqrt(square));
            }
    });
}

}  // namespace

PLASTINATE_API int window_int16(const int16_t* values, int64_t slices, int64_t plane, int low, int high, int threads, uint8_t* out) {
    const uint16_t base = uint16_t(low), width = uint16_t(high - low);
    return share(slices, threads, [&](int64_t s) {
        for (int64_t i = s * plane; i < (s + 1) * plane; ++i) out[i] = uint16_t(uint16_t(values[i]) - base) <= width;
    });
}

PLASTINATE_API int window_float32(const float* values, int64_t slices, int64_t plane, float low, float high, int threads, uint8_t* out) {
    return share(slices, threads, [&](int64_t s) {
        for (int64_t i = s * plane; i < (s + 1) * plane; ++i) out[i] = (values[i] >= low) & (values[i] <= high);
    });
}

// counts: 65536 entries, entry v + 32768 for value v. mask may be null.
PLASTINATE_API int histogram_int16(const int16_t* values, const uint8_t* mask, int64_t slices, int64_t plane, int threads, int64_t* counts) {
    try {
        const int64_t parts = std::max(1, threads);
        std::vector<std::vector<int64_t>> each(parts);
        const int status = share(parts, threads, [&](int64_t part) {
            auto& here = each[part];
            here.assign(65536, 0);
            for (int64_t i = part * slices / parts * plane; i < (part + 1) * slices / parts * plane; ++i)
                if (!mask || mask[i]) ++here[uint16_t(values[i]) ^ 0x8000];
        });
        if (status != OK) return status;
        for (const auto& here : each)
            for (int64_t v = 0; v < 65536; ++v) counts[v] += here[v];
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

// out: count, sum of (value - shift), sum of its squares, least, greatest.
PLASTINATE_API int sums_int16(const int16_t* values, const uint8_t* mask, int64_t slices, int64_t plane, double shift, int threads, double* out) {
    return sums(values, mask, slices, plane, shift, threads, out);
}
PLASTINATE_API int sums_float32(const float* values, const uint8_t* mask, int64_t slices, int64_t plane, double shift, int threads, double* out) {
    return sums(values, mask, slices, plane, shift, threads, out);
}

// Length of the gradient by central differences, one-sided at borders and beside unmeasured voxels.
PLASTINATE_API int gradient_int16(const int16_t* values, const int64_t* shape, const double* spacing, int threads, float* out) {
    return gradient(values, shape, spacing, threads, out);
}
PLASTINATE_API int gradient_float32(const float* values, const int64_t* shape, const double* spacing, int threads, float* out) {
    return gradient(values, shape, spacing, threads, out);
}

// Writes `label` where the mask is set and nothing was written before; won and lost count per slice (2 * slices).
PLASTINATE_API int paint_label(const uint8_t* mask, int64_t slices, int64_t plane, int label, int threads, uint16_t* out, int64_t* won_lost) {
    return share(slices, threads, [&](int64_t s) {
        int64_t won = 0, lost = 0;
        for (int64_t i = s * plane; i < (s + 1) * plane; ++i) {
            const bool is_free = out[i] == 0, is_set = mask[i] != 0;
            won += is_set & is_free;
            lost += is_set & !is_free;
            out[i] = (is_set & is_free) ? uint16_t(label) : out[i];
        }
        won_lost[2 * s] = won;
        won_lost[2 * s + 1] = lost;
    });
}
