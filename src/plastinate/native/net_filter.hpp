// Low-pass filter of a net: neighbours averaged, waves shorter than the pass band taken out.
//
// Source: Taubin, Zhang & Golub, "Optimal surface smoothing as filter design", ECCV 1996, sections
// 4 to 6 (windowed sinc in Chebyshev polynomials, Hamming window).
//
// O(vertices x iterations); five times three floats for each vertex while it runs.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "parallel.hpp"

namespace plastinate {

constexpr std::uint32_t NO_LINK = 0xffffffffu;

struct Links {
    std::uint32_t to[6];
};

// Coefficients of h in Chebyshev polynomials of 1 - k, where the windowed-sinc filter is
// f(k) = 1 - k h(k). Filtering the Laplacian k x instead of x keeps every number below one
// voxel, which float32 holds a thousand times finer than a coordinate.
inline std::vector<double> filter_coefficients(int iterations, double pass_band) {
    const double pi = std::acos(-1.0);
    const int n = iterations;
    const double edge = std::acos(1.0 - 0.5 * pass_band);
    std::vector<double> window(n + 1), sinc(n + 1);
    for (int k = 0; k <= n; ++k) window[k] = 0.54 + 0.46 * std::cos(pi * k / (n + 1));
    const auto value = [&](const std::vector<double>& c, double k) {
        const double angle = std::acos(std::max(-1.0, std::min(1.0, 1.0 - 0.5 * k)));
        double sum = 0;
        for (int j = 0; j <= n; ++j) sum += c[j] * std::cos(j * angle);
        return sum;
    };
    const auto design = [&](double sigma) {
        sinc[0] = window[0] * (edge + sigma) / pi;
        for (int k = 1; k <= n; ++k) sinc[k] = 2 * window[k] * std::sin(k * (edge + sigma)) / (k * pi);
    };
    // The window widens the step; shift its edge out until the pass band passes nearly whole. Asking
    // for 1 exactly would go on to the ripples far out and filter nothing.
    double sigma = 0;
    design(sigma);
    while (value(sinc, pass_band) < 0.99 * value(sinc, 0) && sigma < 1) design(sigma += 1e-3);
    const double whole = value(sinc, 0);
    std::vector<double> h(n), coefficients(n, 0.0);
    for (int j = 0; j < n; ++j) {
        const double k = 1 - std::cos(pi * (j + 0.5) / n);
        h[j] = (1 - value(sinc, k) / whole) / k;
    }
    for (int m = 0; m < n; ++m) {
        for (int j = 0; j < n; ++j) coefficients[m] += h[j] * std::cos(pi * m * (j + 0.5) / n);
        coefficients[m] *= (m ? 2.0 : 1.0) / n;
    }
    return coefficients;
}

// A low-pass filter takes a vessel three voxels thick for noise and shrinks it to its axis. So a
// gentler filter runs along, at the price of one more sum, and a vertex that the two would move
// to places unlike each other follows the gentler one.
constexpr double GENTLER = 10;
constexpr float ALIKE = 0.08f, UNLIKE = 0.2f;  // voxels

// centre: (V, 3) whole or half numbers; held: bit k keeps a vertex along axis k; reach: voxels a
// vertex may go along each axis. Fills moved, (V, 3) voxels.
inline int low_pass(const std::vector<float>& centre, const std::vector<Links>& links,
                    const std::vector<std::uint8_t>& held, int iterations, double pass_band, float reach, int threads,
                    std::vector<float>& moved) {
    using i64 = std::int64_t;
    const i64 count = i64(links.size());
    if (iterations < 1 || count == 0) return OK;
    const std::vector<double> strong = filter_coefficients(iterations, pass_band);
    const std::vector<double> gentle = filter_coefficients(iterations, std::min(1.0, GENTLER * pass_band));
    std::vector<float> before(3 * count), now(3 * count), next(3 * count), gently(3 * count);
    std::vector<float>& sum = moved;
    const i64 block = 1 << 15, blocks = (count + block - 1) / block;
    // W x: the mean over the links, zero along an axis that is held.
    const auto averaged = [&](const std::vector<float>& x, i64 v, float* mean) {
        float total[3] = {0, 0, 0};
        int n = 0;
        for (; n < 6 && links[v].to[n] != NO_LINK; ++n)
            for (int k = 0; k < 3; ++k) total[k] += x[3 * std::size_t(links[v].to[n]) + k];
        for (int k = 0; k < 3; ++k) mean[k] = total[k] / float(n);
    };
    int status = share(blocks, threads, [&](i64 b) {
        for (i64 v = b * block; v < std::min(count, (b + 1) * block); ++v) {
            float mean[3];
            averaged(centre, v, mean);
            for (int k = 0; k < 3; ++k) {
                const bool is_held = held[v] >> k & 1;
                before[3 * v + k] = is_held ? 0 : centre[3 * v + k] - mean[k];
                sum[3 * v + k] = -float(strong[0]) * before[3 * v + k];
                gently[3 * v + k] = -float(gentle[0]) * before[3 * v + k];
            }
        }
    });
    for (int m = 1; m < iterations && !status; ++m) {
        status = share(blocks, threads, [&](i64 b) {
            for (i64 v = b * block; v < std::min(count, (b + 1) * block); ++v) {
                float mean[3];
                averaged(m == 1 ? before : now, v, mean);
                for (int k = 0; k < 3; ++k) {
                    const std::size_t at = 3 * std::size_t(v) + k;
                    const bool is_held = held[v] >> k & 1;
                    const float value = is_held ? 0 : m == 1 ? mean[k] : 2 * mean[k] - before[at];
                    next[at] = value;
                    sum[at] -= float(strong[m]) * value;
                    gently[at] -= float(gentle[m]) * value;
                }
            }
        });
        if (m > 1) before.swap(now);
        now.swap(next);
    }
    return status ? status : share(blocks, threads, [&](i64 b) {
        for (i64 v = b * block; v < std::min(count, (b + 1) * block); ++v) {
            float* to = &sum[3 * std::size_t(v)];
            const float* mild = &gently[3 * std::size_t(v)];
            float apart = 0;
            for (int k = 0; k < 3; ++k) apart += (to[k] - mild[k]) * (to[k] - mild[k]);
            const float share_of_mild =
                std::max(0.0f, std::min(1.0f, (std::sqrt(apart) - ALIKE) / (UNLIKE - ALIKE)));
            for (int k = 0; k < 3; ++k) {
                to[k] += share_of_mild * (mild[k] - to[k]);
                to[k] = std::max(-reach, std::min(reach, to[k]));
            }
        }
    });
}

}  // namespace plastinate
