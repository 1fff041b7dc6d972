// SPDX-License-Identifier: MIT
// A container's root directory: a tmpfs, filled with one program that is all commands, and the file systems of the
// kernel. Real runtimes take an unpacked image instead of the first; the rest is theirs.
#pragma once

#include <string>

#include "lab/container.h"

namespace nstrace::lab {

// Where the root directory is mounted before it becomes "/". It is there on every host, and the host does not see it.
inline const std::string kRoot = "/tmp";

// The "image", below the current directory: bin, dev, proc, sys, tmp. Opens a program of the host's before it is
// hidden.
int open_host_program(Stage&, const Spec&);  // -1: there is none
void fill_root(Stage&, const Spec&, int host_program);
std::string program_path(const Spec&);  // in the container

void make_device_links(Stage&, const std::string& dev);  // dev/fd, dev/stdin, ...
void make_device_links_at(Stage&, int dev);              // below the directory that a descriptor is

struct Device {
  const char* name;
  unsigned major, minor;
  const char* shown;
};
// null, zero, full, random, urandom, tty: what every program may count on.
extern const Device kDevices[6];
void make_device(Stage&, const Device&, const std::string& path);  // mknod
void make_device_at(Stage&, const Device&, int dev);
void borrow_device(Stage&, const Device&, const std::string& path);  // a bind mount of the host's

}  // namespace nstrace::lab
