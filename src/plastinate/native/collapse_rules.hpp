// When an edge of a triangle complex may be collapsed: the topology stays (link conditions), the
// volume stays, no triangle turns over or becomes a needle, and no fold begins.
//
// Sources: Dey, Edelsbrunner, Guha & Nekhayev, "Topology preserving edge contraction", 1999,
// section 3; Lindstrom & Turk, "Fast and memory efficient polygonal simplification", IEEE
// Visualization 1998, equation 5.
#pragma once
#include "triangle_complex.hpp"
#include "triangle_crossing.hpp"

namespace plastinate {

constexpr float LEAST_COSINE = 0.25f;  // between the old and the new normal of a triangle
constexpr float LEAST_FACING = 0.1f;   // cosine between a triangle and the mean of those around its new vertex
constexpr float LEAST_SHAPE = 0.08f;   // twice the area over the longest edge squared; 0.87 is equilateral

class CollapseRules : public TriangleComplex {
   public:
    using TriangleComplex::TriangleComplex;

   protected:
    // Dey et al. 1999: the ends may have in common only what the edge itself has.
    // `stamp` counts up from the marks that earlier calls of this pass left on the vertices.
    bool link_allows(u32 a, u32 b, const Ring& ra, const Ring& rb, u32& stamp) {
        const u32 near_a = stamp + 1, near_both = stamp + 2;
        stamp += 2;
        int at_edge = 0;
        for (int k = 0; k < ra.count; ++k) {
            const Wedge& w = ra.wedge[k];
            vertices_[w.next].seen = vertices_[w.prev].seen = near_a;
            at_edge += w.next == b || w.prev == b;
        }
        int common = 0;
        for (int k = 0; k < rb.count; ++k)
            for (u32 other : {rb.wedge[k].next, rb.wedge[k].prev})
                if (vertices_[other].seen == near_a && other != b) {
                    vertices_[other].seen = near_both;
                    ++common;
                }
        if (at_edge == 0 || common != at_edge) return false;
        for (int k = 0; k < rb.count; ++k) {
            const Wedge& w = rb.wedge[k];
            if (vertices_[w.next].seen != near_both || vertices_[w.prev].seen != near_both) continue;
            for (int j = 0; j < ra.count; ++j) {
                const Wedge& u = ra.wedge[j];
                if ((u.next == w.next && u.prev == w.prev) || (u.next == w.prev && u.prev == w.next)) return false;
            }
        }
        if (vertices_[a].kind == SURFACE || vertices_[b].kind == SURFACE) return true;
        // Both on junction curves: then the edge is one, and no third curve vertex joins them.
        for (int k = 0; k < ra.count; ++k)
            for (u32 other : {ra.wedge[k].next, ra.wedge[k].prev})
                if (vertices_[other].seen == near_both && is_junction(ra, other) && is_junction(rb, other)) return false;
        return true;
    }

    // Lindstrom & Turk: slide the new vertex along the mean normal until the enclosed volume is the
    // old one. About a, only triangles at b that a is not part of have volume.
    void keep_volume(u32 a, u32 b, const Ring& ra, const Ring& rb, Vec& offset) const {
        const Vec pa = vertices_[a].p;
        const Vec ab = vertices_[b].p - pa;
        Vec gradient{0, 0, 0};
        float before = 0;
        for (int k = 0; k < ra.count; ++k) {
            const Wedge& w = ra.wedge[k];
            if (w.next == b || w.prev == b) continue;
            gradient = gradient + cross(vertices_[w.next].p - pa, vertices_[w.prev].p - pa);
        }
        for (int k = 0; k < rb.count; ++k) {
            const Wedge& w = rb.wedge[k];
            if (w.next == a || w.prev == a) continue;
            const Vec n = cross(vertices_[w.next].p - pa, vertices_[w.prev].p - pa);
            gradient = gradient + n;
            before += dot(ab, n);
        }
        const float square = dot(gradient, gradient);
        if (!(square > 0)) return;
        const Vec step = ((before - dot(offset, gradient)) / square) * gradient;
        if (dot(step, step) < 0.25f * dot(ab, ab)) offset = offset + step;
    }

