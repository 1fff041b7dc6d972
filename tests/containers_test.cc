// SPDX-License-Identifier: MIT
#include "capture/containers.h"

#include "tests/catch.h"
#include "trace/error.h"

using namespace nstrace::capture;

namespace {

const std::vector<Container> kAll{
    {.engine = "docker", .id = "ab12" + std::string(60, '0'), .name = "web", .pid = 1, .keeper = 2},
    {.engine = "docker", .id = "ab34" + std::string(60, '0'), .name = "db", .pid = 3, .keeper = 2},
    {.engine = "podman", .id = "cd56" + std::string(60, '0'), .name = "ab34", .pid = 5, .keeper = 6},
    {.engine = "containerd", .id = "demo", .name = "", .pid = 7, .keeper = 8},
    {.engine = "podman", .id = "ef00" + std::string(60, '0'), .name = "twin", .pid = 9, .keeper = 6},
    {.engine = "docker", .id = "ef01" + std::string(60, '0'), .name = "twin", .pid = 11, .keeper = 2},
};

std::string error_of(const std::vector<Container>& all, const std::string& given) {
  try {
    choose_container(all, given);
  } catch (const nstrace::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a container by its name, its id, and the beginning of its id") {
  REQUIRE(choose_container(kAll, "web").pid == 1);
  REQUIRE(choose_container(kAll, kAll[1].id).pid == 3);
  REQUIRE(choose_container(kAll, "ab1").pid == 1);
  REQUIRE(choose_container(kAll, "c").pid == 5);
  REQUIRE(choose_container(kAll, "demo").pid == 7);
}

TEST_CASE("a name goes before another's id that begins so") {
  REQUIRE(choose_container(kAll, "ab34").pid == 5);
}

TEST_CASE("a beginning, or a name, that several bear") {
  REQUIRE(error_of(kAll, "ab") ==
          "--container ab may mean any of web (docker ab1200000000), db (docker ab3400000000); give more of its id");
  REQUIRE(
      error_of(kAll, "twin") ==
      "--container twin may mean any of twin (podman ef0000000000), twin (docker ef0100000000); give more of its id");
}

TEST_CASE("no such container: near names, or what runs, or that none does") {
  REQUIRE(error_of(kAll, "webb") == "there is no running container webb; near: web");
  REQUIRE(error_of(kAll, "zzzzzz") ==
          "there is no running container zzzzzz; running are web, db, ab34, demo, twin, twin");
  REQUIRE(error_of({}, "web") == "there is no container web: none of docker, containerd or podman runs here");
}
