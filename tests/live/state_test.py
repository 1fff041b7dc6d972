# SPDX-License-Identifier: MIT
"""What is recorded of a process at its exec, compared with what /proc told the process itself."""
import re

from harness import check, equal, test

IDS = ("uid", "euid", "suid", "fsuid"), ("gid", "egid", "sgid", "fsgid")
CAPS = {"CapInh": "inheritable", "CapPrm": "permitted", "CapEff": "effective", "CapBnd": "bounding", "CapAmb": "ambient"}


def state(box, *arguments):
    """The last exec of exec_state, and what /proc said to it."""
    trace, said = box.record(box.program("exec_state"), *arguments)
    exec_ = trace.of("exec", trace.root())[-1]
    equal(exec_["argv"], ["exec_state", "after"], "argv")
    return exec_, said


def same_rights(exec_, said):
    for names, line in zip(IDS, ("Uid", "Gid")):
        equal([exec_["creds"][n] for n in names], [int(n) for n in said[line].split()], line)
    for line, name in CAPS.items():
        equal(int(exec_["caps"][name], 16), int(str(said[line]), 16), line)
    equal(exec_["no_new_privs"], said["NoNewPrivs"] == 1, "no_new_privs")
    equal(exec_["seccomp"], ("none", "strict", "filter")[said["Seccomp"]], "seccomp")


@test()
def rights_at_an_exec(box):
    exec_, said = state(box, "rights")
    same_rights(exec_, said)
    equal(exec_["creds"]["uid"], 1101, "the uid")
    equal(exec_["creds"]["fsgid"], 1202, "the fsgid")
    equal((exec_["no_new_privs"], exec_["seccomp"]), (True, "filter"), "no_new_privs and seccomp")
    equal(int(exec_["caps"]["ambient"], 16), 1 << 5, "the ambient set")
    same_rights(*state(box, "many", "0"))


@test()
def open_descriptors_and_folder_at_an_exec(box):
    exec_, said = state(box, "open", box.temp)
    equal(exec_["cwd"]["path"], said["cwd"], "cwd")
    equal(exec_["cwd"]["inode"], str(said["cwd_inode"]), "its inode")
    equal(exec_["root"]["path"], "/", "root")
    got = {f["fd"]: f["target"] for f in exec_["fds"]}
    expected = {int(k[2:]): v for k, v in said.items() if re.fullmatch(r"fd\d+", k)}
    pidfds = [fd for fd, target in expected.items() if target == "anon_inode:[pidfd]"]
    equal(len(pidfds), 1, "pidfds")
    expected[pidfds[0]] = f"pid:{exec_['tgid']}"
    equal(got, expected, "the descriptors")
    targets = set(got.values())
    for part in str(box.temp / "inside/file"), str(box.temp / "inside/gone") + " (deleted)", "/memfd:state (deleted)", \
            "anon_inode:[eventfd]", f"net:[{exec_['ns']['net']}]":
        check(part in targets, f"no descriptor is {part}, but {sorted(targets)}")
    check("fds_more" not in exec_, "fds_more, but all are listed")


@test()
def many_descriptors_are_counted(box):
    exec_, said = state(box, "many", "700")
    total = sum(1 for name in said if re.fullmatch(r"fd\d+", name))
    check(total > 700, f"{total} descriptors")
    equal(len(exec_["fds"]), 256, "descriptors that are listed")
    equal(exec_["fds_more"], total - 256, "those that are not")


@test()
def a_folder_above_the_root_is_unreachable(box):
    exec_, _ = state(box, "jail", box.temp)
    equal(exec_["cwd"]["path"], f"(unreachable){box.temp}", "cwd")
    equal(exec_["root"]["path"], f"{box.temp}/jail", "root")


@test()
def the_footer_counts_what_the_kernel_side_made(box):
    trace, _ = box.record(box.program("fork"))
    check(trace.footer["attempted"] >= len(trace.events), f"{trace.footer['attempted']} records were attempted")
    equal(trace.footer["sent"], trace.footer["attempted"], "records sent")


@test()
def paths_of_descriptors_in_calls(box):
    trace, _ = box.record("python3", "-c", "import os\nos.mkdir('d')\nf = os.open('d', os.O_DIRECTORY)\n"
                          "os.fchdir(f)\nos.mkdir('e', dir_fd=f)\nos.mkdir('../g')")
    equal(trace.one(call="fchdir")["args"][0]["target"], f"{box.temp}/d", "the descriptor of fchdir")
    made = trace.of(call="mkdirat")
    check(made and made[0]["args"][0]["target"] == f"{box.temp}/d", f"mkdirat: {made}")
