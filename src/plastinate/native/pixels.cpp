// Stored pixels of one image plane -> modality values on the volume's own type.
//
// One pass over a plane that is still in cache: byte order, bits stored and
// sign (DICOM PS3.5, section 8.1.1), padding (PS3.3, C.7.5.1.1.2) and the linear
// modality transform (PS3.3, C.11.1.1.2). The source may be the destination
// itself when both have two bytes: every block is read before it is written.
// O(n) time, one block of memory.

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

// Words of at most 16 bits are brought to int16 first (an unsigned one of 16 bits
// minus 32768), block by block; from there on everything is 16-bit arithmetic
// modulo 2^16, eight lanes at a time even in SSE2, and exact whenever the ends
// of the range fit: which is known from the lowest and highest word.
constexpr int64_t kBlock = 4096;

template <typename Word, bool kSigned>
void to_words16(const Word* source, int64_t count, const Layout& layout, int16_t* words) {
    const int unused = 16 - layout.bits - (sizeof(Word) == 1 ? 8 : 0);
    if constexpr (sizeof(Word) == 1) {
        const int left = 8 + unused - layout.shift, right = 8 + unused;
        for (int64_t i = 0; i < count; ++i) {
            const uint16_t lifted = static_cast<uint16_t>(source[i] << left);
            words[i] = kSigned ? static_cast<int16_t>(static_cast<int16_t>(lifted) >> right)
                               : static_cast<int16_t>(lifted >> right);
        }
    } else {
        const int left = unused - layout.shift, right = unused;
        if (layout.swap) {
            for (int64_t i = 0; i < count; ++i) words[i] = static_cast<int16_t>(swapped(source[i]));
        } else {
            for (int64_t i = 0; i < count; ++i) words[i] = static_cast<int16_t>(source[i]);
        }
        if (unused > 0 && kSigned) {
            for (int64_t i = 0; i < count; ++i)
                words[i] = static_cast<int16_t>(
                    static_cast<int16_t>(static_cast<uint16_t>(words[i]) << left) >> right);
        } else if (unused > 0) {
            for (int64_t i = 0; i < count; ++i)
                words[i] = static_cast<int16_t>(
                    static_cast<uint16_t>(static_cast<uint16_t>(words[i]) << left) >> right);
        } else if (!kSigned) {
            for (int64_t i = 0; i < count; ++i) words[i] = static_cast<int16_t>(words[i] ^ 0x8000);
        }
    }
}

struct Range {
    int16_t lowest = std::numeric_limits<int16_t>::max();
    int16_t highest = std::numeric_limits<int16_t>::min();
    int64_t padded = 0;
};

// Values of one block, and the range of its measured words.
void transform_block(const int16_t* words, int64_t count, int16_t factor, int16_t offset, int16_t* target,
                     Range& range) {
    int16_t low = range.lowest, high = range.highest;
    for (int64_t i = 0; i < count; ++i) low = words[i] < low ? words[i] : low;
    for (int64_t i = 0; i < count; ++i) high = words[i] > high ? words[i] : high;
    range.lowest = low;
    range.highest = high;
    for (int64_t i = 0; i < count; ++i)
        target[i] = static_cast<int16_t>(static_cast<uint16_t>(words[i]) * static_cast<uint16_t>(factor) +
                                         static_cast<uint16_t>(offset));
}

void transform_padded_block(int16_t* words, int64_t count, int16_t from, int16_t to, int16_t factor, int16_t offset,
                            int16_t* target, Range& range) {
    int16_t low = range.lowest, high = range.highest;
    int32_t holes = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int16_t word = words[i];
        const bool hole = (word >= from) & (word <= to);
        const int16_t for_low = hole ? std::numeric_limits<int16_t>::max() : word;
        const int16_t for_high = hole ? std::numeric_limits<int16_t>::min() : word;
        low = for_low < low ? for_low : low;
        high = for_high > high ? for_high : high;
        holes += hole;
        const int16_t value = static_cast<int16_t>(static_cast<uint16_t>(word) * static_cast<uint16_t>(factor) +
                                                   static_cast<uint16_t>(offset));
        target[i] = hole ? std::numeric_limits<int16_t>::min() : value;
    }
    range.lowest = low;
    range.highest = high;
    range.padded += holes;
}

