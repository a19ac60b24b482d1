// Triangles in; how they hang together out: borders, branchings, fans, pieces.
//
// Around each vertex every triangle names one step, from its next corner to the
// one before. On a closed 2-manifold these steps form one ring. What breaks the
// ring is what is wrong: a neighbour left but not reached is a border, one
// reached twice a branching (or two neighbours wound against each other), two
// rings are two fans that touch in a point.
//
// Pieces are joined over common corners by union-find (Tarjan 1975) with path
// halving, the lower number always the root, so names do not depend on luck.
//
// Time: linear. Memory: 12 bytes a triangle corner.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

#include "mask_bits.hpp"
#include "parallel.hpp"

namespace {

struct Step {
    uint32_t next, before;
};

struct Faults {
    int64_t border_edges = 0, wrong_edges = 0, split_vertices = 0, unused_vertices = 0;
};

// One vertex: its steps, a few at most, so all pairs are looked at.
void look_around(uint32_t vertex, const Step* steps, int64_t count, Faults& faults) {
    if (count == 0) {
        ++faults.unused_vertices;
        return;
    }
    bool is_ring = true;
    for (int64_t k = 0; k < count; ++k) {
        int64_t left = 0, reached = 0, chains_before = 0;
        for (int64_t j = 0; j < count; ++j) {
            left += steps[j].next == steps[k].next;
            reached += steps[j].before == steps[k].next;
            chains_before += steps[j].before == steps[k].before && j < k;
        }
        if (left != 1 || reached != 1) is_ring = false;
        // Each edge is judged at its lower end, at its first mention.
        bool is_first = true;
        for (int64_t j = 0; j < k; ++j) is_first = is_first && steps[j].next != steps[k].next;
        if (steps[k].next > vertex && is_first) {
            faults.border_edges += left == 1 && reached == 0;
            faults.wrong_edges += left > 1 || reached > 1;
        }
        // Edges only ever reached, never left, have no `next` to be judged by.
        int64_t also_left = 0, all_reached = 0;
        for (int64_t j = 0; j < count; ++j) {
            also_left += steps[j].next == steps[k].before;
            all_reached += steps[j].before == steps[k].before;
        }
        if (also_left == 0) {
            is_ring = false;
            if (steps[k].before > vertex && chains_before == 0) {
                faults.border_edges += all_reached == 1;
                faults.wrong_edges += all_reached > 1;
            }
        }
    }
    // Follow the steps: a ring must come round to its start after all of them,
    // an open fan must be one chain.
    const auto after = [&](uint32_t reached) -> int64_t {
        for (int64_t j = 0; j < count; ++j)
            if (steps[j].next == reached) return j;
        return -1;
    };
    int64_t start = 0;
    if (!is_ring) {
        int64_t starts = 0;
        for (int64_t k = 0; k < count; ++k) {
            bool is_start = true;
            for (int64_t j = 0; j < count; ++j) is_start = is_start && steps[j].before != steps[k].next;
            if (is_start) start = k, ++starts;
        }
        if (starts > 1) {
            ++faults.split_vertices;
            return;
        }
    }
    int64_t walked = 1;
    for (int64_t at = after(steps[start].before); at >= 0 && at != start && walked <= count;
         at = after(steps[at].before))
        ++walked;
    if (walked != count) ++faults.split_vertices;
}

Faults look_at_all(const uint32_t* triangles, int64_t triangle_count, int64_t vertex_count, int threads) {
    std::vector<uint32_t> start(static_cast<size_t>(vertex_count) + 1, 0);
    for (int64_t k = 0; k < 3 * triangle_count; ++k) ++start[triangles[k] + 1];
    for (int64_t v = 0; v < vertex_count; ++v) start[v + 1] += start[v];
    std::vector<Step> steps(static_cast<size_t>(3 * triangle_count));
    std::vector<uint32_t> filled(start.begin(), start.end() - 1);
    for (int64_t t = 0; t < triangle_count; ++t)
        for (int k = 0; k < 3; ++k) {
            const uint32_t* corner = triangles + 3 * t;
            steps[filled[corner[k]]++] = {corner[(k + 1) % 3], corner[(k + 2) % 3]};
        }
    const int64_t parts = std::max(1, threads);
    std::vector<Faults> found(static_cast<size_t>(parts));
    const int status = plastinate::share(parts, threads, [&](int64_t part) {
        for (int64_t v = vertex_count * part / parts; v < vertex_count * (part + 1) / parts; ++v)
            look_around(static_cast<uint32_t>(v), steps.data() + start[v], start[v + 1] - start[v], found[part]);
    });
    if (status != plastinate::OK) throw std::bad_alloc();
    Faults all;
    for (const Faults& one : found) {
        all.border_edges += one.border_edges;
        all.wrong_edges += one.wrong_edges;
        all.split_vertices += one.split_vertices;
        all.unused_vertices += one.unused_vertices;
    }
    return all;
}

uint32_t root_of(std::vector<uint32_t>& parent, uint32_t v) {
    while (parent[v] != v) v = parent[v] = parent[parent[v]];
    return v;
}

}  // namespace

