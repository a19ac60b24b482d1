// The squared distance to a weighted set of planes, lines and points, and the place where it is least.
//
// Source: Garland & Heckbert, "Surface simplification using quadric error metrics", SIGGRAPH 1997,
// sections 3 and 4; kept about the position of the vertex that owns it, because about a common
// centre far away float32 sums lose all digits.
#pragma once
#include <cmath>

namespace plastinate {

struct Vec {
    float x, y, z;
};
inline Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec operator*(float s, Vec a) { return {s * a.x, s * a.y, s * a.z}; }
inline float dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec cross(Vec a, Vec b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

// The squared distance to weighted planes, lines and points as a function of the offset y from
// the vertex that owns it: y'Ay + 2b'y + c.
struct Quadric {
    float xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0, bx = 0, by = 0, bz = 0, c = 0;

    Vec times(Vec y) const {
        return {xx * y.x + xy * y.y + xz * y.z, xy * y.x + yy * y.y + yz * y.z, xz * y.x + yz * y.y + zz * y.z};
    }
    float at(Vec y) const { return dot(y, times(y)) + 2 * (bx * y.x + by * y.y + bz * y.z) + c; }
    // The same function about a centre moved by t.
    Quadric about(Vec t) const {
        Quadric moved = *this;
        const Vec at_t = times(t);
        moved.c = dot(t, at_t) + 2 * (bx * t.x + by * t.y + bz * t.z) + c;
        moved.bx += at_t.x;
        moved.by += at_t.y;
        moved.bz += at_t.z;
        return moved;
    }
    void add(const Quadric& o) {
        xx += o.xx, xy += o.xy, xz += o.xz, yy += o.yy, yz += o.yz, zz += o.zz;
        bx += o.bx, by += o.by, bz += o.bz, c += o.c;
    }
    void add_plane(Vec normal, float weight) {
        xx += weight * normal.x * normal.x, xy += weight * normal.x * normal.y;
        xz += weight * normal.x * normal.z, yy += weight * normal.y * normal.y;
        yz += weight * normal.y * normal.z, zz += weight * normal.z * normal.z;
    }
    void add_point(float weight) { xx += weight, yy += weight, zz += weight; }
    // Where it is least (Cholesky; the point weight keeps A positive definite).
    bool least(Vec& y) const {
        const float floor = 1e-6f * (xx + yy + zz);
        if (!(xx > floor)) return false;
        const float l10 = xy / xx, l20 = xz / xx;
        const float d1 = yy - l10 * xy;
        if (!(d1 > floor)) return false;
        const float e = yz - l10 * xz, l21 = e / d1;
        const float d2 = zz - l20 * xz - l21 * e;
        if (!(d2 > floor)) return false;
        const float z0 = -bx, z1 = -by - l10 * z0, z2 = -bz - l20 * z0 - l21 * z1;
        y.z = z2 / d2;
        y.y = z1 / d1 - l21 * y.z;
        y.x = z0 / xx - l10 * y.y - l20 * y.z;
        return true;
    }
};

}  // namespace plastinate
