// SPDX-License-Identifier: MIT
// Names and images of containers, out of the files that managers keep of them: docker's config.v2.json, and the
// annotations in the config.json of a bundle (containerd's CRI, CRI-O). Read only, no daemon is asked, and what cannot
// be read is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nstrace::story {

struct Named {
  std::string name;   // "web"; "" = not known
  std::string image;  // "busybox"; "" = not known
};

// folders: where files of the container may lie; the first that tells something counts. id: the files must be this
// container's, where they say whose they are.
Named names_from_files(const std::vector<std::string>& folders, std::string_view id);
// Folders that a docker of the usual kind would have for it.
std::vector<std::string> usual_folders(std::string_view id);
// This machine since it was started last: only then do its files belong to a trace. "" = not known.
std::string this_boot();

}  // namespace nstrace::story
