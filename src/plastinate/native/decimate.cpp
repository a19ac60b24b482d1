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

#include <new>

#include "collapse_rules.hpp"

namespace {

using namespace plastinate;

constexpr float INFINITE_COST = std::numeric_limits<float>::infinity();

// A collapse that turns no triangle further than this hardly ever makes two cross.
constexpr float STEADY_COSINE = 0.9f;

class Decimator : public CollapseRules {
   public:
    Decimator(const float* points, i64 vertex_count, const u32* corners, i64 triangle_count, const u16* labels,
              int threads)
        : CollapseRules(points, vertex_count, corners, triangle_count, labels, threads), counts_(65536, 0) {
        for (i64 t = 0; t < triangle_count; ++t) {
            const Labels pair = labels_of(u32(t));
            ++counts_[pair.front];
            ++counts_[pair.back];
        }
    }

    // Collapse until no label has more triangles than its target, or nothing more may go.
    void reduce(const i64* targets, double most_error_mm) {
        targets_ = targets;
        most_error_ = most_error_mm > 0 ? float(most_error_mm * most_error_mm) : INFINITE_COST;
        over_ = 0;
        for (int label = 0; label < 65536; ++label)
            if (targets_[label] >= 0 && counts_[label] > targets_[label]) over_ += counts_[label] - targets_[label];
        may_undercut_ = false;
        double portion = 0.5;
        while (over_ > 0) {
            const i64 before = i64(vertices_.size());
            const i64 removed = pass(portion);
            compact();
            if (removed == 0 && portion >= 1.0) {
                if (may_undercut_ || labels_.empty()) break;
                may_undercut_ = true;
            }
            portion = next_portion(portion, removed, before);
            is_late_ = portion >= 1.0;
        }
        separate();
    }

    // How many of the edges, cheapest first, the next pass may collapse. Three quarters while most
    // triangles have to go anyway; all, once the cheap ones are mostly those that may not go (passes
    // that come back with a few per cent took as long as all others together).
    double next_portion(double portion, i64 removed, i64 before) const {
        if (!labels_.empty()) return removed * 50 < before ? 1.0 : 0.5;
        if (portion >= 1.0 || removed * 7 < before) return 1.0;
        return 4 * over_ > 3 * i64(triangles_.size()) ? 0.75 : 0.5;
    }

    // Triangles above target, over all labels; each wall counts for both its sides.
    i64 excess() const { return over_; }

    i64 vertex_count() const { return i64(vertices_.size()); }
    i64 triangle_count() const { return i64(triangles_.size()); }