    // `turned` is told the least square cosine between an old and a new normal.
    bool shape_allows(u32 a, u32 b, const Ring& ra, const Ring& rb, Vec offset, float& turned) const {
        turned = 1;
        const Vec pa = vertices_[a].p;
        const Vec ab = vertices_[b].p - pa;
        float worst_before = LEAST_SHAPE * LEAST_SHAPE, worst_after = 1;
        Vec normals[MOST_RING];
        u32 pages[MOST_RING];
        int kept = 0;
        if (ra.count + rb.count > MOST_RING) return false;
        for (int side = 0; side < 2; ++side) {
            const Ring& ring = side ? rb : ra;
            const u32 other = side ? a : b;
            const Vec from = side ? ab : Vec{0, 0, 0};
            for (int k = 0; k < ring.count; ++k) {
                const Wedge& w = ring.wedge[k];
                if (w.next == other || w.prev == other) continue;
                const Vec u = vertices_[w.next].p - pa, v = vertices_[w.prev].p - pa;
                const Vec old_normal = cross(u - from, v - from), normal = cross(u - offset, v - offset);
                const float old_square = dot(old_normal, old_normal), square = dot(normal, normal);
                const float facing = dot(old_normal, normal);
                if (facing <= 0 && old_square > 0) return false;
                if (facing * facing < LEAST_COSINE * LEAST_COSINE * old_square * square) return false;
                if (old_square * square > 0) turned = std::min(turned, facing * facing / (old_square * square));
                normals[kept] = normal;
                const Labels pair = labels_of(w.triangle);
                pages[kept++] = u32(pair.front) << 16 | pair.back;
                const float base = dot(u - v, u - v);
                worst_before = std::min(worst_before, shape(old_square, base, u - from, v - from));
                worst_after = std::min(worst_after, shape(square, base, u - offset, v - offset));
            }
        }
        if (!(worst_after > 1e-8f && worst_after >= worst_before)) return false;
        return all_face_one_way(normals, pages, kept);
    }

    // Seen along their mean normal, the triangles of one wall around a vertex cannot cross each
    // other if all of them face the viewer.
    static bool all_face_one_way(const Vec* normals, const u32* pages, int count) {
        u32 seen[MOST_RING];
        int page_count = 0;
        for (int first = 0; first < count; ++first) {
            if (std::find(seen, seen + page_count, pages[first]) != seen + page_count) continue;
            seen[page_count++] = pages[first];
            Vec mean{0, 0, 0};
            for (int k = first; k < count; ++k)
                if (pages[k] == pages[first]) mean = mean + normals[k];
            const float least = LEAST_FACING * LEAST_FACING * dot(mean, mean);
            for (int k = first; k < count; ++k) {
                if (pages[k] != pages[first]) continue;
                const float facing = dot(normals[k], mean);
                if (facing <= 0 || facing * facing <= least * dot(normals[k], normals[k])) return false;
            }
        }
        return true;
    }

    bool touches_junction(const Ring& ra, const Ring& rb) const {
        if (labels_.empty()) return false;
        for (const Ring* ring : {&ra, &rb})
            for (int k = 0; k < ring->count; ++k)
                if (vertices_[ring->wedge[k].next].kind != SURFACE || vertices_[ring->wedge[k].prev].kind != SURFACE)
                    return true;
        return false;
    }

    // Where walls meet at a sharp angle their triangles soon run through each other: tests the new
    // ones against each other and against all that have a corner with them in common.
    bool would_cross(u32 a, u32 b, const Ring& ra, const Ring& rb, Vec placed) const {
        struct Fresh {
            Vec at[3];
            u32 corner[3];
        } fresh[MOST_RING];
        int count = 0;
        for (int side = 0; side < 2; ++side) {
            const Ring& ring = side ? rb : ra;
            const u32 other = side ? a : b;
            for (int k = 0; k < ring.count; ++k) {
                const Wedge& w = ring.wedge[k];
                if (w.next == other || w.prev == other) continue;
                fresh[count++] = {{placed, vertices_[w.next].p, vertices_[w.prev].p}, {a, w.next, w.prev}};
            }
        }
        for (int j = 0; j < count; ++j) {
            for (int k = 0; k < j; ++k)
                if (cross_each_other(fresh[j].at, fresh[j].corner, fresh[k].at, fresh[k].corner)) return true;
            for (const u32 rim : {fresh[j].corner[1], fresh[j].corner[2]})
                for (u32 n = first_[rim]; n < first_[rim + 1]; ++n) {
                    const u32* corner = triangles_[at_vertex_[n]].v;
                    if (corner[0] == NONE || has(corner, a) || has(corner, b)) continue;
                    const Vec at[3] = {vertices_[corner[0]].p, vertices_[corner[1]].p, vertices_[corner[2]].p};
                    for (int k = 0; k < count; ++k)
                        if (cross_each_other(fresh[k].at, fresh[k].corner, at, corner)) return true;
                }
        }
        return false;
    }

    static bool has(const u32* corner, u32 v) { return corner[0] == v || corner[1] == v || corner[2] == v; }

    static float shape(float square, float base, Vec u, Vec v) {
        const float longest = std::max(base, std::max(dot(u, u), dot(v, v)));
        return longest > 0 ? square / (longest * longest) : 0;
    }
};

}  // namespace plastinate
