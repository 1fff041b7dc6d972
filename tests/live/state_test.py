# SPDX-License-Identifier: MIT
"""What is recorded of a process at its exec, compared with what /proc told the process itself."""
import os
import pathlib
import re

from harness import Skip, check, equal, test

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
    # of a program whose real and effective ids differ, kernels before 6.16 clear the ambient set
    equal((exec_["no_new_privs"], exec_["seccomp"]), (True, "filter"), "no_new_privs and seccomp")
    equal(int(exec_["caps"]["ambient"], 16), 1 << 5, "the ambient set")
    same_rights(*state(box, "many", "0"))
    exec_, said = state(box, "ids")
    same_rights(exec_, said)
    equal([exec_["creds"][n] for n in IDS[0] + IDS[1]], [1101, 1102, 1102, 1102, 1201, 1202, 1202, 1202], "the ids")


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
    # arm64 has no mkdir: there the others are mkdirat, too, with AT_FDCWD
    made = [e for e in trace.of(call="mkdirat") if e["args"][0].get("text") != "AT_FDCWD"]
    check(made and made[0]["args"][0]["target"] == f"{box.temp}/d", f"mkdirat: {made}")


@test()
def a_returned_descriptor_says_what_it_is(box):
    trace, _ = box.record(box.program("returned_fds"), options=("-e", "%all"))
    shown = [(e["call"], e.get("result_target")) for e in trace.of("syscall", trace.root()) if e["call"] != "exit_group"]
    memory = "/memfd:returned (deleted)"
    equal(shown, [("memfd_create", memory), ("fcntl", memory), ("fcntl", None), ("pidfd_open", f"pid:{trace.root()}")], "what was returned")
    _, lines, _ = box.run(box.nstrace, "show", box.temp / "trace.jsonl", "-e", "memfd_create")
    check(re.search(r"= \d+</memfd:returned \(deleted\)>$", lines.splitlines()[0]), "the line: " + lines)


@test(needs=("nstrace", "root", "bpf", "unshare"))
def each_namespace_once_with_its_owner_and_parent(box):
    trace, _ = box.record("unshare", "-Urpf", "--mount", "sh", "-c", "true; unshare -u true; true")
    seen = trace.of("namespace")
    keys = [(e["ns_type"], e["ns_inode"]) for e in seen]
    equal(len(set(keys)), len(keys), "namespaces")
    by_key = dict(zip(keys, seen))
    for event in trace.events:
        for kind, inode in event.get("ns", {}).items():
            kind = kind.removesuffix("_for_children")
            check((kind, inode) in by_key, f"event {event['n']} is in {kind}:[{inode}], which was never told of")
    host, user = trace.header["host"], next(e for e in seen if e["ns_type"] == "user" and "owner_user" in e)
    equal((user["owner_user"], user["parent_ns"]), (host["user"], host["user"]), "owner and parent of the user namespace")
    made = {e["ns_type"]: e for e in seen if e["ns_inode"] != host[e["ns_type"]]}
    equal(sorted(made), ["mnt", "pid", "user", "uts"], "namespaces that were made")
    for kind in "mnt", "pid", "uts":
        equal(made[kind]["owner_user"], user["ns_inode"], f"the owner of the new {kind} namespace")
    equal(made["pid"]["parent_ns"], host["pid"], "the parent of the new pid namespace")
    call = trace.of(call="unshare")[0]
    check(made["mnt"]["n"] > call["n"], "the namespace stands before the call that made it")


@test()
def namespaces_are_told_of_whatever_calls_are_recorded(box):
    for calls in "execve", "%lifecycle,!setns", "%lifecycle,!unshare":
        trace, _ = box.record("sh", "-c", "unshare -u true; true", options=["-e", calls])
        told = {(e["ns_type"], e["ns_inode"]) for e in trace.of("namespace")}
        for event in trace.events:
            for kind, inode in event.get("ns", {}).items():
                kind = kind.removesuffix("_for_children")
                check((kind, inode) in told, f"-e {calls}: event {event['n']} is in {kind}:[{inode}], which was never told of")


def a_cgroup(box):
    """A new cgroup that is a child of this process's, in the hierarchy that nstrace tells of."""
    lines = [line.split(":", 2) for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()]
    own = {name: path for _, name, path in lines}
    for name, root in ("pids", "/sys/fs/cgroup/pids"), ("", "/sys/fs/cgroup"), ("", "/sys/fs/cgroup/unified"):
        folder = pathlib.Path(root + own.get(name, "/")) / f"nstrace-test-{os.getpid()}"
        if name in own and (folder.parent / "cgroup.procs").exists():
            try:
                folder.mkdir()
                return folder, own[name].rstrip("/") + "/" + folder.name, own[name]
            except OSError:
                continue
    raise Skip("no cgroup can be made here")


@test()
def a_move_between_cgroups_has_both_paths(box):
    folder, path, before = a_cgroup(box)
    try:
        trace, _ = box.record("sh", "-c", f"echo $$ > {folder}/cgroup.procs; true & wait; "
                              f"echo $$ > {folder.parent}/cgroup.procs")
        first, back = trace.of("cgroup", trace.root())
        equal((first["from_path"], first["cgroup_path"]), (before, path), "the first move")
        equal((back["from_path"], back["cgroup_path"]), (path, before), "the move back")
        equal(back["from"], first["cgroup"], "the id of the cgroup that it left")
        equal(first["cgroup"], str(os.stat(folder).st_ino), "the id of the cgroup")
        child = trace.forks()[0]["child"]
        equal(child["cgroup"], first["cgroup"], "the cgroup of a child that was made there")
    finally:
        folder.rmdir()
