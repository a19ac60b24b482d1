// Quadric edge collapse of a triangle 2-complex: one closed surface, or the
// shared net of many labels in which an edge may carry three or four triangles.
//
// Flows through: float32 vertices + uint32 triangles (+ two labels for each
// triangle) -> fewer of both, as often as asked, going down.
//
// Sources: error and best position, Garland & Heckbert, "Surface simplification
// using quadric error metrics", SIGGRAPH 1997, sections 3-5; what may be
// collapsed, Dey, Edelsbrunner, Guha & Nekhayev, "Topology preserving edge
// contraction", 1999, section 3 (link conditions of a 2-complex); volume,
// Lindstrom & Turk, "Fast and memory efficient polygonal simplification",
// IEEE Visualization 1998, equation 5.
//
// Works in passes rather than from a priority queue: each pass prices every
// edge (in threads), sorts, and collapses a matching of the cheapest ones, so
// no vertex takes part twice. The price of an edge depends on its two ends
// only, hence it cannot go stale within a pass, and memory is walked in order.
//
// O(triangles) for each pass, passes shrink geometrically. About 90 bytes for
// each input triangle. Every vertex keeps its quadric about its own position:
// far from the origin float32 sums about a common centre lose all digits.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "edge_quadric.hpp"
#include "triangle_crossing.hpp"

namespace {

using namespace plastinate;

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;

constexpr u32 NONE = 0xffffffffu;
constexpr float INFINITE_COST = std::numeric_limits<float>::infinity();
// Weight of staying near the old vertices against staying on their planes:
// keeps every system solvable and flat regions evenly meshed.
constexpr float POINT_WEIGHT = 1e-3f;
constexpr float LINE_WEIGHT = 1.0f;    // junction curves, against the planes beside them
constexpr float LEAST_COSINE = 0.25f;  // between the old and the new normal of a triangle
constexpr float LEAST_FACING = 0.1f;   // cosine between a triangle and the mean of those around its new vertex
constexpr float LEAST_SHAPE = 0.12f;   // twice the area over the longest edge squared; 0.87 is equilateral
constexpr int MOST_RING = 48;          // triangles at one vertex that a collapse will look at

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

template <class Work>
void in_threads(i64 count, int threads, Work work) {
    const i64 block = 16384;
    if (threads < 2 || count < 2 * block) return work(i64(0), count);
    std::vector<std::thread> crew;
    for (int k = 0; k < threads; ++k)
        crew.emplace_back([=] {
            for (i64 start = k * block; start < count; start += threads * block)
                work(start, std::min(count, start + block));
        });
    for (auto& one : crew) one.join();
}

class Complex {
   public:
    Complex(const float* points, i64 vertex_count, const u32* corners, i64 triangle_count, const u16* labels,
            int threads)
        : threads_(threads), vertices_(vertex_count), triangles_(triangle_count), counts_(65536, 0) {
        for (i64 v = 0; v < vertex_count; ++v) vertices_[v].p = {points[3 * v], points[3 * v + 1], points[3 * v + 2]};
        std::memcpy(triangles_.data(), corners, triangle_count * sizeof(Triangle));
        if (labels) {
            labels_.resize(triangle_count);
            std::memcpy(labels_.data(), labels, triangle_count * sizeof(Labels));
        }
        for (i64 t = 0; t < triangle_count; ++t) {
            const Labels pair = labels_of(u32(t));
            ++counts_[pair.front];
            ++counts_[pair.back];
        }
        compact();
        in_threads(i64(vertices_.size()), threads_, [this](i64 start, i64 stop) {
            for (i64 v = start; v < stop; ++v) prepare(u32(v));
        });
    }

