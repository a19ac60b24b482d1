// Stored pixels of one image plane -> modality values on the volume's own type.
//
// One pass over a plane that is still in cache: byte order, bits stored and
// sign (DICOM PS3.5, section 8.1.1), padding (PS3.3, C.7.5.1.1.2) and the linear
// modality transform (PS3.3, C.11.1.1.2). The source may be the destination
// itself when both have two bytes: every element is read before it is written.
// O(n) time, no memory.

#include <cstdint>
#include <limits>
#include <type_traits>

namespace {

constexpr int kDone = 0;
constexpr int kDoesNotFit = 1;
constexpr int kBadArgument = 2;

struct Layout {
    int swap;
    int shift;      // bits below the stored ones
    int bits;       // bits stored
    int is_signed;
};

inline uint8_t swapped(uint8_t value) { return value; }
inline uint16_t swapped(uint16_t value) { return static_cast<uint16_t>((value >> 8) | (value << 8)); }
inline uint32_t swapped(uint32_t value) { return __builtin_bswap32(value); }

// The plain case is compiled apart so that the loop over a signed or unsigned
// 16-bit plane carries no shifts and vectorises.
template <typename Word, bool kPlain>
inline int32_t stored_signed(Word word, const Layout& layout) {
    if constexpr (kPlain) {
        return static_cast<int32_t>(static_cast<std::make_signed_t<Word>>(word));
    } else {
        if (layout.swap) word = swapped(word);
        const uint32_t bits = static_cast<uint32_t>(word) >> layout.shift;
        const int spare = 32 - layout.bits;
        return static_cast<int32_t>(bits << spare) >> spare;
    }
}

template <typename Word, bool kPlain>
inline int64_t stored_unsigned(Word word, const Layout& layout) {
    if constexpr (kPlain) {
        return static_cast<int64_t>(word);
    } else {
        if (layout.swap) word = swapped(word);
        const uint32_t bits = static_cast<uint32_t>(word) >> layout.shift;
        const int spare = 32 - layout.bits;
        return static_cast<int64_t>((bits << spare) >> spare);
    }
}

template <typename Word, bool kPlain, bool kSigned>
int to_int16(const Word* source, int64_t count, const Layout& layout, int64_t pad_low, int64_t pad_high,
             int64_t slope, int64_t intercept, int16_t* target, int64_t* facts) {
    constexpr int16_t kUnmeasured = std::numeric_limits<int16_t>::min();
    // Narrow arithmetic vectorises; a wide word or a huge slope cannot use it.
    const bool narrow = sizeof(Word) <= 2 && slope > -16384 && slope < 16384 && intercept > -(1LL << 29) &&
                        intercept < (1LL << 29);
    int64_t lowest = std::numeric_limits<int64_t>::max();
    int64_t highest = std::numeric_limits<int64_t>::min();
    int64_t padded = 0;
    if (narrow) {
        const bool pads = pad_low <= pad_high;
        const int32_t from = pads ? static_cast<int32_t>(pad_low) : 1;
        const int32_t to = pads ? static_cast<int32_t>(pad_high) : 0;
        const int32_t factor = static_cast<int32_t>(slope), shift = static_cast<int32_t>(intercept);
        int32_t low = std::numeric_limits<int32_t>::max(), high = std::numeric_limits<int32_t>::min();
        int32_t holes = 0;
        for (int64_t i = 0; i < count; ++i) {
            const int32_t stored = kSigned ? stored_signed<Word, kPlain>(source[i], layout)
                                           : static_cast<int32_t>(stored_unsigned<Word, kPlain>(source[i], layout));
            const bool hole = (stored >= from) & (stored <= to);
            const int32_t value = stored * factor + shift;
            const int32_t for_low = hole ? std::numeric_limits<int32_t>::max() : value;
            const int32_t for_high = hole ? std::numeric_limits<int32_t>::min() : value;
            low = for_low < low ? for_low : low;
            high = for_high > high ? for_high : high;
            holes += hole;
            target[i] = hole ? kUnmeasured : static_cast<int16_t>(value);
        }
        padded = holes;
        if (padded < count) { lowest = low; highest = high; }
    } else {
        for (int64_t i = 0; i < count; ++i) {
            const int64_t stored = kSigned ? stored_signed<Word, kPlain>(source[i], layout)
                                           : stored_unsigned<Word, kPlain>(source[i], layout);
            if (stored >= pad_low && stored <= pad_high) {
                ++padded;
                target[i] = kUnmeasured;
                continue;
            }
            int64_t value = 0;
            if (__builtin_mul_overflow(stored, slope, &value)) return kDoesNotFit;
            if (__builtin_add_overflow(value, intercept, &value)) return kDoesNotFit;
            lowest = value < lowest ? value : lowest;
            highest = value > highest ? value : highest;
            target[i] = static_cast<int16_t>(value);
        }
    }
    facts[0] = lowest;
    facts[1] = highest;
    facts[2] = padded;
    if (padded == count) return kDone;
    return (lowest > kUnmeasured && highest <= std::numeric_limits<int16_t>::max()) ? kDone : kDoesNotFit;
}

template <typename Word, bool kPlain, bool kSigned>
int to_float32(const Word* source, int64_t count, const Layout& layout, int64_t pad_low, int64_t pad_high,
               double slope, double intercept, float* target, double* facts) {
    double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
    int64_t padded = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t stored = kSigned ? stored_signed<Word, kPlain>(source[i], layout)
                                       : stored_unsigned<Word, kPlain>(source[i], layout);
        if (stored >= pad_low && stored <= pad_high) {
            ++padded;
            target[i] = std::numeric_limits<float>::quiet_NaN();
            continue;
        }
        const float value = static_cast<float>(static_cast<double>(stored) * slope + intercept);
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
        target[i] = value;
    }
    facts[0] = lowest;
    facts[1] = highest;
    facts[2] = static_cast<double>(padded);
    return kDone;
}