template <typename Word, bool kSigned>
int to_int16_narrow(const Word* source, int64_t count, const Layout& layout, int64_t pad_low, int64_t pad_high,
                    int64_t slope, int64_t intercept, int16_t* target, int64_t* facts) {
    const int64_t bias = (!kSigned && layout.bits == 16) ? 32768 : 0;
    const bool pads = pad_low <= pad_high;
    const auto factor = static_cast<int16_t>(static_cast<uint64_t>(slope));
    const auto offset = static_cast<int16_t>(static_cast<uint64_t>(intercept + bias * slope));
    int16_t words[kBlock];
    Range range;
    for (int64_t at = 0; at < count; at += kBlock) {
        const int64_t size = count - at < kBlock ? count - at : kBlock;
        to_words16<Word, kSigned>(source + at, size, layout, words);
        if (pads)
            transform_padded_block(words, size, static_cast<int16_t>(pad_low - bias),
                                   static_cast<int16_t>(pad_high - bias), factor, offset, target + at, range);
        else
            transform_block(words, size, factor, offset, target + at, range);
    }
    const int64_t one = (range.lowest + bias) * slope + intercept, other = (range.highest + bias) * slope + intercept;
    facts[0] = one < other ? one : other;
    facts[1] = one < other ? other : one;
    facts[2] = range.padded;
    if (range.padded == count) {
        facts[0] = 1;
        facts[1] = 0;
        return kDone;
    }
    return facts[0] > std::numeric_limits<int16_t>::min() && facts[1] <= std::numeric_limits<int16_t>::max()
               ? kDone
               : kDoesNotFit;
}

template <typename Word, bool kPlain, bool kSigned>
int to_int16(const Word* source, int64_t count, const Layout& layout, int64_t pad_low, int64_t pad_high,
             int64_t slope, int64_t intercept, int16_t* target, int64_t* facts) {
    // Within these the ends of the range cannot overflow 64 bits.
    if (slope < -(1LL << 40) || slope > (1LL << 40) || intercept < -(1LL << 60) || intercept > (1LL << 60))
        return kDoesNotFit;
    if constexpr (sizeof(Word) <= 2) {
        return to_int16_narrow<Word, kSigned>(source, count, layout, pad_low, pad_high, slope, intercept, target,
                                              facts);
    } else {
        int64_t lowest = std::numeric_limits<int64_t>::max(), highest = std::numeric_limits<int64_t>::min();
        int64_t padded = 0;
        for (int64_t i = 0; i < count; ++i) {
            const int64_t stored = kSigned ? stored_signed<Word, kPlain>(source[i], layout)
                                           : stored_unsigned<Word, kPlain>(source[i], layout);
            if (stored >= pad_low && stored <= pad_high) {
                ++padded;
                target[i] = std::numeric_limits<int16_t>::min();
                continue;
            }
            int64_t value = 0;
            if (__builtin_mul_overflow(stored, slope, &value)) return kDoesNotFit;
            if (__builtin_add_overflow(value, intercept, &value)) return kDoesNotFit;
            lowest = value < lowest ? value : lowest;
            highest = value > highest ? value : highest;
            target[i] = static_cast<int16_t>(value);
        }
        facts[0] = padded == count ? 1 : lowest;
        facts[1] = padded == count ? 0 : highest;
        facts[2] = padded;
        return padded == count || (lowest > std::numeric_limits<int16_t>::min() &&
                                   highest <= std::numeric_limits<int16_t>::max())
                   ? kDone
                   : kDoesNotFit;
    }
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
