// Triangles in; the pairs that meet anywhere but at corners they share out.
//
// Boxes of a tree propose pairs; signs of determinants decide. Each sign is
// first taken in doubles with Shewchuk's error bound (1997, "Adaptive precision
// floating-point arithmetic and fast robust geometric predicates", section 4.4)
// and, where that cannot tell, computed exactly: the corners are float32, so a
// product of two is exact in a double and a product of three is an exact sum of
// two doubles; an expansion (his section 2.4) adds them without loss. Hence an
// answer never depends on rounding.
//
// What counts. Corners at the same place are shared, whatever their numbers.
//  - None shared: any common point counts, also a touch: an embedded surface
//    does not touch itself.
//  - One shared: any other common point, if the planes differ; a common area, if not.
//  - Two shared: a common area, that is, one folded flat onto the other.
//  - Three shared: always.
// A triangle without area can be pierced but does not itself pierce a plane.
//
// Time: about n log n for meshes that are not mostly overlap. Memory: the tree and 24 bytes a triangle.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "triangle_tree.hpp"

namespace {

// Exact sign of a sum of doubles, by growing a non-overlapping expansion.
class ExactSum {
  public:
    void add(double value) {
        int kept = 0;
        for (int k = 0; k < size_; ++k) {
            const double sum = parts_[k] + value, part = sum - parts_[k];
            const double error = (parts_[k] - (sum - part)) + (value - part);
            if (error != 0) parts_[kept++] = error;
            value = sum;
        }
        if (value != 0) parts_[kept++] = value;
        size_ = kept;
    }
    // x * y must be exact, which it is for two float32.
    void add_product(double x, double y, double z) {
        const double two = x * y, high = two * z;
        add(std::fma(two, z, -high));
        add(high);
    }
    int sign() const { return size_ == 0 ? 0 : parts_[size_ - 1] > 0 ? 1 : -1; }

  private:
    double parts_[64];
    int size_ = 0;
};

int exact_orientation(const float* const p[4]) {
    // The 4 x 4 determinant with a column of ones, opened along that column.
    ExactSum sum;
    for (int left_out = 0; left_out < 4; ++left_out) {
        const float* q[3];
        for (int k = 0, n = 0; k < 4; ++k)
            if (k != left_out) q[n++] = p[k];
        const double sign = left_out % 2 ? -1.0 : 1.0;
        for (int i = 0; i < 3; ++i) {
            const float *a = q[i], *b = q[(i + 1) % 3], *c = q[(i + 2) % 3];
            sum.add_product(sign * a[0], b[1], c[2]);
            sum.add_product(-sign * a[0], b[2], c[1]);
        }
    }
    return sum.sign();
}

// 1 if d lies on the side of the plane a b c to which its normal points (counter-clockwise), -1, or 0.
int orientation(const float* a, const float* b, const float* c, const float* d) {
    const double ax = double(a[0]) - d[0], ay = double(a[1]) - d[1], az = double(a[2]) - d[2];
    const double bx = double(b[0]) - d[0], by = double(b[1]) - d[1], bz = double(b[2]) - d[2];
    const double cx = double(c[0]) - d[0], cy = double(c[1]) - d[1], cz = double(c[2]) - d[2];
    const double bxcy = bx * cy, cxby = cx * by, cxay = cx * ay, axcy = ax * cy, axby = ax * by, bxay = bx * ay;
    const double value = az * (bxcy - cxby) + bz * (cxay - axcy) + cz * (axby - bxay);
    const double size = (std::abs(bxcy) + std::abs(cxby)) * std::abs(az) +
                        (std::abs(cxay) + std::abs(axcy)) * std::abs(bz) +
                        (std::abs(axby) + std::abs(bxay)) * std::abs(cz);
    constexpr double bound = 7.7715611723761027e-16;  // (7 + 56 u) u, u = 2^-53
    if (value > bound * size) return -1;
    if (-value > bound * size) return 1;
    const float* const all[4] = {a, b, c, d};
    return exact_orientation(all);
}

int orientation_flat(const float* a, const float* b, const float* c, int x, int y) {
    const double left = (double(a[x]) - c[x]) * (double(b[y]) - c[y]);
    const double right = (double(a[y]) - c[y]) * (double(b[x]) - c[x]);
    const double value = left - right;
    constexpr double bound = 3.3306690738754716e-16;  // (3 + 16 u) u
    if (std::abs(value) > bound * (std::abs(left) + std::abs(right))) return value > 0 ? 1 : -1;
    ExactSum sum;
    const float* p[3] = {a, b, c};
    for (int k = 0; k < 3; ++k) {
        const float *here = p[k], *next = p[(k + 1) % 3];
        sum.add(double(here[x]) * next[y]);
        sum.add(-(double(here[y]) * next[x]));
    }
    return sum.sign();
}

bool same_place(const float* a, const float* b) { return (a[0] == b[0]) & (a[1] == b[1]) & (a[2] == b[2]); }

struct Triangle {
    const float* p[3];
};

// A corner of each that lies at the same place, as bits 3 i + j.
int same_places(const Triangle& first, const Triangle& second) {
    int same = 0;
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) same |= int{same_place(first.p[i], second.p[j])} << (3 * i + j);
    return same;
}

