// A tree of boxes over triangles: who is near, who is hit.
//
// Triangles are sorted along a Morton curve through their centres (Lauterbach et
// al. 2009, "Fast BVH construction on GPUs", section 3) and the sorted row is
// halved again and again. Nodes lie in the order of a depth-first walk: the
// left child of node i is i + 1, the right one follows the left's 2k - 1 nodes,
// so that no child needs a pointer. Ties on the curve fall by triangle number.
//
// Time: linear (radix sort). Memory: 24 bytes a node + 4 a triangle.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "mask_bits.hpp"

namespace tree {

struct Box {
    float low[3], high[3];

    static Box nothing() {
        constexpr float far = std::numeric_limits<float>::infinity();
        return {{far, far, far}, {-far, -far, -far}};
    }
    void hold(const float* point) {
        for (int k = 0; k < 3; ++k) {
            low[k] = std::min(low[k], point[k]);
            high[k] = std::max(high[k], point[k]);
        }
    }
    void hold(const Box& other) {
        hold(other.low);
        hold(other.high);
    }
    bool meets(const Box& other) const {
        // No short cuts: six guesses of the branch predictor cost more than six comparisons.
        return (low[0] <= other.high[0]) & (other.low[0] <= high[0]) & (low[1] <= other.high[1]) &
               (other.low[1] <= high[1]) & (low[2] <= other.high[2]) & (other.low[2] <= high[2]);
    }
    double squared_distance(const double* point) const {
        double sum = 0;
        for (int k = 0; k < 3; ++k) {
            const double gap = std::max(0.0, std::max(low[k] - point[k], point[k] - high[k]));
            sum += gap * gap;
        }
        return sum;
    }
};

inline constexpr int64_t LEAF = 4;  // triangles; 2 and 8 were slower in every use

struct Mesh {
    const float* vertices;
    const uint32_t* triangles;
    int64_t count;

    const float* corner(int64_t triangle, int k) const { return vertices + 3 * int64_t{triangles[3 * triangle + k]}; }
    Box box(int64_t triangle) const {
        Box made = Box::nothing();
        for (int k = 0; k < 3; ++k) made.hold(corner(triangle, k));
        return made;
    }
};

inline uint64_t spread(uint64_t ten) {  // two empty bits after each of ten
    ten = (ten | ten << 16) & 0x030000FFULL;
    ten = (ten | ten << 8) & 0x0300F00FULL;
    ten = (ten | ten << 4) & 0x030C30C3ULL;
    return (ten | ten << 2) & 0x09249249ULL;
}

class Tree {
  public:
    Tree(const Mesh& mesh, int threads) : mesh_(mesh) {
        sort_along_curve(threads);
        leaves_ = (mesh.count + LEAF - 1) / LEAF;
        boxes_.resize(leaves_ ? static_cast<size_t>(2 * leaves_ - 1) : 0);
        if (!leaves_) return;
        // The upper levels are made by this thread after their parts are done.
        int depth = 0;
        while ((1 << depth) < 2 * threads) ++depth;
        std::vector<Part> parts;
        split(0, 0, leaves_, depth, parts);
        bits::in_parts(static_cast<int64_t>(parts.size()), threads, [&](int64_t first, int64_t last) {
            for (int64_t k = first; k < last; ++k) fill(parts[k].node, parts[k].first, parts[k].last);
        });
        join(0, 0, leaves_, depth);
    }

    int64_t leaves() const { return leaves_; }
    const Mesh& mesh() const { return mesh_; }
    uint32_t triangle(int64_t place) const { return order_[place]; }
    int64_t leaf_end(int64_t leaf) const { return std::min(mesh_.count, (leaf + 1) * LEAF); }
    const Box& leaf_box(int64_t leaf) const { return boxes_[leaf_node_[leaf]]; }

    // Calls visit(leaf) for every leaf from `from` on whose box meets `box`.
    template <class Visit>
    void each_leaf_that_meets(const Box& box, int64_t from, Visit visit) const {
        Step stack[64];
        int height = 0;
        stack[height++] = {0, 0, leaves_};
        while (height) {
            const Step at = stack[--height];
            if (at.last <= from || !boxes_[at.node].meets(box)) continue;
            if (at.last - at.first == 1) {
                visit(at.first);
                continue;
            }
            const int64_t half = (at.last - at.first) / 2;
            stack[height++] = {at.node + 2 * half, at.first + half, at.last};
            stack[height++] = {at.node + 1, at.first, at.first + half};
        }
    }

