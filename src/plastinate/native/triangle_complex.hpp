// A triangle 2-complex in flat arrays: which triangles are at a vertex, what kind of place it is,
// and the quadric of its surroundings. What may be collapsed is in collapse_rules.hpp.
//
// Source: the kinds are the orders of Dey, Edelsbrunner, Guha & Nekhayev, "Topology preserving edge
// contraction", 1999, section 2: a vertex of a surface, of a curve where surfaces join, of neither.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "edge_quadric.hpp"
#include "parallel.hpp"

namespace plastinate {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;

constexpr u32 NONE = 0xffffffffu;
// Weight of staying near the old vertices against staying on their planes:
// keeps every system solvable and flat regions evenly meshed.
constexpr float POINT_WEIGHT = 1e-4f;
constexpr float LINE_WEIGHT = 1.0f;  // junction curves, against the planes beside them
constexpr int MOST_RING = 48;        // triangles at one vertex that a collapse will look at

enum Kind : u8 { SURFACE = 0, CURVE = 1, CORNER = 2 };

struct Vertex {
    Vec p;
    Quadric q;
    u32 seen = 0;  // stamp of the collapse that last looked at it
    u8 kind = SURFACE;
    u8 taken = 0;  // took part in a collapse of this pass
    u8 dead = 0;
    u8 spare = 0;
    u32 unused = 0;
};
static_assert(sizeof(Vertex) == 64, "one cache line for each vertex");

struct Triangle {
    u32 v[3];
};
struct Labels {
    u16 front, back;
};

// A triangle seen from one of its corners, in winding order.
struct Wedge {
    u32 triangle, next, prev;
};

struct Ring {
    Wedge wedge[MOST_RING];
    int count = 0;
};
// Calls work(start, stop) for blocks of [0, count); `work` asks for no memory.
template <class Work>
void in_blocks(i64 count, int threads, Work work) {
    constexpr i64 BLOCK = 16384;
    share((count + BLOCK - 1) / BLOCK, threads,
          [&](i64 k) { work(k * BLOCK, std::min(count, (k + 1) * BLOCK)); });
}

class TriangleComplex {
   public:
    TriangleComplex(const float* points, i64 vertex_count, const u32* corners, i64 triangle_count,
                    const u16* labels, int threads)
        : threads_(threads), vertices_(vertex_count), triangles_(triangle_count) {
        for (i64 v = 0; v < vertex_count; ++v) vertices_[v].p = {points[3 * v], points[3 * v + 1], points[3 * v + 2]};
        if (triangle_count) std::memcpy(triangles_.data(), corners, triangle_count * sizeof(Triangle));
        if (labels && triangle_count) {
            labels_.resize(triangle_count);
            std::memcpy(labels_.data(), labels, triangle_count * sizeof(Labels));
        }
        compact();
        in_blocks(i64(vertices_.size()), threads_, [this](i64 start, i64 stop) {
            for (i64 v = start; v < stop; ++v) prepare(u32(v));
        });
    }

    i64 vertex_count() const { return i64(vertices_.size()); }
    i64 triangle_count() const { return i64(triangles_.size()); }

    void copy(float* points, u32* corners, u16* labels) const {
        for (const Vertex& vertex : vertices_) {
            *points++ = vertex.p.x;
            *points++ = vertex.p.y;
            *points++ = vertex.p.z;
        }
        std::memcpy(corners, triangles_.data(), triangles_.size() * sizeof(Triangle));
        if (labels && !labels_.empty()) std::memcpy(labels, labels_.data(), labels_.size() * sizeof(Labels));
    }
    // Two vertices at one float32 position would be welded by any reader of STL: step one aside.
    void separate() {
        std::vector<u32> table;
        size_t size = 16;
        while (size < 2 * vertices_.size()) size *= 2;
        table.assign(size, NONE);
        for (u32 v = 0; v < vertices_.size(); ++v) {
            Vec& p = vertices_[v].p;
            size_t slot = hash(p) & (size - 1);
            while (table[slot] != NONE) {
                const Vec o = vertices_[table[slot]].p;
                if (o.x == p.x && o.y == p.y && o.z == p.z) {
                    p.x = std::nextafter(p.x, std::numeric_limits<float>::max());
                    slot = hash(p) & (size - 1);
                } else {
                    slot = (slot + 1) & (size - 1);
                }
            }
            table[slot] = v;
        }
    }

