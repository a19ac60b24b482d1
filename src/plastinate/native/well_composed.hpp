// Makes a label grid well-composed: no label touches itself across an edge or a corner only, and
// none is touched so, hence the boundary of every label is a 2-manifold.
//
// Source: Latecki, "3D well-composed pictures", Graphical Models and Image Processing 59 (1997),
// definition 4 and proposition 1, applied to each label against all others.
//
// First changes that lower the number of critical places, which is a whole number, so this ends;
// where none does, a voxel takes the highest-ranking label of its cell (background ranks highest,
// so organs only shrink and the padding is never touched), and the sum of ranks can only rise to
// its bound, so this ends too.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "label_grid.hpp"

namespace plastinate {

template <class Label>
class WellComposer {
   public:
    explicit WellComposer(LabelGrid<Label>& grid) : grid_(grid) {}

    // Returns how many voxels are not what they were.
    std::int64_t run(int threads) {
        std::vector<std::vector<std::int64_t>> found(static_cast<std::size_t>(grid_.cell_planes()));
        if (share(grid_.cell_planes(), threads, [&](std::int64_t s) {
                grid_.visit_mixed(s, [&](std::int64_t first) {
                    if (criticals(first)) found[std::size_t(s)].push_back(first);
                });
            }))
            throw std::bad_alloc();
        for (const auto& plane : found) queue_.insert(queue_.end(), plane.begin(), plane.end());
        std::vector<std::int64_t> stuck;
        for (; !queue_.empty(); queue_.pop_front())
            if (criticals(queue_.front()) && !improve(queue_.front())) stuck.push_back(queue_.front());
        queue_.assign(stuck.begin(), stuck.end());
        for (; !queue_.empty(); queue_.pop_front())
            if (criticals(queue_.front())) raise(queue_.front());
        std::sort(changes_.begin(), changes_.end());
        std::int64_t changed = 0;
        for (std::size_t k = 0; k < changes_.size(); ++k)
            if (k == 0 || changes_[k].first != changes_[k - 1].first)
                changed += grid_.voxels[std::size_t(changes_[k].first)] != original(k);
        return changed;
    }

   private:
    struct Change {
        std::int64_t first;  // voxel
        std::int64_t order;
        Label before;
        bool operator<(const Change& o) const { return first != o.first ? first < o.first : order < o.order; }
    };

    Label original(std::size_t k) const { return changes_[k].before; }

    // How many critical places the cell has.
    int criticals(std::int64_t first) const {
        Label v[8];
        grid_.cell(first, v);
        return criticals_of(v);
    }

    static int criticals_of(const Label* v) {
        static constexpr int FACE[6][4] = {{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 1, 4, 5},
                                           {2, 3, 6, 7}, {0, 2, 4, 6}, {1, 3, 5, 7}};
        int count = 0;
        for (const auto& f : FACE) {
            const Label a = v[f[0]], b = v[f[1]], c = v[f[2]], d = v[f[3]];
            count += a == d && b != a && c != a;
            count += b == c && a != b && d != b;
        }
        for (int k = 0; k < 4; ++k) {
            const Label a = v[k], z = v[7 - k];
            int as_a = 0, as_other = 0;
            const Label other = v[k == 0 ? 1 : 0];
            for (int j = 0; j < 8; ++j) {
                if (j == k || j == 7 - k) continue;
                as_a += v[j] == a;
                as_other += v[j] == other;
            }
            count += a == z && as_a == 0;
            count += as_other == 6 && a != other && z != other;
        }
        return count;
    }

    // Voxels on the outer layer stay as they are, or the surfaces would not close.
    bool may_change(std::int64_t voxel) const {
        const std::int64_t c = voxel % grid_.columns, r = voxel / grid_.columns % grid_.rows,
                           s = voxel / grid_.plane();
        return c > 0 && r > 0 && s > 0 && c + 1 < grid_.columns && r + 1 < grid_.rows && s + 1 < grid_.slices;
    }

    std::int64_t step(int place) const {
        return (place >> 2) * grid_.plane() + (place >> 1 & 1) * grid_.columns + (place & 1);
    }

    int criticals_about(std::int64_t voxel) const {
        int count = 0;
        for (int place = 0; place < 8; ++place) count += criticals(voxel - step(place));
        return count;
    }

    // Of the 26 voxels around, how many have this label.
    int support(std::int64_t voxel, Label label) const {
        int count = 0;
        for (int s = -1; s <= 1; ++s)
            for (int r = -1; r <= 1; ++r)
                for (int c = -1; c <= 1; ++c)
                    count += grid_.voxels[std::size_t(voxel + s * grid_.plane() + r * grid_.columns + c)] == label;
        return count;
    }

    void change(std::int64_t voxel, Label label) {
        changes_.push_back({voxel, std::int64_t(changes_.size()), grid_.voxels[std::size_t(voxel)]});
        grid_.voxels[std::size_t(voxel)] = label;
        for (int place = 0; place < 8; ++place)
            if (criticals(voxel - step(place))) queue_.push_back(voxel - step(place));
    }

    // The change of one voxel that leaves the fewest critical places; ties to the local majority.
    bool improve(std::int64_t first) {
        Label eight[8];
        grid_.cell(first, eight);
        int best_gain = 0, best_support = -100;
        std::int64_t best_voxel = -1;
        Label best_label = 0;
        for (int place = 0; place < 8; ++place) {
            const std::int64_t voxel = first + step(place);
            if (eight[place] == LabelGrid<Label>::OUTSIDE || !may_change(voxel)) continue;
            const int before = criticals_about(voxel);
            for (int k = 0; k < 8; ++k) {
                const Label label = eight[k];
                if (label == eight[place] || label == LabelGrid<Label>::OUTSIDE) continue;
                if (std::find(eight, eight + k, label) != eight + k) continue;
                grid_.voxels[std::size_t(voxel)] = label;
                const int gain = before - criticals_about(voxel);
                grid_.voxels[std::size_t(voxel)] = eight[place];
                if (gain <= 0 || gain < best_gain) continue;
                const int backing = support(voxel, label) - support(voxel, eight[place]);
                if (gain == best_gain && backing <= best_support) continue;
                best_gain = gain, best_support = backing, best_voxel = voxel, best_label = label;
            }
        }
        if (best_voxel < 0) return false;
        change(best_voxel, best_label);
        return true;
    }

    // Background ranks above every structure.
    static std::int64_t rank(Label label) { return label == 0 ? std::numeric_limits<Label>::max() : label; }

    void raise(std::int64_t first) {
        Label eight[8];
        grid_.cell(first, eight);
        Label top = LabelGrid<Label>::OUTSIDE;
        for (const Label label : eight)
            if (label != LabelGrid<Label>::OUTSIDE && (top == LabelGrid<Label>::OUTSIDE || rank(label) > rank(top)))
                top = label;
        std::int64_t best_voxel = -1;
        int best_left = 0;
        for (int place = 0; place < 8; ++place) {
            const std::int64_t voxel = first + step(place);
            if (eight[place] == top || eight[place] == LabelGrid<Label>::OUTSIDE || !may_change(voxel)) continue;
            grid_.voxels[std::size_t(voxel)] = top;
            const int left = criticals_about(voxel);
            grid_.voxels[std::size_t(voxel)] = eight[place];
            if (best_voxel >= 0 && left >= best_left) continue;
            best_voxel = voxel, best_left = left;
        }
        change(best_voxel, top);
        if (criticals(first)) queue_.push_back(first);
    }

    LabelGrid<Label>& grid_;
    std::deque<std::int64_t> queue_;
    std::vector<Change> changes_;
};

}  // namespace plastinate
