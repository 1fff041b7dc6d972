// SPDX-License-Identifier: MIT
#include "capture/interpreter.h"

#include <elf.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace nstrace::capture {
namespace {

constexpr int kDepth = 5;  // of scripts whose interpreters are scripts, as the kernel has it

// The first word behind #!
std::string script_interpreter(std::istream& in) {
  std::string line;
  std::getline(in, line);
  const std::size_t begin = line.find_first_not_of(" \t", 2);
  if (begin == line.npos) return "";
  return line.substr(begin, line.find_first_of(" \t", begin) - begin);
}

template <typename Header, typename Segment>
std::string elf_interpreter(std::istream& in) {
  Header header{};
  in.seekg(0);
  in.read(reinterpret_cast<char*>(&header), sizeof header);
  for (int i = 0; in && i < header.e_phnum; ++i) {
    Segment segment{};
    in.seekg(static_cast<std::streamoff>(header.e_phoff) + i * static_cast<std::streamoff>(sizeof segment));
    in.read(reinterpret_cast<char*>(&segment), sizeof segment);
    if (!in || segment.p_type != PT_INTERP || segment.p_filesz > 4096) continue;
    std::string path(segment.p_filesz, '\0');
    in.seekg(static_cast<std::streamoff>(segment.p_offset));
    in.read(path.data(), static_cast<std::streamsize>(path.size()));
    return path.c_str();  // without the NUL that ends it
  }
  return "";
}

}  // namespace

Missing find_missing(const std::string& program) {
  std::string path = program;
  Missing missing;
  for (int i = 0; i < kDepth && !path.empty(); ++i) {
    if (i > 0 && access(path.c_str(), F_OK) != 0) {
      missing.path = path;
      return missing;
    }
    std::ifstream in(path, std::ios::binary);
    char magic[EI_NIDENT] = {};
    in.read(magic, sizeof magic);
    in.clear();
    in.seekg(0);
    if (magic[0] == '#' && magic[1] == '!') {
      missing.what = "interpreter";
      path = script_interpreter(in);
    } else if (std::memcmp(magic, ELFMAG, SELFMAG) == 0) {
      missing.what = "dynamic loader";
      path = magic[EI_CLASS] == ELFCLASS32 ? elf_interpreter<Elf32_Ehdr, Elf32_Phdr>(in)
                                           : elf_interpreter<Elf64_Ehdr, Elf64_Phdr>(in);
    } else {
      break;
    }
  }
  return missing;
}

}  // namespace nstrace::capture