   protected:
    Labels labels_of(u32 t) const { return labels_.empty() ? Labels{1, 0} : labels_[t]; }
    // Drops what died, keeps the order (neighbours stay near in memory), lists triangles by vertex.
    void compact() {
        const i64 old_vertices = i64(vertices_.size());
        std::vector<u32>& renamed = renamed_;
        renamed.resize(std::max(renamed.size(), vertices_.size()));
        u32 kept = 0;
        if (first_.empty()) {
            // First call: vertices that no triangle uses go as well.
            for (Vertex& vertex : vertices_) vertex.dead = 1;
            for (const Triangle& t : triangles_)
                for (u32 v : t.v) vertices_[v].dead = 0;
        }
        for (i64 v = 0; v < old_vertices; ++v) {
            if (vertices_[v].dead) continue;
            renamed[v] = kept;
            if (kept != v) vertices_[kept] = vertices_[v];
            vertices_[kept].taken = 0;
            vertices_[kept].seen = 0;
            ++kept;
        }
        vertices_.resize(kept);
        first_.assign(kept + 1, 0);
        i64 left = 0;
        for (size_t t = 0; t < triangles_.size(); ++t) {
            Triangle tri = triangles_[t];
            if (tri.v[0] == NONE) continue;
            for (u32& v : tri.v) {
                v = renamed[v];
                ++first_[v + 1];
            }
            triangles_[left] = tri;
            if (!labels_.empty()) labels_[left] = labels_[t];
            ++left;
        }
        triangles_.resize(left);
        if (!labels_.empty()) labels_.resize(left);
        for (u32 v = 0; v < kept; ++v) first_[v + 1] += first_[v];
        at_vertex_.resize(3 * left);
        std::vector<u32> cursor(first_.begin(), first_.end() - 1);
        for (i64 t = 0; t < left; ++t)
            for (u32 v : triangles_[t].v) at_vertex_[cursor[v]++] = u32(t);
    }

    Wedge wedge(u32 t, u32 v) const {
        // Without branches: which corner it is cannot be predicted.
        static constexpr u8 NEXT[5] = {1, 2, 0, 1, 2};
        const u32* c = triangles_[t].v;
        const int at = (c[1] == v) + 2 * (c[2] == v);
        return {t, c[NEXT[at]], c[NEXT[at + 1]]};
    }

    bool gather(u32 v, Ring& ring) const {
        ring.count = 0;
        for (u32 k = first_[v]; k < first_[v + 1]; ++k) {
            if (triangles_[at_vertex_[k]].v[0] == NONE) continue;
            if (ring.count == MOST_RING) return false;
            ring.wedge[ring.count++] = wedge(at_vertex_[k], v);
        }
        return true;
    }

    static int triangles_at_edge(const Ring& ring, u32 other) {
        int count = 0;
        for (int k = 0; k < ring.count; ++k) count += ring.wedge[k].next == other || ring.wedge[k].prev == other;
        return count;
    }

    // A junction: not two triangles, or two of different walls (the rim of a flat cut).
    bool is_junction(const Ring& ring, u32 other) const {
        u32 at_edge[2] = {NONE, NONE};
        int count = 0;
        for (int k = 0; k < ring.count; ++k)
            if (ring.wedge[k].next == other || ring.wedge[k].prev == other) {
                if (count == 2) return true;
                at_edge[count++] = ring.wedge[k].triangle;
            }
        if (count != 2) return true;
        const Labels a = labels_of(at_edge[0]), b = labels_of(at_edge[1]);
        return a.front != b.front || a.back != b.back;
    }

