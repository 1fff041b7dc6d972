// SPDX-License-Identifier: MIT
// How fast strace logs are read, and whether memory stays flat.
//   import_bench LOG [MEGABYTES]     the log again and again, until it is that large (1000)
// Prints for the importer alone, for the importer with the writer of traces, and for `nstrace import LOG -o FILE`
// itself: MB/s and the peak of memory. Of the command the best of three counts, since a busy machine only adds.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "trace/file.h"
#include "trace/import.h"
#include "trace/input.h"

using namespace nstrace::trace;

namespace {

constexpr double kLeastSpeed = 100;  // MB of log in a second
constexpr double kMostMemory = 32;   // MiB, however long the log is
constexpr int kTimes = 3;

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

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// An empty file that is gone when this is.
class TempFile {
 public:
  TempFile() { ::close(::mkstemp(path_)); }
  ~TempFile() { ::unlink(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const char* path() const { return path_; }

 private:
  char path_[64] = "/tmp/nstrace-import-bench-XXXXXX";
};

// Calls work() and prints what it took; gives MB/s.
template <typename Work>
double measure(const char* name, double megabytes, const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{:9} {:.0f} MB: {:.2f} s, {:.0f} MB/s, {:.2f} s of CPU, peak {:.1f} MiB\n", name, megabytes, seconds,
             megabytes / seconds, cpu_seconds() - cpu_before, peak_mib());
  return megabytes / seconds;
}

bool bar(const char* what, double value, double limit, bool held) {
  fmt::print("{}: {} {:.0f}, bar {:.0f}\n", held ? "ok" : "NOT HELD", what, value, limit);
  return held;
}

// Puts the file `name` into `log` until that has as many megabytes; gives how many it has.
double fill(const TempFile& log, const char* name, double wanted) {
  std::ifstream in(name, std::ios::binary);
  const std::string once{std::istreambuf_iterator<char>(in), {}};
  std::ofstream out(log.path(), std::ios::binary);
  double megabytes = 0;
  while (!once.empty() && out && megabytes < wanted) {
    out << once;
    megabytes += static_cast<double>(once.size()) / 1e6;
  }
  return out ? megabytes : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: import_bench LOG [MEGABYTES]\n");
    return 2;
  }
  const TempFile log;
  const double megabytes = fill(log, argv[1], argc > 2 ? std::atof(argv[2]) : 1000);
  if (megabytes == 0) {
    fmt::print(stderr, "import_bench: cannot read {}, or write {}\n", argv[1], log.path());
    return 2;
  }

  Nobody nobody;
  measure("import", megabytes, [&] {
    LineInput input(log.path());
    const ReadReport report = import_strace(input, nobody);
    fmt::print("{} lines ({} unread), {} events\n", report.lines, report.unread, nobody.events);
  });
  std::uint64_t bytes = 0;
  JsonWriter writer([&](std::string_view line) { bytes += line.size(); });
  measure("to JSON", megabytes, [&] {
    LineInput input(log.path());
    import_strace(input, writer);
  });
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    const TempFile trace;
    best = std::max(best, measure("to a file", megabytes, [&] {
                      nstrace::cli::import_command({log.path(), "-o", fmt::format("jsonl:{}", trace.path())});
                    }));
  }
  fmt::print("{} bytes of JSON\n", bytes);
  const bool fast = bar("nstrace import to a file, MB/s", best, kLeastSpeed, best >= kLeastSpeed);
  const bool flat = bar("the peak of memory, MiB", peak_mib(), kMostMemory, peak_mib() <= kMostMemory);
  return fast && flat ? 0 : 1;
}
