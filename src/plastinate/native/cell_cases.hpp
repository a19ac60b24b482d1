// How a surface passes through one cell of eight voxels: 256 cases, traced, not typed.
//
// Corner k of a cell has offsets (slice, row, column) = (k >> 2 & 1, k >> 1 & 1, k & 1).
// Bit k of a case is set where corner k lies inside. Every cell face is walked
// once around, and each step from inside to outside is joined to the next step
// from outside to inside. The join depends on the face alone, so the two cells
// beside a face always agree and no crack can open (the fault of the tables of
// Lorensen and Cline 1987, found by Duerst 1988). On an ambiguous face this
// joins the two inside corners: voxels that touch along an edge stay connected.
//
// The joins close into loops, each cut edge in exactly one loop. A loop is cut
// into triangles by diagonals that never lie in a cell face; so an edge within
// a face is only ever a join, used once from either side, and a diagonal is
// used only inside its own cell. Hence every edge has two triangles and every
// vertex one fan: closed and 2-manifold for every mask.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace cells {

// Edge e joins corner EDGE[e][0] to EDGE[e][1] = [0] + one step along axis e / 4.
// Axis 0 is the slice, 1 the row, 2 the column.
inline constexpr uint8_t EDGE[12][2] = {
    {0, 4}, {1, 5}, {2, 6}, {3, 7},  // along the slice axis
    {0, 2}, {1, 3}, {4, 6}, {5, 7},  // along the row axis
    {0, 1}, {2, 3}, {4, 5}, {6, 7},  // along the column axis
};

inline constexpr int MAX_TRIANGLES = 5;

struct Case {
    uint8_t triangles = 0;
    uint8_t edges[3 * MAX_TRIANGLES] = {};
};

inline int edge_between(int a, int b) {
    for (int e = 0; e < 12; ++e)
        if ((EDGE[e][0] == a && EDGE[e][1] == b) || (EDGE[e][0] == b && EDGE[e][1] == a)) return e;
    return -1;
}

inline std::array<double, 3> edge_middle(int e) {
    std::array<double, 3> middle{};
    for (int axis = 0; axis < 3; ++axis)
        middle[axis] = 0.5 * ((EDGE[e][0] >> (2 - axis) & 1) + (EDGE[e][1] >> (2 - axis) & 1));
    return middle;
}

// Faces of the cell that hold an edge, as a 6-bit set.
inline int faces_of(int e) {
    int faces = 0;
    for (int axis = 0; axis < 3; ++axis) {
        const int a = EDGE[e][0] >> (2 - axis) & 1, b = EDGE[e][1] >> (2 - axis) & 1;
        if (a == b) faces |= 1 << (2 * axis + a);
    }
    return faces;
}

inline double area(int a, int b, int c) {
    const auto p = edge_middle(a), q = edge_middle(b), r = edge_middle(c);
    const double u[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]};
    const double v[3] = {r[0] - p[0], r[1] - p[1], r[2] - p[2]};
    const double x = u[1] * v[2] - u[2] * v[1], y = u[2] * v[0] - u[0] * v[2], z = u[0] * v[1] - u[1] * v[0];
    return 0.5 * std::sqrt(x * x + y * y + z * z);
}

// The triangulation of loop[from..to] of least area at half-way vertices whose
// diagonals stay out of the cell faces; false if there is none.
inline bool triangulate(const std::vector<int>& loop, int from, int to, double& best,
                        std::vector<std::array<int, 3>>& chosen) {
    best = 0;
    chosen.clear();
    if (to - from < 2) return true;
    bool found = false;
    const int count = static_cast<int>(loop.size());
    const auto allowed = [&](int i, int j) {
        const bool is_side = j - i == 1 || (i == 0 && j == count - 1);
        return is_side || (faces_of(loop[i]) & faces_of(loop[j])) == 0;
    };
    for (int apex = from + 1; apex < to; ++apex) {
        if (!allowed(from, apex) || !allowed(apex, to)) continue;
        double left, right;
        std::vector<std::array<int, 3>> a, b;
        if (!triangulate(loop, from, apex, left, a) || !triangulate(loop, apex, to, right, b)) continue;
        const double total = left + right + area(loop[from], loop[apex], loop[to]);
        if (found && total >= best - 1e-9) continue;
        found = true;
        best = total;
        chosen = a;
        chosen.insert(chosen.end(), b.begin(), b.end());
        chosen.push_back({loop[from], loop[apex], loop[to]});
    }
    return found;
}

inline Case trace(int inside) {
    int next[12];
    for (int& n : next) n = -1;
    for (int axis = 0; axis < 3; ++axis)
        for (int side = 0; side < 2; ++side) {
            // The four corners of the face, counter-clockwise seen from outside the cell.
            const int u = 1 << (2 - (axis + 1) % 3), v = 1 << (2 - (axis + 2) % 3);
            const int origin = side << (2 - axis);
            int ring[4] = {origin, origin | u, origin | u | v, origin | v};
            if (side == 0) std::swap(ring[1], ring[3]);
            for (int i = 0; i < 4; ++i) {
                const int here = ring[i], there = ring[(i + 1) % 4];
                if (!(inside >> here & 1) || (inside >> there & 1)) continue;
                int j = i + 1;
                while (!(inside >> ring[(j + 1) % 4] & 1)) ++j;
                next[edge_between(ring[j % 4], ring[(j + 1) % 4])] = edge_between(here, there);
            }
        }
    Case result;
    bool seen[12] = {};
    for (int start = 0; start < 12; ++start) {
        if (next[start] < 0 || seen[start]) continue;
        std::vector<int> loop;
        for (int e = start; !seen[e]; e = next[e]) {
            seen[e] = true;
            loop.push_back(e);
        }
        double cost;
        std::vector<std::array<int, 3>> pieces;
        if (!triangulate(loop, 0, static_cast<int>(loop.size()) - 1, cost, pieces)) return Case{255, {}};
        for (const auto& piece : pieces) {
            if (result.triangles == MAX_TRIANGLES) return Case{255, {}};
            for (int corner = 0; corner < 3; ++corner)
                result.edges[3 * result.triangles + corner] = static_cast<uint8_t>(piece[corner]);
            ++result.triangles;
        }
    }
    return result;
}

inline const std::array<Case, 256>& table() {
    static const std::array<Case, 256> all = [] {
        std::array<Case, 256> made;
        for (int inside = 0; inside < 256; ++inside) made[inside] = trace(inside);
        return made;
    }();
    return all;
}

}  // namespace cells
