// Whether two triangles run through each other: a quick test in double, for keeping crossings out;
// the exact one that counts them is in crossings.cpp.
#pragma once
#include "edge_quadric.hpp"

namespace plastinate {

inline double side_of(Vec a, Vec b, Vec c, Vec p) {
    const double ux = double(b.x) - a.x, uy = double(b.y) - a.y, uz = double(b.z) - a.z;
    const double vx = double(c.x) - a.x, vy = double(c.y) - a.y, vz = double(c.z) - a.z;
    const double wx = double(p.x) - a.x, wy = double(p.y) - a.y, wz = double(p.z) - a.z;
    return wx * (uy * vz - uz * vy) + wy * (uz * vx - ux * vz) + wz * (ux * vy - uy * vx);
}

// Does the segment p-q pass through the triangle?
inline bool pierces(Vec p, Vec q, const Vec* t) {
    const double from = side_of(t[0], t[1], t[2], p), to = side_of(t[0], t[1], t[2], q);
    if ((from > 0 && to > 0) || (from < 0 && to < 0)) return false;
    const double x = side_of(p, q, t[0], t[1]), y = side_of(p, q, t[1], t[2]), z = side_of(p, q, t[2], t[0]);
    return (x >= 0 && y >= 0 && z >= 0) || (x <= 0 && y <= 0 && z <= 0);
}

inline bool boxes_apart(const Vec* s, const Vec* t) {
    const auto apart = [](float a, float b, float c, float d, float e, float f) {
        const float s_low = a < b ? (a < c ? a : c) : (b < c ? b : c), s_high = a > b ? (a > c ? a : c) : (b > c ? b : c);
        const float t_low = d < e ? (d < f ? d : f) : (e < f ? e : f), t_high = d > e ? (d > f ? d : f) : (e > f ? e : f);
        return s_low > t_high || t_low > s_high;
    };
    return apart(s[0].x, s[1].x, s[2].x, t[0].x, t[1].x, t[2].x) ||
           apart(s[0].y, s[1].y, s[2].y, t[0].y, t[1].y, t[2].y) ||
           apart(s[0].z, s[1].z, s[2].z, t[0].z, t[1].z, t[2].z);
}

// Triangles with corner numbers; those with two corners in common are neighbours and do not count.
inline bool cross_each_other(const Vec* s, const unsigned* s_corner, const Vec* t, const unsigned* t_corner) {
    if (boxes_apart(s, t)) return false;
    int shared = 0, s_at = -1, t_at = -1;
    for (int k = 0; k < 3; ++k)
        for (int j = 0; j < 3; ++j)
            if (s_corner[k] == t_corner[j]) ++shared, s_at = k, t_at = j;
    if (shared >= 2) return false;
    if (shared == 1)
        return pierces(s[(s_at + 1) % 3], s[(s_at + 2) % 3], t) || pierces(t[(t_at + 1) % 3], t[(t_at + 2) % 3], s);
    for (int k = 0; k < 3; ++k)
        if (pierces(s[k], s[(k + 1) % 3], t) || pierces(t[k], t[(k + 1) % 3], s)) return true;
    return false;
}

}  // namespace plastinate