    // Collapse until no label has more triangles than its target, or nothing more may go.
    void reduce(const i64* targets, double most_error_mm) {
        targets_ = targets;
        most_error_ = most_error_mm > 0 ? float(most_error_mm * most_error_mm) : INFINITE_COST;
        over_ = 0;
        for (int label = 0; label < 65536; ++label)
            if (targets_[label] >= 0 && counts_[label] > targets_[label]) over_ += counts_[label] - targets_[label];
        may_undercut_ = may_fold_ = false;
        double share = 0.5;
        while (over_ > 0) {
            const i64 before = i64(vertices_.size());
            const i64 removed = pass(share);
            compact();
            if (removed == 0 && share >= 1.0) {
                if (!may_undercut_ && !labels_.empty()) may_undercut_ = true;
                else if (!may_fold_) may_fold_ = true;
                else break;
            }
            share = removed * 50 < before ? 1.0 : 0.5;
        }
        separate();
    }

    // Triangles above target, over all labels; each wall counts for both its sides.
    i64 excess() const { return over_; }

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

   private:
    Labels labels_of(u32 t) const { return labels_.empty() ? Labels{1, 0} : labels_[t]; }

    void discount(u32 t) {
        const Labels pair = labels_of(t);
        for (const u16 label : {pair.front, pair.back}) {
            over_ -= targets_[label] >= 0 && counts_[label] > targets_[label];
            --counts_[label];
        }
    }