// Calls `run` with the word type, plainness and sign as compile-time facts.
template <typename Run>
int dispatch(int bytes, const Layout& layout, Run run) {
    const bool plain = (!layout.swap || bytes == 1) && layout.shift == 0 && layout.bits == 8 * bytes;
    const auto by_word = [&](auto word) {
        if (plain) return layout.is_signed ? run(word, std::true_type{}, std::true_type{})
                                           : run(word, std::true_type{}, std::false_type{});
        return layout.is_signed ? run(word, std::false_type{}, std::true_type{})
                                : run(word, std::false_type{}, std::false_type{});
    };
    switch (bytes) {
        case 1: return by_word(uint8_t{});
        case 2: return by_word(uint16_t{});
        case 4: return by_word(uint32_t{});
        default: return kBadArgument;
    }
}

bool is_sound(int bytes, const Layout& layout) {
    return layout.bits >= 1 && layout.shift >= 0 && layout.bits + layout.shift <= 8 * bytes;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// facts: lowest and highest measured value, number of padded pixels.
EXPORTED int pixels_to_int16(const void* source, int64_t count, int bytes, int swap, int shift, int bits,
                             int is_signed, int64_t pad_low, int64_t pad_high, int64_t slope, int64_t intercept,
                             int16_t* target, int64_t* facts) {
    const Layout layout{swap, shift, bits, is_signed};
    if (!is_sound(bytes, layout)) return kBadArgument;
    return dispatch(bytes, layout, [&](auto word, auto plain, auto sign) {
        using Word = decltype(word);
        return to_int16<Word, decltype(plain)::value, decltype(sign)::value>(
            static_cast<const Word*>(source), count, layout, pad_low, pad_high, slope, intercept, target, facts);
    });
}

EXPORTED int pixels_to_float32(const void* source, int64_t count, int bytes, int swap, int shift, int bits,
                               int is_signed, int64_t pad_low, int64_t pad_high, double slope, double intercept,
                               float* target, double* facts) {
    const Layout layout{swap, shift, bits, is_signed};
    if (!is_sound(bytes, layout)) return kBadArgument;
    return dispatch(bytes, layout, [&](auto word, auto plain, auto sign) {
        using Word = decltype(word);
        return to_float32<Word, decltype(plain)::value, decltype(sign)::value>(
            static_cast<const Word*>(source), count, layout, pad_low, pad_high, slope, intercept, target, facts);
    });
}

// Marks the pixels between low and high, both included, as never measured; returns how many.
EXPORTED int64_t pixels_erase_int16(int16_t* target, int64_t count, int16_t low, int16_t high) {
    int64_t erased = 0;
    for (int64_t i = 0; i < count; ++i) {
        const bool hole = (target[i] >= low) & (target[i] <= high);
        erased += hole;
        target[i] = hole ? std::numeric_limits<int16_t>::min() : target[i];
    }
    return erased;
}