// Two triangles in one plane: a line along a side parts them, or they overlap.
bool overlap_flat(const Triangle& first, const Triangle& second, bool touch_counts) {
    for (int drop = 0; drop < 3; ++drop) {
        const int x = (drop + 1) % 3, y = (drop + 2) % 3;
        const Triangle* both[2] = {&first, &second};
        int turn[2];
        for (int k = 0; k < 2; ++k) turn[k] = orientation_flat(both[k]->p[0], both[k]->p[1], both[k]->p[2], x, y);
        if (turn[0] == 0 || turn[1] == 0) continue;  // seen edge-on, or without area
        for (int k = 0; k < 2; ++k)
            for (int side = 0; side < 3; ++side) {
                bool parts = true;
                for (const float* corner : both[1 - k]->p) {
                    const int where =
                        turn[k] * orientation_flat(both[k]->p[side], both[k]->p[(side + 1) % 3], corner, x, y);
                    if (where > 0 || (where == 0 && touch_counts)) parts = false;
                }
                if (parts) return false;
            }
        return true;
    }
    return false;
}

// The segment p q, whose ends do not both lie in the plane of the triangle, against the closed triangle.
bool pierces(const float* p, const float* q, const Triangle& face) {
    int plus = 0, minus = 0;
    for (int k = 0; k < 3; ++k) {
        const int side = orientation(p, q, face.p[k], face.p[(k + 1) % 3]);
        plus += side > 0;
        minus += side < 0;
        if (plus && minus) return false;
    }
    return plus || minus;  // all zero: no area, or a line in its plane
}

bool any_edge_pierces(const Triangle& from, const int* side, const bool* is_shared, const Triangle& face) {
    for (int k = 0; k < 3; ++k) {
        const int next = (k + 1) % 3;
        if (side[k] * side[next] > 0 || (side[k] == 0 && side[next] == 0)) continue;
        if ((side[k] == 0 && is_shared[k]) || (side[next] == 0 && is_shared[next])) continue;
        if (pierces(from.p[k], from.p[next], face)) return true;
    }
    return false;
}

