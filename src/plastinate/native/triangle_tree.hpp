// A tree of boxes over triangles: who is near, who is hit.
//
// The row of triangles is halved again and again, each time by the median of
// their centres along the longest side of the box around them (Friedman,
// Bentley, Finkel 1977, section 3). Sorting along a Morton curve instead was
// quicker to build, and every question opened two to four times as many boxes.
// Nodes lie in the order of a depth-first walk: the left child of node i is
// i + 1, the right one follows the left's 2k - 1 nodes, so that no child needs a
// pointer. Ties of the median fall by triangle number, and no answer depends on
// the order.
//
// Time: n log n. Memory: 24 bytes a node + 4 a triangle; 16 more while building.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "mask_bits.hpp"
#include "parallel.hpp"

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

class Tree {
  public:
    Tree(const Mesh& mesh, int threads) : mesh_(mesh), leaves_((mesh.count + LEAF - 1) / LEAF) {
        if (!leaves_) return;
        boxes_.resize(static_cast<size_t>(2 * leaves_ - 1));
        leaf_node_.resize(static_cast<size_t>(leaves_));
        order_.resize(static_cast<size_t>(mesh.count));
        std::vector<Centre> centres(order_.size());
        bits::in_parts(mesh.count, threads, [&](int64_t first, int64_t last) {
            for (int64_t t = first; t < last; ++t) {
                for (int k = 0; k < 3; ++k)
                    centres[t].at[k] = mesh.corner(t, 0)[k] + mesh.corner(t, 1)[k] + mesh.corner(t, 2)[k];
                centres[t].triangle = static_cast<uint32_t>(t);
            }
        });
        // Upper levels by this thread, then their parts by all, then the upper boxes.
        int depth = 0;
        while (threads > 1 && (1 << depth) < 2 * threads) ++depth;
        std::vector<Step> parts;
        split(centres, {0, 0, leaves_}, depth, parts);
        const int status = plastinate::share(static_cast<int64_t>(parts.size()), threads, [&](int64_t k) {
            fill(centres, parts[k]);
        });
        if (status != plastinate::OK) throw std::bad_alloc();
        join({0, 0, leaves_}, depth);
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
            if (at.is_leaf()) {
                visit(at.first);
                continue;
            }
            stack[height++] = at.right();
            stack[height++] = at.left();
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
            if (step.is_leaf()) {
                for (int64_t place = step.first * LEAF; place < leaf_end(step.first); ++place) visit(order_[place]);
                continue;
            }
            Entry left{step.left(), near(boxes_[step.left().node])};
            Entry right{step.right(), near(boxes_[step.right().node])};
            if (left.distance < right.distance) std::swap(left, right);
            stack[height++] = left;
            stack[height++] = right;
        }
    }

  private:
    struct Step {
        int64_t node, first, last;  // leaves

        int64_t half() const { return (last - first) / 2; }
        bool is_leaf() const { return last - first == 1; }
        Step left() const { return {node + 1, first, first + half()}; }
        Step right() const { return {node + 2 * half(), first + half(), last}; }
    };
    struct Centre {
        float at[3];
        uint32_t triangle;
    };

    void halve(std::vector<Centre>& centres, const Step& step) {
        const auto first = centres.begin() + step.first * LEAF;
        const auto last = centres.begin() + std::min(mesh_.count, step.last * LEAF);
        Box box = Box::nothing();
        for (auto it = first; it != last; ++it) box.hold(it->at);
        int axis = 0;
        for (int k = 1; k < 3; ++k)
            if (box.high[k] - box.low[k] > box.high[axis] - box.low[axis]) axis = k;
        std::nth_element(first, centres.begin() + (step.first + step.half()) * LEAF, last,
                         [axis](const Centre& a, const Centre& b) {
                             return a.at[axis] < b.at[axis] || (a.at[axis] == b.at[axis] && a.triangle < b.triangle);
                         });
    }

    void split(std::vector<Centre>& centres, const Step& step, int depth, std::vector<Step>& parts) {
        if (depth == 0 || step.is_leaf()) {
            parts.push_back(step);
            return;
        }
        halve(centres, step);
        split(centres, step.left(), depth - 1, parts);
        split(centres, step.right(), depth - 1, parts);
    }

    void fill(std::vector<Centre>& centres, const Step& step) {
        if (step.is_leaf()) {
            leaf_node_[step.first] = step.node;
            Box box = Box::nothing();
            for (int64_t place = step.first * LEAF; place < leaf_end(step.first); ++place) {
                order_[place] = centres[place].triangle;
                box.hold(mesh_.box(order_[place]));
            }
            boxes_[step.node] = box;
            return;
        }
        halve(centres, step);
        fill(centres, step.left());
        fill(centres, step.right());
        unite(step);
    }

    void join(const Step& step, int depth) {
        if (depth == 0 || step.is_leaf()) return;
        join(step.left(), depth - 1);
        join(step.right(), depth - 1);
        unite(step);
    }

    void unite(const Step& step) {
        boxes_[step.node] = boxes_[step.left().node];
        boxes_[step.node].hold(boxes_[step.right().node]);
    }

    Mesh mesh_;
    int64_t leaves_ = 0;
    std::vector<uint32_t> order_;
    std::vector<Box> boxes_;
    std::vector<int64_t> leaf_node_;
};

}  // namespace tree