    // Walks nearest-first. near(box) gives a value that grows with the box's
    // distance, or infinity for a miss; visit(triangle) may lower `limit`.
    template <class Near, class Visit>
    void each_triangle_within(const double& limit, Near near, Visit visit) const {
        if (!leaves_) return;
        struct Entry {
            Step step;
            double distance;
        } stack[64];
        int height = 0;
        stack[height++] = {{0, 0, leaves_}, near(boxes_[0])};
        while (height) {
            const Entry at = stack[--height];
            if (!(at.distance < limit)) continue;
            const Step& step = at.step;
            if (step.last - step.first == 1) {
                for (int64_t place = step.first * LEAF; place < leaf_end(step.first); ++place) visit(order_[place]);
                continue;
            }
            const int64_t half = (step.last - step.first) / 2;
            Entry left{{step.node + 1, step.first, step.first + half}, near(boxes_[step.node + 1])};
            Entry right{{step.node + 2 * half, step.first + half, step.last}, near(boxes_[step.node + 2 * half])};
            if (left.distance < right.distance) std::swap(left, right);
            stack[height++] = left;
            stack[height++] = right;
        }
    }

  private:
    struct Step {
        int64_t node, first, last;
    };
    using Part = Step;

    void sort_along_curve(int threads) {
        Box all = Box::nothing();
        for (int64_t t = 0; t < mesh_.count; ++t)
            for (int k = 0; k < 3; ++k) all.hold(mesh_.corner(t, k));
        std::vector<uint32_t> key(static_cast<size_t>(mesh_.count)), other_key(key.size()), other(key.size());
        order_.resize(key.size());
        double scale[3];
        for (int k = 0; k < 3; ++k) {
            const double width = mesh_.count ? double(all.high[k]) - all.low[k] : 0.0;
            scale[k] = width > 0 ? 1023.999 / width : 0.0;
        }
        bits::in_parts(mesh_.count, threads, [&](int64_t first, int64_t last) {
            for (int64_t t = first; t < last; ++t) {
                uint64_t code = 0;
                for (int k = 0; k < 3; ++k) {
                    const double centre =
                        (double(mesh_.corner(t, 0)[k]) + mesh_.corner(t, 1)[k] + mesh_.corner(t, 2)[k]) / 3.0;
                    code |= spread(static_cast<uint64_t>((centre - all.low[k]) * scale[k]) & 1023) << k;
                }
                key[t] = static_cast<uint32_t>(code);
                order_[t] = static_cast<uint32_t>(t);
            }
        });
        for (int shift = 0; shift < 30; shift += 10) {
            std::vector<uint32_t> place(1025, 0);
            for (const uint32_t k : key) ++place[(k >> shift & 1023) + 1];
            for (int digit = 0; digit < 1024; ++digit) place[digit + 1] += place[digit];
            for (size_t i = 0; i < key.size(); ++i) {
                const uint32_t to = place[key[i] >> shift & 1023]++;
                other_key[to] = key[i];
                other[to] = order_[i];
            }
            key.swap(other_key);
            order_.swap(other);
        }
    }

    void split(int64_t node, int64_t first, int64_t last, int depth, std::vector<Part>& parts) {
        if (leaf_node_.empty()) leaf_node_.resize(static_cast<size_t>(leaves_));
        if (depth == 0 || last - first == 1) {
            parts.push_back({node, first, last});
            return;
        }
        const int64_t half = (last - first) / 2;
        split(node + 1, first, first + half, depth - 1, parts);
        split(node + 2 * half, first + half, last, depth - 1, parts);
    }

    void fill(int64_t node, int64_t first, int64_t last) {
        Box box = Box::nothing();
        if (last - first == 1) {
            leaf_node_[first] = node;
            for (int64_t place = first * LEAF; place < leaf_end(first); ++place) box.hold(mesh_.box(order_[place]));
        } else {
            const int64_t half = (last - first) / 2;
            fill(node + 1, first, first + half);
            fill(node + 2 * half, first + half, last);
            box = boxes_[node + 1];
            box.hold(boxes_[node + 2 * half]);
        }
        boxes_[node] = box;
    }

    void join(int64_t node, int64_t first, int64_t last, int depth) {
        if (depth == 0 || last - first == 1) return;
        const int64_t half = (last - first) / 2;
        join(node + 1, first, first + half, depth - 1);
        join(node + 2 * half, first + half, last, depth - 1);
        boxes_[node] = boxes_[node + 1];
        boxes_[node].hold(boxes_[node + 2 * half]);
    }

    Mesh mesh_;
    int64_t leaves_ = 0;
    std::vector<uint32_t> order_;
    std::vector<Box> boxes_;
    std::vector<int64_t> leaf_node_;
};

}  // namespace tree
