// SPDX-License-Identifier: MIT
// How fast strace logs are read, and whether memory stays flat.
//   import_bench LOG [MEGABYTES]     the log again and again, until it is that large (1000)
// Prints for the importer alone and for the importer with the writer of traces: MB/s, events/s, and the peak of memory.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "trace/file.h"
#include "trace/import.h"
#include "trace/input.h"

using namespace nstrace::trace;

namespace {

class Nobody : public Sink {
 public:
  void event(const Event&) override { ++events; }
  std::uint64_t events = 0;
};

double cpu_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

long peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void run(const char* name, const std::string& path, double megabytes, Sink& sink, const std::uint64_t& events) {
  LineInput input(path);
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  const ReadReport report = import_strace(input, sink);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print(
      "{:9} {:.0f} MB, {} lines ({} unread), {} events: {:.2f} s, {:.0f} MB/s, {:.0f} events/s, {:.2f} s of CPU, peak "
      "{} KiB\n",
      name, megabytes, report.lines, report.unread, events, seconds, megabytes / seconds,
      static_cast<double>(events) / seconds, cpu_seconds() - cpu_before, peak_kib());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: import_bench LOG [MEGABYTES]\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string log{std::istreambuf_iterator<char>(in), {}};
  const double wanted = argc > 2 ? std::atof(argv[2]) : 1000;
  char path[] = "/tmp/nstrace-import-bench-XXXXXX";
  const int fd = ::mkstemp(path);
  if (fd < 0 || log.empty()) return 2;
  double megabytes = 0;
  for (; megabytes < wanted; megabytes += static_cast<double>(log.size()) / 1e6)
    if (::write(fd, log.data(), log.size()) != static_cast<ssize_t>(log.size())) return 2;
  ::close(fd);

  Nobody nobody;
  run("import", path, megabytes, nobody, nobody.events);
  std::uint64_t bytes = 0;
  JsonWriter writer([&](std::string_view line) { bytes += line.size(); });
  run("to JSON", path, megabytes, writer, nobody.events);
  // As `nstrace import -o FILE` does it: in blocks, to a file that grows (and is cut off again, for the disk's sake).
  char copy[] = "/tmp/nstrace-import-bench-XXXXXX";
  const int to = ::mkstemp(copy);
  ::unlink(copy);
  std::string block;
  std::uint64_t written = 0;
  JsonWriter filer([&](std::string_view line) {
    block += line;
    if (block.size() < 64 * 1024) return;
    written += block.size();
    if (::write(to, block.data(), block.size()) < 0 || (written > 2'000'000'000 && ::ftruncate(to, 0) != 0)) return;
    block.clear();
  });
  run("to a file", path, megabytes, filer, nobody.events);
  fmt::print("{} bytes of JSON\n", bytes);
  ::close(to);
  ::unlink(path);
}
