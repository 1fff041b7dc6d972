# SPDX-License-Identifier: MIT
"""Traces made from a recording: hostile ones, long ones."""
import json


def spoiled(source, target, evil):
    """A recording whose every argv element, comm and path is hostile; a long one is the last argument only."""
    long = len(evil) > 10_000

    def bad(value, key=""):
        if isinstance(value, dict):
            return {k: bad(v, k) for k, v in value.items()}
        if isinstance(value, list) and key in ("argv", "list", "command", "follow"):
            return value[:-1] + [evil] if long and value else [evil for _ in value]
        if isinstance(value, list):
            return [bad(v, key) for v in value]
        if long:
            return value
        return evil[:15] if key in ("comm", "comm_before") else evil if key in ("path", "exe", "cgroup_path") else \
            evil if key == "text" and str(value).startswith("/") else value
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(bad(json.loads(line)), separators=(",", ":")) + "\n")


def many(source, target, processes):
    """A loop that forks and executes: 4 events for each process."""
    with open(source, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    header, existing = lines[0], [line for line in lines if line["type"] == "process"]
    follow = existing[-1]
    ns, n, t = header["host"], 0, 1000
    out = [header, *existing]
    for i in range(processes):
        pid, born = 100000 + i, t
        who = {"tid": pid, "tgid": pid, "born": born, "comm": "true", "ns": ns, "cgroup": "1"}
        parent = {"tid": follow["pid"], "tgid": follow["pid"], "born": follow["born"], "comm": follow["comm"], "ns": ns,
                  "cgroup": "1"}
        for kind, fields in (
                ("fork", parent | {"flags": "0x0", "exit_signal": 17, "parent_tgid": follow["pid"],
                                   "parent_born": follow["born"], "child": who}),
                ("exec", who | {"tid_before": pid, "comm_before": "sh", "path": f"/bin/tool{i % 50}",
                                "argv": [f"tool{i % 50}", str(i)]}),
                ("syscall", who | {"call": "unshare" if i % 10 == 0 else "chdir", "args": [
                    {"name": "x", "kind": "string", "value": "0x1", "text": f"/folder/{i}"}], "result": 0}),
                ("exit", who | {"code": 0, "signal": 0, "process": True})):
            n, t = n + 1, t + 100_000
            out.append({"type": kind, "n": n, "t": t} | fields)
    out.append(lines[-1] | {"events": n})
    with open(target, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in out)
    return n
