# SPDX-License-Identifier: MIT
"""nstrace --gates: writes to uid_map, gid_map, setgroups and cgroup.procs, and opens of exec.fifo; no other of either."""
import os
import re

from harness import Trace, arguments, check, equal, test
from runtimes import Bundle


def gates(box, *command, options=("--gates",)):
    path = box.temp / "gates.jsonl"
    status, out, err = box.run(box.nstrace, *options, "-o", path, "--", *command)
    equal(status, 0, f"the status of {command[0]} ({err.strip()[-1000:]})")
    trace = Trace(path).whole()
    return trace, trace.of(call="write") + trace.of(call="open") + trace.of(call="openat"), out + err


@test(needs=("nstrace", "root", "bpf", "unshare"))
def id_maps_of_a_user_namespace(box):
    command = ("unshare", "-Ur", "sh", "-c", "echo something > /dev/null; cat /dev/null")
    trace, passed, lines = gates(box, *command)
    shown = [(re.sub(r"\d+", "N", arguments(e)[0]), arguments(e)[1], e["result"] > 0) for e in passed]
    equal(sorted(shown), [("N</proc/N/gid_map>", "0 0 1", True), ("N</proc/N/setgroups>", "deny", True),
                          ("N</proc/N/uid_map>", "0 0 1", True)], "the writes")
    check(trace.header["gates"] and "write" not in trace.header["calls"], "the header does not tell of gates")
    check(re.search(r'write\(\d+</proc/\d+/uid_map>, "0 0 1", 5\) = 5', lines), "the lines lack the write: " + lines)
    trace, passed, _ = gates(box, *command, options=())
    equal((passed, trace.header.get("gates")), ([], None), "writes without --gates")


@test(needs=("nstrace", "root", "bpf", "unshare", "newuidmap"))
def newuidmap_writes_the_map_of_another(box):
    script = """unshare -U sh -c 'echo ready; read go; id -u' <"$1/go" >"$1/out" & child=$!
        exec 3>"$1/go"; until grep -q ready "$1/out"; do sleep 0.02; done
        newuidmap $child 0 0 1 && newgidmap $child 0 0 1 && echo >&3; wait $child"""
    os.mkfifo(box.temp / "go")
    (box.temp / "out").touch()
    trace, passed, _ = gates(box, "sh", "-c", script, "sh", box.temp)
    written = {(e["comm"], arguments(e)[0].split("/")[-1].rstrip(">"), arguments(e)[1]) for e in passed}
    check({("newuidmap", "uid_map", "0 0 1\n"), ("newgidmap", "gid_map", "0 0 1\n")} <= written, f"the writes are {written}")
    equal((box.temp / "out").read_text().split(), ["ready", "0"], "what the process in the namespace found")


@test(needs=("nstrace", "root", "bpf", "runc", "busybox"))
def runc_passes_the_fifo_and_the_cgroups(box):
    bundle = Bundle(box.temp / "bundle")
    trace, passed, _ = gates(box, *bundle.run("runc", "nst-gates"))
    opens = [e for e in passed if e["call"] != "write"]
    check(len(opens) >= 2, f"only {len(opens)} opens of exec.fifo")
    init = [e for e in opens if e["comm"].startswith("runc:[2:INIT]")]
    equal(len(init), 1, "opens by runc:[2:INIT]")
    check("O_WRONLY" in arguments(init[0])[-1], f"its arguments are {arguments(init[0])}")
    check(init[0].get("start", init[0]["t"]) < init[0]["t"], "how long it waited is not known")
    program = next(e for e in trace.of("exec") if e["argv"][0] == "sleep")
    check(init[0]["n"] < program["n"] and init[0]["tgid"] == program["tgid"], "the fifo is not passed before the exec")
    moves = {arguments(e)[0].split("/")[-1].rstrip(">") for e in passed if e["call"] == "write"}
    check(moves <= {"cgroup.procs", "uid_map", "gid_map", "setgroups"} and "cgroup.procs" in moves, f"writes to {moves}")