bool meet(const Triangle& first, const Triangle& second) {
    bool shared_first[3] = {}, shared_second[3] = {};
    int shared = 0;
    for (int same = same_places(first, second); same; same &= same - 1, ++shared) {
        const int which = __builtin_ctz(static_cast<unsigned>(same));
        shared_first[which / 3] = shared_second[which % 3] = true;
    }
    if (shared >= 3) return true;
    int side_second[3], above = 0, below = 0;
    for (int j = 0; j < 3; ++j) {
        side_second[j] = shared_second[j] ? 0 : orientation(first.p[0], first.p[1], first.p[2], second.p[j]);
        above += side_second[j] > 0;
        below += side_second[j] < 0;
    }
    if (above + below == 0) return overlap_flat(first, second, shared == 0);
    if (shared == 2) return false;
    if (above + shared == 3 || below + shared == 3) return false;
    int side_first[3];
    above = below = 0;
    for (int i = 0; i < 3; ++i) {
        side_first[i] = shared_first[i] ? 0 : orientation(second.p[0], second.p[1], second.p[2], first.p[i]);
        above += side_first[i] > 0;
        below += side_first[i] < 0;
    }
    if (above + below > 0 && (above + shared == 3 || below + shared == 3)) return false;
    return any_edge_pierces(second, side_second, shared_second, first) ||
           any_edge_pierces(first, side_first, shared_first, second);
}

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

constexpr int64_t BATCH = 512;  // leaves

void search(const tree::Tree& boxes, const std::vector<tree::Box>& single, int64_t first, int64_t last, Pairs& found) {
    const tree::Mesh& mesh = boxes.mesh();
    for (int64_t leaf = first; leaf < last; ++leaf) {
        const int64_t start = leaf * tree::LEAF, end = boxes.leaf_end(leaf);
        const tree::Box& around = boxes.leaf_box(leaf);
        boxes.each_leaf_that_meets(around, leaf, [&](int64_t other) {
            for (int64_t b = other * tree::LEAF; b < boxes.leaf_end(other); ++b) {
                const tree::Box& theirs = single[b];
                if (!around.meets(theirs)) continue;
                const uint32_t second = boxes.triangle(b);
                for (int64_t a = start; a < end && a < b; ++a) {
                    if (!single[a].meets(theirs)) continue;
                    const uint32_t one = boxes.triangle(a);
                    // In order of number: the answer must not depend on the curve.
                    const uint32_t lower = std::min(one, second), upper = std::max(one, second);
                    const Triangle p{{mesh.corner(lower, 0), mesh.corner(lower, 1), mesh.corner(lower, 2)}};
                    const Triangle q{{mesh.corner(upper, 0), mesh.corner(upper, 1), mesh.corner(upper, 2)}};
                    if (meet(p, q)) found.emplace_back(lower, upper);
                }
            }
        });
    }
}

}  // namespace

// Returns a handle to the pairs, sorted, and their count; null when out of memory.
PLASTINATE_API void* crossings_find(const float* vertices, const uint32_t* triangles, int64_t count, int threads,
                                    int64_t* pair_count) {
    try {
        const tree::Tree boxes(tree::Mesh{vertices, triangles, count}, threads);
        std::vector<tree::Box> single(static_cast<size_t>(count));  // in the tree's order
        bits::in_parts(count, threads, [&](int64_t first, int64_t last) {
            for (int64_t k = first; k < last; ++k) single[k] = boxes.mesh().box(boxes.triangle(k));
        });
        const int64_t batches = (boxes.leaves() + BATCH - 1) / BATCH;
        std::vector<Pairs> found(static_cast<size_t>(batches));
        const int status = plastinate::share(batches, threads, [&](int64_t batch) {
            search(boxes, single, batch * BATCH, std::min(boxes.leaves(), (batch + 1) * BATCH), found[batch]);
        });
        if (status != plastinate::OK) return nullptr;
        auto* all = new Pairs;
        try {
            for (const Pairs& part : found) all->insert(all->end(), part.begin(), part.end());
        } catch (...) {
            delete all;
            return nullptr;
        }
        std::sort(all->begin(), all->end());
        *pair_count = static_cast<int64_t>(all->size());
        return all;
    } catch (...) {
        return nullptr;
    }
}

PLASTINATE_API void crossings_take(void* handle, uint32_t* pairs) {
    auto* all = static_cast<Pairs*>(handle);
    if (pairs)
        for (size_t k = 0; k < all->size(); ++k) {
            pairs[2 * k] = (*all)[k].first;
            pairs[2 * k + 1] = (*all)[k].second;
        }
    delete all;
}
