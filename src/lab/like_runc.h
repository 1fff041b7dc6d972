// SPDX-License-Identifier: MIT
// What the two files of runc's way share: a runc run or exec as it is being written.
#pragma once

#include "lab/container.h"

namespace nstrace::lab::runc {

enum class Version { v1_1, v1_2, v1_3 };

struct Runc {
  First& first;
  const Spec& spec;
  Version version;
  bool exec;                              // runc exec: joins, makes nothing
  const Register &parent, &child, &init;  // child and init side by side
  int to_init = -1, init_pipe = -1;       // runc <-> runc init: the bootstrap, later the config and the steps' words
  int gate_reader = -1, gate = -1;        // what holds the container back between create and start
  int to_child = -1, child_to_parent = -1;
  int to_grandchild = -1, grandchild_to_parent = -1;
  const Register* target = nullptr;  // exec: the pid of the container's init
};

inline bool by_descriptors(const Runc& r) {
  return r.version == Version::v1_3;
}

// A mount of proc that only this process has. `known`: what the kernel can do was asked before.
int open_own_proc(Stage&, bool known);
// runc:[2:INIT]: the container's root directory, from the image to /proc/sys.
void set_up_root(Stage& init, Runc&);

}  // namespace nstrace::lab::runc
