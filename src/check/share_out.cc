// SPDX-License-Identifier: MIT
// Each thread takes the next piece when it is done with one, so that none waits for a long one of another.
#include "check/share_out.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>

namespace nstrace::check {

void share_out(std::size_t pieces, std::size_t workers, FunctionRef<void(std::size_t, std::size_t)> work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::exception_ptr> thrown(pieces);
  const auto run = [&](std::size_t worker) {
    for (std::size_t piece = next++; piece < pieces; piece = next++) {
      try {
        work(worker, piece);
      } catch (...) {
        thrown[piece] = std::current_exception();
        next = pieces;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (std::size_t worker = 1; worker < std::min(workers, pieces); ++worker) threads.emplace_back(run, worker);
    } catch (const std::system_error&) {  // pthread_create: EAGAIN
    }
    run(0);
  }
  // From here on all threads have ended.
  for (const std::exception_ptr& one : thrown)
    if (one) std::rethrow_exception(one);
}

}  // namespace nstrace::check