    // Drops what died, keeps the order (neighbours stay near in memory), lists triangles by vertex.
    void compact() {
        const i64 old_vertices = i64(vertices_.size());
        std::vector<u32>& renamed = partner_;  // not needed between passes
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
        stamp_ = 0;
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

    // The price of collapsing a-b and where the new vertex goes, as an offset from a.
    float price(u32 a, u32 b, Vec& offset) const {
        const Vertex& va = vertices_[a];
        const Vertex& vb = vertices_[b];
        const Vec ab = vb.p - va.p;
        if (va.kind != SURFACE && vb.kind != SURFACE) {
            if (va.kind == CORNER && vb.kind == CORNER) return INFINITE_COST;
            Ring ring;
            if (!gather(a, ring) || !is_junction(ring, b)) return INFINITE_COST;
        }
        Quadric sum = vb.q.about(Vec{0, 0, 0} - ab);
        sum.add(va.q);
        float cost;
        if (va.kind == vb.kind) {
            if (sum.least(offset) && dot(offset - 0.5f * ab, offset - 0.5f * ab) <= dot(ab, ab)) {
                cost = sum.c + sum.bx * offset.x + sum.by * offset.y + sum.bz * offset.z;
            } else {
                offset = 0.5f * ab;
                cost = sum.at(offset);
            }
        } else {
            offset = va.kind > vb.kind ? Vec{0, 0, 0} : ab;
            cost = sum.at(offset);
        }
        cost = cost > 0 ? cost : 0;
        // The trace of A is the weight that was summed, so this is a mean squared distance.
        return cost <= most_error_ * (sum.xx + sum.yy + sum.zz) ? cost : INFINITE_COST;
    }

    // Cheapest edge towards a later vertex: so every edge is priced once, in any number of threads.
    void price_edges_of(u32 v) {
        const Vertex& vertex = vertices_[v];
        cost_[v] = INFINITE_COST;
        partner_[v] = NONE;
        if (vertex.kind == SURFACE && !labels_.empty() && !may_shrink(labels_of(at_vertex_[first_[v]]))) return;
        Vec offset;
        for (u32 k = first_[v]; k < first_[v + 1]; ++k) {
            const Wedge w = wedge(at_vertex_[k], v);
            // Around a surface vertex each neighbour is `next` exactly once.
            for (u32 other : {w.next, vertex.kind == SURFACE ? v : w.prev}) {
                if (other <= v) continue;
                const float cost = price(v, other, offset);
                if (cost < cost_[v]) cost_[v] = cost, partner_[v] = other;
            }
        }
    }

    i64 pass(double share) {
        const i64 count = i64(vertices_.size());
        cost_.resize(count);
        partner_.resize(count);
        in_threads(count, threads_, [this](i64 start, i64 stop) {
            for (i64 v = start; v < stop; ++v) price_edges_of(u32(v));
        });
        sort_by_cost();
        const i64 upto = std::max<i64>(1, i64(share * double(order_.size())));
        i64 removed = 0;
        for (i64 k = 0; k < upto && k < i64(order_.size()) && over_ > 0; ++k) {
            fetch_ahead(k);
            const u32 v = order_[k];
            if (vertices_[v].taken) continue;
            const u32 partner = partner_[v];
            const bool done = (!vertices_[partner].taken && collapse(v, partner)) ||
                              (share >= 1.0 && collapse_another(v, partner));
            removed += done;
        }
        return removed;
    }

    // Two thirds of a collapse is waiting for memory: asks for what the next ones will need, one
    // kind of thing at a time, as each tells where the next kind lies.
    // Always inlined: gcc takes a call that only fetches for one without effect, and drops it.
    __attribute__((always_inline)) inline void fetch_ahead(i64 k) const {
        const i64 count = i64(order_.size());
        if (k + 24 < count) {
            __builtin_prefetch(&first_[order_[k + 24]]);
            __builtin_prefetch(&first_[partner_[order_[k + 24]]]);
        }
        for (int stage = 0; stage < 3; ++stage) {
            const i64 at = k + 18 - 6 * stage;
            if (at >= count) continue;
            for (const u32 v : {order_[at], partner_[order_[at]]}) {
                if (stage == 0) __builtin_prefetch(&at_vertex_[first_[v]]);
                for (u32 n = first_[v]; stage > 0 && n < first_[v + 1]; ++n) {
                    const Triangle& t = triangles_[at_vertex_[n]];
                    if (stage == 1) __builtin_prefetch(&t);
                    else if (t.v[0] != NONE)
                        for (const u32 corner : t.v) __builtin_prefetch(&vertices_[corner]);
                }
            }
        }
    }

    // Where the cheapest edge may not go, perhaps a dearer one of the same vertex may.
    bool collapse_another(u32 v, u32 refused) {
        Ring ring;
        if (vertices_[v].taken || !gather(v, ring)) return false;
        std::vector<std::pair<float, u32>> choice;
        Vec offset;
        for (int k = 0; k < ring.count; ++k)
            for (u32 other : {ring.wedge[k].next, ring.wedge[k].prev})
                if (other != refused && !vertices_[other].taken && first_mention(ring, k, other)) {
                    const float cost = price(v, other, offset);
                    if (cost < INFINITE_COST) choice.emplace_back(cost, other);
                }
        std::sort(choice.begin(), choice.end());
        for (const auto& [cost, other] : choice)
            if (collapse(v, other)) return true;
        return false;
    }

    // By cost to one part in sixteen, then by place: vertices near in memory are worked on together,
    // which an exact order would scatter (it took a third longer and ended no closer to the surface).
    void sort_by_cost() {
        constexpr int BINS = 4096, SHIFT = 19;  // sign, eight bits of exponent, four of mantissa
        const auto bin = [this](u32 v) {
            u32 bits;
            std::memcpy(&bits, &cost_[v], 4);
            return bits >> SHIFT;
        };
        std::vector<u32> start(BINS + 1, 0);
        const u32 count = u32(vertices_.size());
        for (u32 v = 0; v < count; ++v)
            if (partner_[v] != NONE) ++start[bin(v) + 1];
        for (int k = 0; k < BINS; ++k) start[k + 1] += start[k];
        order_.resize(start[BINS]);
        for (u32 v = 0; v < count; ++v)
            if (partner_[v] != NONE) order_[start[bin(v)]++] = v;
    }

    bool collapse(u32 a, u32 b) {
        Vec offset;
        if (price(a, b, offset) == INFINITE_COST) return false;
        Ring ra, rb;
        if (!gather(a, ra) || !gather(b, rb)) return false;
        Vertex& va = vertices_[a];
        Vertex& vb = vertices_[b];
        if (!within_targets(ra, b) || !link_allows(a, b, ra, rb)) return false;
        if (va.kind == SURFACE && vb.kind == SURFACE) keep_volume(a, b, ra, rb, offset);
        const Vec placed = va.p + offset;
        if (!shape_allows(a, b, ra, rb, placed - va.p)) return false;
        if (!may_fold_ && touches_junction(ra, rb) && would_cross(a, b, ra, rb, placed)) return false;

        Quadric merged = va.q.about(placed - va.p);
        merged.add(vb.q.about(placed - vb.p));
        va.q = merged;
        va.p = placed;
        va.kind = std::max(va.kind, vb.kind);
        va.taken = vb.taken = vb.dead = 1;
        for (int k = 0; k < rb.count; ++k) {
            const Wedge& w = rb.wedge[k];
            Triangle& tri = triangles_[w.triangle];
            if (w.next == a || w.prev == a) {
                discount(w.triangle);
                tri.v[0] = NONE;
                continue;
            }
            for (u32& corner : tri.v)
                if (corner == b) corner = a;
        }
        return true;
    }

    // An edge goes only while every organ that has it is above its target. When that leads no
    // further, because a large organ is walled in by small ones that are done, one organ above its
    // target is enough, and the others may fall to half of theirs.
    bool within_targets(const Ring& ra, u32 b) const {
        for (int k = 0; k < ra.count; ++k)
            if (ra.wedge[k].next == b || ra.wedge[k].prev == b)
                if (!may_shrink(labels_of(ra.wedge[k].triangle))) return false;
        return true;
    }

    bool may_shrink(Labels pair) const {
        bool any_above = false;
        for (const u16 label : {pair.front, pair.back}) {
            if (targets_[label] < 0) continue;
            const bool is_above = counts_[label] > targets_[label];
            any_above = any_above || is_above;
            if (!is_above && (!may_undercut_ || counts_[label] <= targets_[label] / 2)) return false;
        }
        return any_above;
    }

    // Dey et al. 1999: the ends may have in common only what the edge itself has.
    bool link_allows(u32 a, u32 b, const Ring& ra, const Ring& rb) {
        if (stamp_ > NONE - 8) {
            for (Vertex& vertex : vertices_) vertex.seen = 0;
            stamp_ = 0;
        }
        const u32 near_a = stamp_ + 1, near_both = stamp_ + 2;
        stamp_ += 2;
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

    bool shape_allows(u32 a, u32 b, const Ring& ra, const Ring& rb, Vec offset) const {
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
                normals[kept] = normal;
                const Labels pair = labels_of(w.triangle);
                pages[kept++] = u32(pair.front) << 16 | pair.back;
                const float base = dot(u - v, u - v);
                worst_before = std::min(worst_before, shape(old_square, base, u - from, v - from));
                worst_after = std::min(worst_after, shape(square, base, u - offset, v - offset));
            }
        }
        if (!(worst_after > 1e-8f && worst_after >= worst_before)) return false;
        return may_fold_ || all_face_one_way(normals, pages, kept);
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
    std::vector<Labels> labels_;
    std::vector<u32> first_, at_vertex_;
    std::vector<u32> partner_;  // the other end of each vertex's cheapest edge
    std::vector<float> cost_;   // of that edge
    std::vector<u32> order_;
    std::vector<i64> counts_;
    const i64* targets_ = nullptr;
    i64 over_ = 0;  // triangles above target, over all labels
    bool may_undercut_ = false;
    bool may_fold_ = false;  // the target cannot be met without risking crossings, which can be mended
    float most_error_ = INFINITE_COST;
    u32 stamp_ = 0;
};

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Every function returns 0, or 1 where memory ran out.

EXPORTED int decimate_open(const float* points, i64 vertex_count, const u32* corners, i64 triangle_count,
                           const u16* labels, int threads, void** handle) {
    try {
        *handle = new Complex(points, vertex_count, corners, triangle_count, labels, threads);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

// targets: 65536 triangle counts, one for each label, below 0 for no matter; most_error_mm <= 0 means any.
// result: vertices, triangles, triangles still above target.
EXPORTED int decimate_reduce(void* handle, const i64* targets, double most_error_mm, i64* result) {
    try {
        Complex& complex = *static_cast<Complex*>(handle);
        complex.reduce(targets, most_error_mm);
        result[0] = complex.vertex_count();
        result[1] = complex.triangle_count();
        result[2] = complex.excess();
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

EXPORTED void decimate_copy(void* handle, float* points, u32* corners, u16* labels) {
    static_cast<Complex*>(handle)->copy(points, corners, labels);
}

EXPORTED void decimate_close(void* handle) { delete static_cast<Complex*>(handle); }
