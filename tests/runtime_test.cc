// SPDX-License-Identifier: MIT
#include "model/runtime.h"

#include "tests/catch.h"

using namespace nstrace::model;

namespace {

Program program(std::vector<std::string> argv, std::string path = "") {
  Program p;
  p.path = path.empty() && !argv.empty() ? argv[0] : path;
  p.argv = std::move(argv);
  return p;
}

std::string told(const std::vector<std::string>& argv, const std::string& path = "") {
  const auto command = runtime_command(program(argv, path));
  return command ? command->runtime + " " + command->verb + " " + command->id : "none";
}

}  // namespace

TEST_CASE("verb and id behind global flags with and without values") {
  REQUIRE(told({"runc", "create", "abc"}) == "runc create abc");
  REQUIRE(told({"runc", "--root", "create", "--log", "exec", "--log-format", "json", "run", "-b", "b", "id"}) ==
          "runc run id");
  REQUIRE(told({"runc", "--root=/r", "--debug", "--systemd-cgroup", "create", "--pid-file=x", "--no-pivot", "id"}) ==
          "runc create id");
  REQUIRE(told({"crun", "--cgroup-manager", "disabled", "run", "--preserve-fds", "2", "id"}) == "crun run id");
  REQUIRE(told({"runc", "exec", "-t", "-e", "A=b", "--cwd", "/", "id", "sh", "-c", "x"}) == "runc exec id");
  REQUIRE(told({"/usr/libexec/crio/crun", "--rootless", "true", "start", "id"}) == "crun start id");
  REQUIRE(told({"runc", "run", "--", "-odd"}) == "runc run -odd");
}

TEST_CASE("what is not there is not made up") {
  REQUIRE(told({"runc"}) == "runc  ");
  REQUIRE(told({"runc", "--root"}) == "runc  ");
  REQUIRE(told({"runc", "create"}) == "runc create ");
  REQUIRE(told({"runc", "create", "--bundle"}) == "runc create ");
  REQUIRE(told({"runc", "init"}) == "runc init ");
  REQUIRE(told({"runc", "features"}) == "runc features ");
  REQUIRE(told({"runc", "frobnicate", "id"}) == "runc  ");
  REQUIRE(told({}) == "none");
  REQUIRE(told({""}) == "none");
  REQUIRE(told({"git", "init", "dir"}) == "none");
  REQUIRE(told({"npm", "run", "-b", "x"}) == "none");
  REQUIRE(told({"docker", "run", "busybox"}) == "none");
}

TEST_CASE("known by the path where argv[0] says nothing, by argv[0] where the path is a descriptor") {
  REQUIRE(told({"x", "create", "id"}, "/usr/bin/runc") == "runc create id");
  REQUIRE(told({"crun", "run", "id"}, "/dev/fd/8") == "crun run id");
  REQUIRE(told({"nstrace-lab"}, "/proc/self/fd/5") == "nstrace lab  ");
  REQUIRE(told({"x"}, "/memfd:nstrace-lab") == "nstrace lab  ");
  REQUIRE(told({"nstrace-lab", "pod", "pause", "app"}) == "nstrace lab  pause");
}

TEST_CASE("libcontainer's variables tell a runtime of any name, the sealed copy's does not") {
  Program p = program({"my-runtime", "init"});
  p.env = {"_LIBCONTAINER_INITTYPE=setns"};
  REQUIRE(runtime_command(p)->runtime == "runc");
  p.env = {"_LIBCONTAINER_CLONED_BINARY=1"};
  REQUIRE_FALSE(runtime_command(p));
}

TEST_CASE("monitors") {
  const auto conmon = monitor_command(program({"/usr/bin/conmon", "--api-version", "1", "-c", "ID", "-u", "U", "-r",
                                               "/usr/bin/runc", "-b", "/b", "-p", "/p", "-n", "web"}));
  REQUIRE(conmon->id == "ID");
  REQUIRE(conmon->name == "web");
  REQUIRE(conmon->runtime == "runc");
  REQUIRE(monitor_command(program({"/x/containerd-shim-runc-v2", "-namespace", "moby", "-id", "ID"}))->id == "ID");
  REQUIRE(monitor_command(program({"/x/containerd-shim-runc-v2", "-id"}))->id.empty());
  REQUIRE_FALSE(monitor_command(program({"sh", "-c", "ID"})));
}

TEST_CASE("cgroup paths") {
  const std::string id(64, 'e');
  REQUIRE(id_of_cgroup("/docker/" + id) == id);
  REQUIRE(id_of_cgroup("/system.slice/docker-" + id + ".scope") == id);
  REQUIRE(id_of_cgroup("/machine.slice/libpod-" + id + ".scope/container") == id);
  REQUIRE(id_of_cgroup("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope") == id);
  REQUIRE(id_of_cgroup("/kubepods/besteffort/pod12/" + id) == id);
  REQUIRE(id_of_cgroup("/libpod_parent/libpod-" + id) == id);
  REQUIRE(id_of_cgroup("/system.slice/ssh.service").empty());
  REQUIRE(id_of_cgroup("/docker/" + id.substr(1)).empty());
  REQUIRE(id_of_cgroup("/").empty());
  REQUIRE(id_of_cgroup("").empty());
  REQUIRE(id_of_cgroup("relative").empty());
}
