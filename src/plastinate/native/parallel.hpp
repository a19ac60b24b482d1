// Shares numbered pieces of work among threads. Which thread runs a piece never
// decides what comes out: a piece writes only its own part of the result.
#pragma once
#include <atomic>
#include <cstdint>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace plastinate {

constexpr int OK = 0;
constexpr int NO_MEMORY = 1;
constexpr int BAD_ARGUMENT = 2;

// Calls body(i) for i in [0, count); returns OK or NO_MEMORY, and never throws.
template <class Body>
int share(std::int64_t count, int threads, Body body) {
    std::atomic<std::int64_t> next{0};
    std::atomic<int> status{OK};
    auto worker = [&]() {
        try {
            for (std::int64_t i = next++; i < count && status == OK; i = next++) body(i);
        } catch (const std::bad_alloc&) {
            status = NO_MEMORY;
        }
    };
    std::vector<std::thread> crew;
    try {
        for (int t = 1; t < threads && t < count; ++t) crew.emplace_back(worker);
    } catch (const std::system_error&) {
        // Fewer threads than asked for is slower, not wrong.
    } catch (const std::bad_alloc&) {
    }
    worker();
    for (auto& member : crew) member.join();
    return status;
}

}  // namespace plastinate

#define PLASTINATE_API extern "C" __attribute__((visibility("default")))