   private:
    void discount(u32 t) {
        const Labels pair = labels_of(t);
        for (const u16 label : {pair.front, pair.back}) {
            over_ -= targets_[label] >= 0 && counts_[label] > targets_[label];
            --counts_[label];
        }
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

    // What one thread may touch: a range of vertices, or all of them.
    struct Scope {
        u32 low = 0, high = NONE;
        u32 stamp = 0;
        i64 gone = 0;  // triangles removed and not yet taken off the counts

        bool is_whole() const { return high == NONE; }
        bool holds(u32 v) const { return low <= v && v < high; }
        bool holds(const Ring& ring) const {
            for (int k = 0; k < ring.count; ++k)
                if (!holds(ring.wedge[k].next) || !holds(ring.wedge[k].prev)) return false;
            return true;
        }
    };
    enum Outcome { REFUSED, COLLAPSED, OUT_OF_SCOPE };

    // Far from the target the order hardly matters: eight stretches of the vertex list are collapsed
    // side by side, each touching only what lies within it, and then the seams between them in turn.
    // Eight, whatever the number of threads, so that the outcome does not depend on it.
    i64 pass_in_stretches(i64 upto, bool is_thorough) {
        constexpr u32 STRETCHES = 8;
        const u32 width = u32((vertices_.size() + STRETCHES - 1) / STRETCHES);
        std::vector<u32> own[STRETCHES], seams[STRETCHES];
        for (i64 k = 0; k < upto; ++k) own[order_[k] / width].push_back(order_[k]);
        // Two triangles go with each collapse: with so many for each, none can overshoot the target.
        const i64 budget = over_ / (2 * STRETCHES);
        Scope scopes[STRETCHES];
        i64 removed[STRETCHES] = {};
        const int status = share(STRETCHES, threads_, [&](i64 s) {
            Scope& scope = scopes[s];
            scope.low = u32(s) * width;
            scope.high = scope.low + width;
            for (i64 k = 0; k < i64(own[s].size()) && removed[s] < budget; ++k) {
                fetch_ahead(own[s], k, scope);
                const u32 v = own[s][k], partner = partner_[v];
                if (vertices_[v].taken) continue;
                Outcome outcome = OUT_OF_SCOPE;
                if (scope.holds(partner)) outcome = vertices_[partner].taken ? REFUSED : collapse(v, partner, scope);
                if (outcome == REFUSED && is_thorough) outcome = collapse_another(v, partner, scope);
                if (outcome == OUT_OF_SCOPE) seams[s].push_back(v);
                removed[s] += outcome == COLLAPSED;
            }
        });
        if (status != OK) throw std::bad_alloc();
        i64 total = 0;
        Scope everywhere;
        const Labels pair = labels_of(0);
        for (u32 s = 0; s < STRETCHES; ++s) {
            total += removed[s];
            over_ -= scopes[s].gone;
            counts_[pair.front] -= scopes[s].gone;
            counts_[pair.back] -= scopes[s].gone;
            everywhere.stamp = std::max(everywhere.stamp, scopes[s].stamp);
        }
        for (const auto& seam : seams)
            for (const u32 v : seam)
                if (over_ > 0 && !vertices_[v].taken && !vertices_[partner_[v]].taken)
                    total += collapse(v, partner_[v], everywhere) == COLLAPSED;
        return total;
    }

    i64 pass(double portion) {
        const i64 count = i64(vertices_.size());
        cost_.resize(count);
        partner_.resize(count);
        in_blocks(count, threads_, [this](i64 start, i64 stop) {
            for (i64 v = start; v < stop; ++v) price_edges_of(u32(v));
        });
        sort_by_cost();
        const i64 upto = std::min(i64(order_.size()), std::max<i64>(1, i64(portion * double(order_.size()))));
        if (labels_.empty() && over_ >= 4096) return pass_in_stretches(upto, portion >= 1.0);
        i64 removed = 0;
        Scope everywhere;
        for (i64 k = 0; k < upto && over_ > 0; ++k) {
            fetch_ahead(order_, k, everywhere);
            const u32 v = order_[k];
            if (vertices_[v].taken) continue;
            const u32 partner = partner_[v];
            const bool done = (!vertices_[partner].taken && collapse(v, partner, everywhere) == COLLAPSED) ||
                              (portion >= 1.0 && collapse_another(v, partner, everywhere) == COLLAPSED);
            removed += done;
        }
        return removed;
    }

    // Two thirds of a collapse is waiting for memory: asks for what the next ones will need, one
    // kind of thing at a time, as each tells where the next kind lies.
    // Always inlined: gcc takes a call that only fetches for one without effect, and drops it.
    __attribute__((always_inline)) inline void fetch_ahead(const std::vector<u32>& order, i64 k,
                                                           const Scope& scope) const {
        const i64 count = i64(order.size());
        if (k + 24 < count) {
            __builtin_prefetch(&first_[order[k + 24]]);
            __builtin_prefetch(&first_[partner_[order[k + 24]]]);
        }
        for (int stage = 0; stage < 3; ++stage) {
            const i64 at = k + 18 - 6 * stage;
            if (at >= count) continue;
            for (const u32 v : {order[at], partner_[order[at]]}) {
                if (!scope.holds(v)) continue;
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
    Outcome collapse_another(u32 v, u32 refused, Scope& scope) {
        Ring ring;
        if (vertices_[v].taken || !gather(v, ring)) return REFUSED;
        if (!scope.holds(ring)) return OUT_OF_SCOPE;
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
            if (collapse(v, other, scope) == COLLAPSED) return COLLAPSED;
        return REFUSED;
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

    Outcome collapse(u32 a, u32 b, Scope& scope) {
        Vec offset;
        if (price(a, b, offset) == INFINITE_COST) return REFUSED;
        Ring ra, rb;
        if (!gather(a, ra) || !gather(b, rb)) return REFUSED;
        if (!scope.holds(ra) || !scope.holds(rb)) return OUT_OF_SCOPE;
        Vertex& va = vertices_[a];
        Vertex& vb = vertices_[b];
        if (!within_targets(ra, b) || !link_allows(a, b, ra, rb, scope.stamp)) return REFUSED;
        if (va.kind == SURFACE && vb.kind == SURFACE) keep_volume(a, b, ra, rb, offset);
        const Vec placed = va.p + offset;
        float turned;
        if (!shape_allows(a, b, ra, rb, placed - va.p, turned)) return REFUSED;
        const bool may_cross = (is_late_ && turned < STEADY_COSINE * STEADY_COSINE) || touches_junction(ra, rb);
        if (may_cross && would_cross(a, b, ra, rb, placed)) return REFUSED;

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
                if (scope.is_whole()) discount(w.triangle);
                else ++scope.gone;
                tri.v[0] = NONE;
                continue;
            }
            for (u32& corner : tri.v)
                if (corner == b) corner = a;
        }
        return COLLAPSED;
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

    std::vector<u32> partner_;  // the other end of each vertex's cheapest edge
    std::vector<float> cost_;   // of that edge
    std::vector<u32> order_;
    std::vector<i64> counts_;  // triangles of each label
    const i64* targets_ = nullptr;
    i64 over_ = 0;  // triangles above target, over all labels
    bool may_undercut_ = false;
    bool is_late_ = false;  // triangles are large against the detail now, and folds begin to reach across
    float most_error_ = INFINITE_COST;
};

}  // namespace

// Every function returns 0, or 1 where memory ran out.

PLASTINATE_API int decimate_open(const float* points, i64 vertex_count, const u32* corners, i64 triangle_count,
                           const u16* labels, int threads, void** handle) {
    try {
        *handle = new Decimator(points, vertex_count, corners, triangle_count, labels, threads);
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

// targets: 65536 triangle counts, one for each label, below 0 for no matter; most_error_mm <= 0 means any.
// result: vertices, triangles, triangles still above target.
PLASTINATE_API int decimate_reduce(void* handle, const i64* targets, double most_error_mm, i64* result) {
    try {
        Decimator& decimator = *static_cast<Decimator*>(handle);
        decimator.reduce(targets, most_error_mm);
        result[0] = decimator.vertex_count();
        result[1] = decimator.triangle_count();
        result[2] = decimator.excess();
        return OK;
    } catch (const std::bad_alloc&) {
        return NO_MEMORY;
    }
}

PLASTINATE_API void decimate_copy(void* handle, float* points, u32* corners, u16* labels) {
    static_cast<Decimator*>(handle)->copy(points, corners, labels);
}

PLASTINATE_API void decimate_close(void* handle) { delete static_cast<Decimator*>(handle); }
