// SPDX-License-Identifier: MIT
// The fields of an exec line that tell the state which the new image begins with: ids, capabilities, folders,
// descriptors. Part of the reader of trace files.
#pragma once

#include <cstdint>
#include <string_view>

#include "trace/event.h"
#include "trace/file_fields.h"
#include "trace/json_values.h"

namespace nstrace::trace {

// `each(value, take)` calls take(field, exact, value) for each known field of an object.
template <typename Each>
void read_creds(value v, Creds& to, Each each) {
  each(v, [&](Field field, bool, value id) {
    if (field == Field::uid) to.uid = integer<std::uint32_t>(id);
    if (field == Field::euid) to.euid = integer<std::uint32_t>(id);
    if (field == Field::suid) to.suid = integer<std::uint32_t>(id);
    if (field == Field::fsuid) to.fsuid = integer<std::uint32_t>(id);
    if (field == Field::gid) to.gid = integer<std::uint32_t>(id);
    if (field == Field::egid) to.egid = integer<std::uint32_t>(id);
    if (field == Field::sgid) to.sgid = integer<std::uint32_t>(id);
    if (field == Field::fsgid) to.fsgid = integer<std::uint32_t>(id);
  });
}

template <typename Each>
void read_caps(value v, Caps& to, Each each) {
  each(v, [&](Field field, bool, value set) {
    if (field == Field::inheritable) to.inheritable = number_text<std::uint64_t>(set);
    if (field == Field::permitted) to.permitted = number_text<std::uint64_t>(set);
    if (field == Field::effective) to.effective = number_text<std::uint64_t>(set);
    if (field == Field::bounding) to.bounding = number_text<std::uint64_t>(set);
    if (field == Field::ambient) to.ambient = number_text<std::uint64_t>(set);
  });
}

template <typename Each>
void read_place(value v, Place& to, Each each) {
  each(v, [&](Field field, bool exact, value of) {
    if (field == Field::device) to.device = device(string(of));
    if (field == Field::inode) to.inode = number_text<std::uint64_t>(of);
    if (field == Field::path) read_text(of, exact, to.path);
  });
}

template <typename Each>
void read_exec_state(Field field, value v, Exec& exec, Each each) {
  if (field == Field::creds) read_creds(v, exec.creds.emplace(), each);
  if (field == Field::caps) read_caps(v, exec.caps.emplace(), each);
  if (field == Field::groups) {
    exec.groups.emplace();
    for (auto element : elements(v)) exec.groups->push_back(integer<std::uint32_t>(element.value()));
  }
  if (field == Field::groups_more) exec.groups_more = integer<std::uint32_t>(v);
  if (field == Field::no_new_privs) exec.no_new_privs = boolean(v);
  if (field == Field::seccomp) {
    exec.seccomp = seccomp_from_word(string(v));
    if (!exec.seccomp) throw BadField{"is not a mode of seccomp"};
  }
  if (field == Field::cwd) read_place(v, exec.cwd.emplace(), each);
  if (field == Field::root) read_place(v, exec.root.emplace(), each);
  if (field == Field::fds) {
    exec.fds.emplace();
    for (auto element : elements(v)) {
      OpenFd& fd = exec.fds->emplace_back();
      each(element.value(), [&](Field of, bool exact, value w) {
        if (of == Field::fd) fd.fd = integer<int>(w);
        if (of == Field::target) read_text(w, exact, fd.target);
      });
    }
  }
  if (field == Field::fds_more) exec.fds_more = integer<std::uint32_t>(v);
}

}  // namespace nstrace::trace
