// Triangles on a screen -> depth and normals for each pixel; depth -> ambient occlusion.
//
// A plain scan-line rasteriser with edge functions (Pineda 1988, "A parallel
// algorithm for polygon rasterization") and a depth buffer, in bands of rows that
// threads share: a band writes its own rows only, so the picture does not depend on
// the thread count. Ambient occlusion compares each pixel's depth with a fixed
// spiral of neighbours (after Mittring 2007, "Finding next gen", section 8.5.4.3).
//
// It exists so that a picture needs no graphics driver and is the same on every
// machine. Cost: one pass over the triangles per band; memory: the buffers given.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "parallel.hpp"

namespace {

constexpr std::int64_t BAND_ROWS = 64;

struct Screen {
    const float* vertices;  // (V, 3): x and y in pixels, depth growing away from the eye
    const float* normals;   // (V, 3)
    std::int64_t width, height;
    float* depth;   // (H, W), starts at infinity
    float* normal;  // (H, W, 3)
};

void draw(const Screen& screen, const std::uint32_t* corner, std::int64_t row_begin, std::int64_t row_end) {
    const float* a = screen.vertices + 3 * std::int64_t(corner[0]);
    const float* b = screen.vertices + 3 * std::int64_t(corner[1]);
    const float* c = screen.vertices + 3 * std::int64_t(corner[2]);
    const float low_y = std::min({a[1], b[1], c[1]}), high_y = std::max({a[1], b[1], c[1]});
    if (high_y < float(row_begin) || low_y >= float(row_end)) return;
    const double area = (double(b[0]) - a[0]) * (double(c[1]) - a[1]) - (double(b[1]) - a[1]) * (double(c[0]) - a[0]);
    if (area == 0) return;
    const float low_x = std::min({a[0], b[0], c[0]}), high_x = std::max({a[0], b[0], c[0]});
    const auto first_row = std::max(row_begin, std::int64_t(std::floor(low_y)));
    const auto last_row = std::min(row_end - 1, std::int64_t(std::ceil(high_y)));
    const auto first_column = std::max<std::int64_t>(0, std::int64_t(std::floor(low_x)));
    const auto last_column = std::min(screen.width - 1, std::int64_t(std::ceil(high_x)));
    for (std::int64_t row = first_row; row <= last_row; ++row) {
        for (std::int64_t column = first_column; column <= last_column; ++column) {
            const double x = double(column) + 0.5, y = double(row) + 0.5;
            const double u = ((double(b[0]) - x) * (double(c[1]) - y) - (double(b[1]) - y) * (double(c[0]) - x)) / area;
            const double v = ((double(c[0]) - x) * (double(a[1]) - y) - (double(c[1]) - y) * (double(a[0]) - x)) / area;
            const double w = 1.0 - u - v;
            if (u < 0 || v < 0 || w < 0) continue;
            const std::int64_t pixel = row * screen.width + column;
            const float depth = float(u * a[2] + v * b[2] + w * c[2]);
            if (depth >= screen.depth[pixel]) continue;
            screen.depth[pixel] = depth;
            for (int k = 0; k < 3; ++k)
                screen.normal[3 * pixel + k] = float(u * screen.normals[3 * std::int64_t(corner[0]) + k] +
                                                     v * screen.normals[3 * std::int64_t(corner[1]) + k] +
                                                     w * screen.normals[3 * std::int64_t(corner[2]) + k]);
        }
    }
}

}  // namespace

PLASTINATE_API int plastinate_rasterise(const float* vertices, const float* normals, const std::uint32_t* triangles,
                                        std::int64_t triangle_count, std::int64_t width, std::int64_t height,
                                        float* depth, float* normal, int threads) {
    const Screen screen{vertices, normals, width, height, depth, normal};
    const std::int64_t bands = (height + BAND_ROWS - 1) / BAND_ROWS;
    return plastinate::share(bands, threads, [&](std::int64_t band) {
        const std::int64_t begin = band * BAND_ROWS, end = std::min(height, begin + BAND_ROWS);
        for (std::int64_t t = 0; t < triangle_count; ++t) draw(screen, triangles + 3 * t, begin, end);
    });
}

// openness: (H, W), 1 where nothing near stands in the way of light, towards 0 in folds.
PLASTINATE_API int plastinate_ambient_openness(const float* depth, std::int64_t width, std::int64_t height,
                                               float radius_px, float depth_px, float* openness, int threads) {
    constexpr int SAMPLES = 32;
    constexpr double GOLDEN_ANGLE = 2.399963229728653;
    std::int64_t dx[SAMPLES], dy[SAMPLES];
    float reach[SAMPLES];
    for (int s = 0; s < SAMPLES; ++s) {
        const double r = radius_px * std::sqrt((s + 0.5) / SAMPLES), turn = s * GOLDEN_ANGLE;
        dx[s] = std::int64_t(std::lround(r * std::cos(turn)));
        dy[s] = std::int64_t(std::lround(r * std::sin(turn)));
        reach[s] = float(r);
    }
    return plastinate::share(height, threads, [&](std::int64_t row) {
        for (std::int64_t column = 0; column < width; ++column) {
            const std::int64_t pixel = row * width + column;
            openness[pixel] = 1.0f;
            if (!std::isfinite(depth[pixel])) continue;
            float blocked = 0;
            // Opposite samples in pairs: a plane seen at a slant rises on one side by what it
            // falls on the other, and must not shade itself.
            for (int s = 0; s < SAMPLES; ++s) {
                float rise = 0;
                bool both = true;
                for (int side = 0; side < 2 && both; ++side) {
                    const std::int64_t x = column + (side ? -dx[s] : dx[s]), y = row + (side ? -dy[s] : dy[s]);
                    both = x >= 0 && y >= 0 && x < width && y < height && std::isfinite(depth[y * width + x]);
                    if (!both) break;
                    const float up = (depth[pixel] - depth[y * width + x]) / depth_px;
                    // What stands far in front is another thing, not a fold; past a rim there is nothing.
                    both = std::fabs(up) < 4.0f * radius_px;
                    rise += up;
                }
                if (!both) continue;
                const float higher = std::max(0.0f, rise);
                blocked += std::min(1.0f, higher / (reach[s] + 1.0f));
            }
            openness[pixel] = 1.0f - blocked / SAMPLES;
        }
    });
}
