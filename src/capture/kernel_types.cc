// SPDX-License-Identifier: MIT
// Documentation/bpf/btf.rst has the layout of types.
#include "capture/kernel_types.h"

#include <bpf/btf.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace nstrace::capture {
namespace {

struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, BtfFree>;

bool can_be_candidate(const btf_type* type) {
  return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type);
}

// The name without its flavor, as libbpf compares it (tools/lib/bpf/relo_core.c, bpf_core_essential_name_len).
std::string_view essential(std::string_view name) {
  return name.substr(0, name.find("___"));
}

std::unordered_set<std::string_view> names_of(const btf* types) {
  std::unordered_set<std::string_view> names;
  for (__u32 id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (can_be_candidate(type) && type->name_off) names.insert(essential(btf__name_by_offset(types, type->name_off)));
  }
  return names;
}

// Calls `take` with a reference to each type id in `type` that its layout depends on, or only its pointee.
template <class Type, class Take>
void for_each_reference(Type* type, Take take) {
  switch (btf_kind(type)) {
    case BTF_KIND_PTR:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_TYPE_TAG:
      take(type->type);
      break;
    case BTF_KIND_ARRAY:
      take(btf_array(type)->type);
      take(btf_array(type)->index_type);
      break;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      for (int i = 0; i < btf_vlen(type); ++i) take((btf_members(type) + i)->type);
      break;
    default:  // numbers and enumerations have no references; functions and variables are never inside a type
      break;
  }
}

class Subset {
 public:
  explicit Subset(const btf* kernel) : kernel_(kernel), new_id_(btf__type_cnt(kernel)) {}

  void keep(__u32 root) {
    std::vector<__u32> open{root};
    while (!open.empty()) {
      const __u32 id = open.back();
      open.pop_back();
      if (id == 0 || new_id_[id]) continue;
      const btf_type* type = btf__type_by_id(kernel_, id);
      kept_.push_back(id);
      new_id_[id] = static_cast<__u32>(kept_.size());
      if (!btf_is_ptr(type)) for_each_reference(type, [&](const __u32& to) { open.push_back(to); });
    }
  }

  // A BTF of the kept types alone, or nothing when memory is short.
  Btf build() const {
    Btf out(btf__new_empty());
    for (const __u32 id : kept_)
      if (!out || btf__add_type(out.get(), kernel_, btf__type_by_id(kernel_, id)) < 0) return nullptr;
    for (__u32 id = 1; id <= kept_.size(); ++id) {
      auto* type = const_cast<btf_type*>(btf__type_by_id(out.get(), id));  // it is ours: made above
      for_each_reference(type, [&](__u32& to) { to = new_id_[to]; });      // a pointee that is not kept becomes void
    }
    return out;
  }

 private:
  const btf* kernel_;
  std::vector<__u32> new_id_;  // by the kernel's id; 0 = not kept
  std::vector<__u32> kept_;    // by new id - 1
};

// The kernel's BTF, 5 MB and more, is read and copied four times, here and by libbpf. From malloc's usual mmap each
// copy costs a page fault per 4 KiB, half the time until nstrace is ready on some machines: so let the copies share one
// piece of the heap, in huge pages where the kernel has them. A hint: without effect it is as before.
void prepare_heap() {
  constexpr std::size_t kRoom = 32u << 20, kHuge = 2u << 20;
  mallopt(M_MMAP_THRESHOLD, kRoom);
  mallopt(M_TOP_PAD, kRoom);
  const std::unique_ptr<char[]> extends(new char[kHuge / 2]);
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0)) / kHuge * kHuge;
  madvise(reinterpret_cast<void*>(end - kRoom + kHuge), kRoom - kHuge, MADV_HUGEPAGE);
}

}  // namespace

KernelTypes::KernelTypes(const btf* wanted, const std::vector<const char*>& functions) {
  prepare_heap();
  const Btf kernel(btf__load_vmlinux_btf());
  if (!wanted || !kernel) return;
  for (const char* function : functions)
    functions_.push_back(std::max(0, btf__find_by_name_kind(kernel.get(), function, BTF_KIND_FUNC)));
  const std::unordered_set<std::string_view> names = names_of(wanted);
  Subset subset(kernel.get());
  for (__u32 id = 1; id < btf__type_cnt(kernel.get()); ++id) {
    const btf_type* type = btf__type_by_id(kernel.get(), id);
    if (type->name_off && can_be_candidate(type) && names.count(btf__name_by_offset(kernel.get(), type->name_off)))
      subset.keep(id);
  }
  const Btf few = subset.build();
  __u32 size = 0;
  const void* bytes = few ? btf__raw_data(few.get(), &size) : nullptr;
  if (!bytes) return;
  fd_ = memfd_create("nstrace-kernel-types", MFD_CLOEXEC);
  if (fd_ >= 0 && write(fd_, bytes, size) == static_cast<ssize_t>(size)) path_ = fmt::format("/proc/self/fd/{}", fd_);
}

KernelTypes::~KernelTypes() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace nstrace::capture