    // Surface, curve or corner, by the link: a circle, a bundle of arcs between two points, or
    // anything else; and the quadric of what is there.
    void prepare(u32 v) {
        Vertex& vertex = vertices_[v];
        Ring ring;
        if (!gather(v, ring)) {
            vertex.kind = CORNER;
        } else {
            vertex.kind = kind_of(ring);
        }
        for (u32 k = first_[v]; k < first_[v + 1]; ++k) {
            const Wedge w = wedge(at_vertex_[k], v);
            const Vec n = cross(vertices_[w.next].p - vertex.p, vertices_[w.prev].p - vertex.p);
            const float length = std::sqrt(dot(n, n));
            if (!(length > 0)) continue;
            vertex.q.add_plane((1 / length) * n, 0.5f * length);
            vertex.q.add_point(0.5f * length * POINT_WEIGHT);
        }
        if (vertex.kind == SURFACE || ring.count == 0) return;
        for (int k = 0; k < ring.count; ++k)
            for (u32 other : {ring.wedge[k].next, ring.wedge[k].prev}) {
                if (!first_mention(ring, k, other) || !is_junction(ring, other)) continue;
                const Vec d = vertices_[other].p - vertex.p;
                const float square = dot(d, d);
                if (!(square > 0)) continue;
                // Distance to a line: to the point, less the part along it.
                vertex.q.add_point(LINE_WEIGHT * square);
                vertex.q.add_plane(d, -LINE_WEIGHT);
            }
    }

    static bool first_mention(const Ring& ring, int k, u32 other) {
        for (int j = 0; j < k; ++j)
            if (ring.wedge[j].next == other || ring.wedge[j].prev == other) return false;
        return true;
    }

    u8 kind_of(const Ring& ring) const {
        if (ring.count == 0) return CORNER;
        int ends = 0;
        u32 end[2] = {NONE, NONE};
        for (int k = 0; k < ring.count; ++k)
            for (u32 other : {ring.wedge[k].next, ring.wedge[k].prev})
                if (first_mention(ring, k, other) && is_junction(ring, other)) {
                    if (ends == 2) return CORNER;
                    end[ends++] = other;
                }
        if (ends == 1) return CORNER;
        // Walk the link from one point of it; each arc must reach the other end, and together use all.
        bool used[MOST_RING] = {};
        int reached = 0;
        const int arcs = ends ? triangles_at_edge(ring, end[0]) : 1;
        for (int arc = 0; arc < arcs; ++arc) {
            const u32 start = ends ? end[0] : ring.wedge[0].next;
            const u32 stop = ends ? end[1] : start;
            u32 here = start;
            do {
                int k = 0;
                while (k < ring.count && (used[k] || (ring.wedge[k].next != here && ring.wedge[k].prev != here))) ++k;
                if (k == ring.count) return CORNER;
                used[k] = true;
                ++reached;
                here = ring.wedge[k].next == here ? ring.wedge[k].prev : ring.wedge[k].next;
                if (ends && here == start) return CORNER;
            } while (here != stop);
        }
        return reached == ring.count ? (ends ? CURVE : SURFACE) : CORNER;
    }
    static size_t hash(Vec p) {
        p = {p.x + 0.0f, p.y + 0.0f, p.z + 0.0f};  // -0 and 0 are one place
        u32 bits[3];
        std::memcpy(bits, &p, sizeof bits);
        std::uint64_t mixed = bits[0];
        for (int k = 1; k < 3; ++k) mixed = (mixed ^ (mixed >> 29)) * 0x9E3779B97F4A7C15ull + bits[k];
        mixed *= 0xD1B54A32D192ED03ull;
        return size_t(mixed ^ (mixed >> 32));
    }
    int threads_;
    std::vector<Vertex> vertices_;
    std::vector<Triangle> triangles_;
    std::vector<Labels> labels_;  // empty for a plain surface
    std::vector<u32> first_, at_vertex_, renamed_;
};

}  // namespace plastinate