// faults: border edges, wrong edges, split vertices, unused vertices.
PLASTINATE_API int mesh_faults(const uint32_t* triangles, int64_t triangle_count, int64_t vertex_count, int threads,
                               int64_t* faults) {
    try {
        const Faults all = look_at_all(triangles, triangle_count, vertex_count, threads);
        faults[0] = all.border_edges;
        faults[1] = all.wrong_edges;
        faults[2] = all.split_vertices;
        faults[3] = all.unused_vertices;
        return plastinate::OK;
    } catch (...) {
        return plastinate::NO_MEMORY;
    }
}

// Names each triangle's piece 0, 1, 2 ... in the order of first triangles; returns their number, or -1.
PLASTINATE_API int64_t mesh_pieces(const uint32_t* triangles, int64_t triangle_count, int64_t vertex_count,
                                   uint32_t* piece) {
    try {
        std::vector<uint32_t> parent(static_cast<size_t>(vertex_count));
        for (size_t v = 0; v < parent.size(); ++v) parent[v] = static_cast<uint32_t>(v);
        for (int64_t t = 0; t < triangle_count; ++t)
            for (int k = 1; k < 3; ++k) {
                const uint32_t a = root_of(parent, triangles[3 * t]), b = root_of(parent, triangles[3 * t + k]);
                parent[std::max(a, b)] = std::min(a, b);
            }
        constexpr uint32_t unnamed = 0xffffffffu;
        std::vector<uint32_t> name(parent.size(), unnamed);
        uint32_t count = 0;
        for (int64_t t = 0; t < triangle_count; ++t) {
            const uint32_t root = root_of(parent, triangles[3 * t]);
            if (name[root] == unnamed) name[root] = count++;
            piece[t] = name[root];
        }
        return count;
    } catch (...) {
        return -1;
    }
}

// Signed volume and area of each piece, in cubes and squares of the vertices' unit.
PLASTINATE_API void piece_sizes(const float* vertices, const uint32_t* triangles, int64_t triangle_count,
                                const uint32_t* piece, const double* middle, double* volume, double* area) {
    for (int64_t t = 0; t < triangle_count; ++t) {
        double p[3][3];
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < 3; ++k) p[corner][k] = vertices[3 * int64_t{triangles[3 * t + corner]} + k] - middle[k];
        double u[3], v[3];
        for (int k = 0; k < 3; ++k) u[k] = p[1][k] - p[0][k], v[k] = p[2][k] - p[0][k];
        const double n[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
        volume[piece[t]] += (p[0][0] * n[0] + p[0][1] * n[1] + p[0][2] * n[2]) / 6.0;
        area[piece[t]] += 0.5 * std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
    }
}

// Copies the triangles that stay, and the vertices they use, in order; returns the vertices written,
// or -1. `vertices_out` has room for all.
PLASTINATE_API int64_t mesh_keep(const float* vertices, int64_t vertex_count, const uint32_t* triangles,
                                 int64_t triangle_count, const uint8_t* stays, float* vertices_out,
                                 uint32_t* triangles_out) {
    try {
        constexpr uint32_t unused = 0xffffffffu;
        std::vector<uint32_t> number(static_cast<size_t>(vertex_count), unused);
        for (int64_t t = 0; t < triangle_count; ++t)
            if (stays[t])
                for (int k = 0; k < 3; ++k) number[triangles[3 * t + k]] = 0;
        uint32_t made = 0;
        for (int64_t v = 0; v < vertex_count; ++v) {
            if (number[v] == unused) continue;
            for (int k = 0; k < 3; ++k) vertices_out[3 * int64_t{made} + k] = vertices[3 * v + k];
            number[v] = made++;
        }
        for (int64_t t = 0; t < triangle_count; ++t)
            if (stays[t])
                for (int k = 0; k < 3; ++k) *triangles_out++ = number[triangles[3 * t + k]];
        return made;
    } catch (...) {
        return -1;
    }
}
