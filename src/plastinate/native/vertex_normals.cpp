// Triangles in, one unit normal for each vertex out.
//
// Each triangle gives its unit normal to its three corners, weighted by the angle
// there (Thuermer and Wuethrich, "Computing vertex normals from polygonal facets",
// Journal of Graphics Tools 3(1), 1998): unlike area weights the result does not
// depend on how a flat part was cut into triangles.
//
// O(triangles) time, 24 bytes per vertex of scratch. One thread: the sums stay in
// the order of the triangles, so the result never depends on the machine's cores.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

using std::size_t;

namespace {

struct Vector {
    double x, y, z;
};

inline Vector between(const float *from, const float *to) {
    return {double(to[0]) - from[0], double(to[1]) - from[1], double(to[2]) - from[2]};
}

inline double dot(const Vector &a, const Vector &b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

}  // namespace

// Returns 0, or 1 when memory ran out. `normals` holds 3 floats for each vertex;
// a vertex whose triangles have no area or cancel out gets (0, 0, 1).
extern "C" __attribute__((visibility("default"))) int plastinate_vertex_normals(
    const float *vertices, int64_t vertex_count, const uint32_t *triangles, int64_t triangle_count,
    float *normals) {
    try {
        std::vector<Vector> sums(static_cast<size_t>(vertex_count), Vector{0, 0, 0});
        for (int64_t t = 0; t < triangle_count; ++t) {
            const uint32_t *corner = triangles + 3 * t;
            const float *p[3] = {vertices + 3 * size_t(corner[0]), vertices + 3 * size_t(corner[1]),
                                 vertices + 3 * size_t(corner[2])};
            const Vector u = between(p[0], p[1]), v = between(p[0], p[2]);
            const Vector n = {u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x};
            const double doubled_area = std::sqrt(dot(n, n));
            if (!(doubled_area > 0)) continue;
            for (int k = 0; k < 3; ++k) {
                const Vector a = between(p[k], p[(k + 1) % 3]), b = between(p[k], p[(k + 2) % 3]);
                // atan2 keeps its digits where acos of a dot product near 1 loses half of them.
                const double weight = std::atan2(doubled_area, dot(a, b)) / doubled_area;
                Vector &sum = sums[corner[k]];
                sum.x += weight * n.x;
                sum.y += weight * n.y;
                sum.z += weight * n.z;
            }
        }
        for (int64_t i = 0; i < vertex_count; ++i) {
            const Vector &sum = sums[i];
            const double length = std::sqrt(dot(sum, sum));
            float *out = normals + 3 * i;
            if (length > 1e-12) {
                out[0] = float(sum.x / length);
                out[1] = float(sum.y / length);
                out[2] = float(sum.z / length);
            } else {
                out[0] = 0.0f;
                out[1] = 0.0f;
                out[2] = 1.0f;
            }
        }
        return 0;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}
