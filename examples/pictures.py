#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the pictures in this folder anew from the recordings beside them, and the explanations of the lab's scenes.

Needs no root and no Docker, only build/nstrace (or --build DIR). With --into FOLDER it leaves this folder as it is.
"""
import argparse
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SCENES = ("run", "exec", "pod", "nested", "hooks", "userns")  # of nstrace lab

# recording -> the options and the ending of each picture
TREE, TIMELINE, NAMESPACES = ([], ".svg"), (["--view", "timeline"], "-timeline.svg"), (["--view", "namespaces"], "-namespaces.svg")
PICTURES = {
    "docker-run.jsonl": [TREE, TIMELINE, NAMESPACES, ([], ".dot"), ([], ".mmd")],
    "docker-exec.jsonl": [TREE, TIMELINE],
    "compose.jsonl.zst": [TREE, TIMELINE, NAMESPACES],
    "podman-run.jsonl": [TREE, TIMELINE],
    **{f"lab/{scene}.jsonl": [TREE, TIMELINE] for scene in SCENES},
    "lab/pod.jsonl": [TREE, TIMELINE, NAMESPACES],
}
TITLES = {"compose.jsonl.zst": "five containers at once", "podman-run.jsonl": "podman run busybox sleep 0.1, with crun",
          **{f"lab/{scene}.jsonl": f"nstrace lab {scene}" for scene in SCENES}}


def draw(nstrace, into, only=None):
    """All pictures, or those of the recordings `only`, into a folder; gives their names."""
    names = []
    for recording, pictures in PICTURES.items():
        if only is not None and recording not in only or not (HERE / recording).exists():
            continue
        stem = recording.split(".")[0]
        (into / stem).parent.mkdir(exist_ok=True)
        title = ["--title", TITLES[recording]] if recording in TITLES else []
        for options, ending in pictures:
            subprocess.run([nstrace, "draw", HERE / recording, *title, *options, "-o", into / (stem + ending)], check=True)
            names.append(stem + ending)
        if recording.startswith("lab/"):
            subprocess.run([nstrace, "explain", "--width", "100", HERE / recording, "-o", into / (stem + ".txt")], check=True)
            names.append(stem + ".txt")
    for name in names:
        (into / name).chmod(0o644)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(HERE.parent / "build"))
    parser.add_argument("--into", default=str(HERE), help="the folder that they are put into (default: this one)")
    options = parser.parse_args()
    draw(pathlib.Path(options.build).resolve() / "nstrace", pathlib.Path(options.into).resolve())


if __name__ == "__main__":
    main()
