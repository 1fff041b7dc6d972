// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "trace/error.h"

namespace nstrace::cli {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kBlock = 512 * 1024;  // for the thread that writes

// The user who called sudo owns what nstrace writes, not root.
void give_to_caller(int fd) {
  const char* uid = std::getenv("SUDO_UID");
  const char* gid = std::getenv("SUDO_GID");
  if (geteuid() != 0 || !uid || !gid) return;
  [[maybe_unused]] const int ignored = fchown(fd, static_cast<uid_t>(std::strtoul(uid, nullptr, 10)),
                                              static_cast<gid_t>(std::strtoul(gid, nullptr, 10)));
}

bool in_sticky_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat st {};
  return stat(folder.c_str(), &st) == 0 && (st.st_mode & S_ISVTX) && (st.st_mode & S_IWOTH);
}

}  // namespace

void keep_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)  // the lowest free one is the one that is opened
        [[maybe_unused]]
      const int ignored = ::open("/", O_PATH | O_CLOEXEC);
}

std::unique_ptr<Output> Output::open(const std::string& path) {
  if (path == "-") return standard(STDOUT_FILENO);
  struct stat before {};
  const bool existed = stat(path.c_str(), &before) == 0;
  if (existed && S_ISDIR(before.st_mode)) throw Error(fmt::format("cannot write {}: it is a directory", path));
  const int no_link = in_sticky_folder(path) ? O_NOFOLLOW : 0;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | no_link, 0600);
  if (fd < 0) {
    if (errno == ELOOP && no_link)
      throw Error(
          fmt::format("{} is a symbolic link in a folder that everybody can write to; name the file itself", path));
    throw Error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  if (!existed) give_to_caller(fd);
  return std::unique_ptr<Output>(new Output(fd, path, true, !existed));
}

std::unique_ptr<Output> Output::standard(int fd) {
  return std::unique_ptr<Output>(new Output(fd, fd == STDOUT_FILENO ? "stdout" : "stderr", false, false));
}

Output::~Output() {
  try {
    if (!buffer_.empty()) flush();
  } catch (const std::exception&) {  // whoever needed to know has flushed before
  }
  behind_.reset();
  if (untouched_ && made_) unlink(name_.c_str());
  if (owned_) close(fd_);
}

void Output::write(std::string_view text) {
  buffer_ += text;
  if (behind_) {
    if (buffer_.size() < kBlock) return;
    begin();
    return behind_->give(buffer_);
  }
  const auto now = std::chrono::steady_clock::now();
  if (buffer_.size() >= kBuffer || now - flushed_ > std::chrono::seconds(1) || terminal_) flush();
}

void Output::write_behind() {
  behind_ = std::make_unique<WriteBehind>([this](std::string_view text) { write_out(text); });
}

// What was in the file goes when there is something to put in its place.
void Output::begin() {
  if (!untouched_) return;
  [[maybe_unused]] const int ignored = ftruncate(fd_, 0);  // a pipe or a device has no length
  untouched_ = false;
}

void Output::flush() {
  begin();
  flushed_ = std::chrono::steady_clock::now();
  if (behind_) {
    behind_->give(buffer_);
    behind_->wait();
    return;
  }
  try {
    write_out(buffer_);
  } catch (...) {
    buffer_.clear();  // the destructor is not to try again
    throw;
  }
  buffer_.clear();
}

void Output::write_out(std::string_view rest) {
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // a stderr that was closed from the start has as few readers; a stdout has somebody who waits for the result
      if ((error == EPIPE || (error == EBADF && fd_ == STDERR_FILENO)) && !owned_) throw PipeClosed();
      throw Error(fmt::format("cannot write {}: {}", name_, std::strerror(error)));
    }
    rest.remove_prefix(written);
  }
}

bool Output::terminal() const {
  return terminal_;
}

int Output::columns() const {
  winsize size{};
  return terminal_ && ioctl(fd_, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace nstrace::cli
