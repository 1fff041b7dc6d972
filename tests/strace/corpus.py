#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/decode/strace.txt: calls with their registers and memory, and the line that strace prints for each.

    sudo tests/strace/corpus.py > tests/golden/decode/strace.txt

Runs itself under strace, in namespaces of its own. decode_test replays the file through capture_of() and decode(), so
that a line which differs from strace's is a failed test. Fields of a line are separated by tabs: strace's text, the
result, the call, its arguments: NUMBER, or NUMBER:HEX with the memory behind it when the call had returned.
"""
import ctypes
import os
import re
import struct
import subprocess
import sys
import tempfile

MINUS_ONE = 2**64 - 1
NO_PROCESS = 0x7FFFFFFF
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
MARK = 121, 0x4D41524B  # getpgid of nobody: the traced line after it is the next call's
KEPT = []  # buffers must outlive the run


def memory(data, size=0):
    """A buffer with these bytes, followed by a NUL as a C string has it."""
    buffer = ctypes.create_string_buffer(data, max(size, len(data)) + 1)
    KEPT.append(buffer)
    return buffer


def call(number, *args):
    """Makes a system call; bytes are passed as pointers. What it was called with goes to stdout."""
    values, buffers = [], []
    for arg in args:
        buffer = memory(arg) if isinstance(arg, bytes) else arg if isinstance(arg, ctypes.Array) else None
        buffers.append(buffer)
        values.append(ctypes.addressof(buffer) if buffer is not None else arg & MINUS_ONE)
    # What a call does not take must not show.
    values += [0xDEAD0000 + i for i in range(len(values), 6)]
    LIBC.syscall(ctypes.c_long(MARK[0]), ctypes.c_ulong(MARK[1]))
    LIBC.syscall(ctypes.c_long(number), *[ctypes.c_ulong(v) for v in values])
    fields = []
    for i, value in enumerate(values):
        buffer = buffers[i] if i < len(buffers) else None
        fields.append(f"{value:#x}" + (":" + buffer.raw.hex() if buffer is not None else ""))
    os.write(1, ("\t".join(fields) + "\n").encode())


def make_calls():
    mounts()
    new_mounts()
    nodes()
    creators()
    ids()
    capabilities()
    keys()
    descriptors()
    ipc()
    prctls()
    seccomp()
    opens()
    sockets()


def mounts():
    for flags in (0, 0x20, 0x1000, 0x1020, 0x2000, 0x40000, 0x84000, 0xFFFFFFFF, MINUS_ONE, 0xC0ED0000, 0xC0ED0001, 0x200):
        call(165, b"src", b"/nonex", b"ext4", flags, b"data")
    call(165, 0, 0, 0, 0, 0)
    call(165, 0, b"/nonex", 0, 0x84000, 0)
    call(165, b"\x01a\n\"\xff7", b"/nonex", b"", 0x84000, 0)
    call(165, b"src", b"/nonex", 0x10, 0, 0x10)
    for flags in (0, 2, 0xFF, MINUS_ONE, 0xFFFFF00):
        call(166, b"/nonex", flags)
    call(155, b".", b"nonex")
    call(155, 0, 0x20)
    call(161, b"/nonex")
    call(80, b"/nonex")
    call(81, 77)
    call(81, MINUS_ONE)
    for number in (170, 171):
        call(number, b"hello", 5)
        call(number, b"he\0llo", 6)
        call(number, b"h" * 64, 64)
        call(number, b"h" * 65, 65)
        call(number, b"hello", 0)
        call(number, 0, 0)
        call(number, 0, 5)
        call(number, 0x10, 5)
        call(number, b"hello", MINUS_ONE)
    for flags in (0xFFFFFFFF00000000, MINUS_ONE, 0x80000000, 0x20000 | 0x8000):
        call(272, flags)
    for kind in (0, 0x40000000, 0x7E020080, 0xFFFFFFFF, 0x55):
        call(308, 77, kind)
    call(308, MINUS_ONE, 0)


def new_mounts():
    for flags in (0, MINUS_ONE, 0x80001, 0x40, 0x9001):
        call(428, -100, b"/nonex", flags)
    call(428, 55, b"", 0x1000)
    for flags in (0, 0x177, 0xFFFFFDFF, 0x400, 4):
        call(429, -100, b"/nonex", 77, b"/other", flags)
    for flags in (0, 1, MINUS_ONE):
        call(430, b"nonex", flags)
    call(430, 0, 0x10)
    for command in (*range(8), 0x20):
        call(431, 55, command, b"key", b"value", 5)
        call(431, -1, command, 0, 0, 0)
        call(431, -1, command, 0x10, 0x10, -1)
    call(431, 55, 1, b"lowerdir", b"/a:/b", 0)
    call(431, 55, 2, b"key", b"", 0)
    call(431, 55, 3, b"key", b"value", -100)
    call(431, 55, 5, b"key", 0, 7)
    for flags, attr in ((0, 0), (1, 0xFF), (0x10, 0x40), (MINUS_ONE, 0xFF), (0, 0x20)):
        call(432, 55, flags, attr)
    for flags in (0, MINUS_ONE, 0x10, 8):
        call(433, -100, b"/nonex", flags)
    attr = lambda *fields: struct.pack("4Q", *fields)
    call(442, -100, b"/nonex", 0x9000, attr(1, 0, 0, 0), 32)
    call(442, -100, b"/nonex", MINUS_ONE, attr(*[MINUS_ONE] * 4), 32)
    call(442, -100, b"/nonex", 0x100, attr(0x100000, 0x70, 1 << 20, 5), 32)
    for propagation in (1 << 17, 1 << 18, 1 << 19, 1 << 20, 7, 3 << 18):
        call(442, 77, b"/nonex", 0x20000, attr(0, 0, propagation, 3), 32)
    call(442, -100, b"/nonex", 0, attr(0x10, 0x20, 0, 0), 31)
    call(442, -100, b"/nonex", 0, attr(0x10, 0x20, 0, 0) + b"\0" * 8, 40)
    call(442, -100, b"/nonex", 0, attr(0x10, 0x20, 0, 0) + b"\1" * 8, 40)
    call(442, -100, b"/nonex", 0, 0, 32)
    call(442, -100, b"/nonex", 0, 0x10, 32)


def nodes():
    for mode in (0o10644, 0o20666, 0o40755, 0o60600, 0o100644, 0o120777, 0o140000, 0o644, 0, 0o170000, 0o1100755, 0o2777,
                 0o177777, 0o4755, 0o30000, 0xFFFFFFFF, 0o101755, 0o7):
        call(133, b"/nonex/x", mode, 0x103)
    for device in (0xFFFFF103, 0xFFFFFFFFFF, 0, 0x501):
        call(259, -100, b"/nonex/x", 0o20666, device)
    call(259, 77, b"/nonex/x", 0o100666, 0x501)
    call(266, b"target", -100, b"/nonex/x")
    call(266, 0, 77, 0x10)
    for mode in (0o755, 0, 0o1777, MINUS_ONE, 0o200777, 7):
        call(258, -100, b"/nonex/x", mode)


def creators():
    """clone and clone3 with flags that exclude each other, so that they fail."""
    for flags in (0, 17, 0x1200011, 0x100011, 0x80011, 0x1011, 0x80000011, 0x1000011, 0x200000, 0xFFFFBF00, 0xFFFFFFFF,
                  0x63, 0x1FFFFFFF00, 0x15):
        call(56, flags | 0x20200, 0, 0, 0x111, 0x1234)
        call(56, flags | 0x20200, 0x1000, 0x222, 0, 0)
    pack = lambda *fields: struct.pack("11Q", *fields)
    for flags in (0, 0x1FFBFFF80, 0x300000080, 0x400000000, 0xF00000000000000, 0x7F):
        call(435, pack(flags | 0x20200, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)
    full = 0x203381200 | 0x20000
    call(435, pack(full, 5, 6, 7, 17, 0x5000, 0x1000, 0x77, 0, 0, 5), 88)
    call(435, pack(full, 5, 6, 7, 0x1234567, 0, 0, 0, 0x10, 1, 5), 88)
    call(435, pack(full, 5, 6, 7, 33, 0, 0, 0, 0, 1, 5), 88)
    call(435, pack(0x20200, 5, 6, 7, 0, 0, 4, 7, 0, 0, 7), 88)
    call(435, pack(0x400000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)
    for size in (64, 80, 63, 0, 4):
        call(435, pack(0x200020200, 0, 0, 0, 17, 0, 0, 0, 0, 0, 5), size)
    call(435, pack(0x20200, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0) + b"\7" + b"\0" * 7, 96)
    call(435, pack(0x20200, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0) + b"\0" * 16, 104)
    call(435, 0, 88)
    call(435, 0x10, 88)
    call(59, b"/nonex", 0, 0)
    call(59, 0, 0, 0)
    for flags in (0, 0x1100, MINUS_ONE, 0x400):
        call(322, -100, b"/nonex", 0, 0, flags)


def ids():
    for number in (105, 106, 122, 123):
        call(number, MINUS_ONE)
        call(number, 0xFFFFFFFF)
        call(number, 1 << 32)
    call(113, MINUS_ONE, 0)
    call(114, 0, MINUS_ONE)
    call(117, MINUS_ONE, 0, 0xFFFFFFFF)
    call(119, MINUS_ONE, 0xFFFFFFFF, 0)
    call(116, 0, 0)
    call(116, 2, struct.pack("2I", 1, 2**32 - 1))
    call(116, 2, 0)
    call(116, 2, 0x10)
    call(116, 70000, b"x")
    call(116, MINUS_ONE, b"abcd")
    call(116, 0, b"x")
    call(116, 0, 0x10)
    call(116, 40, struct.pack("40I", *range(40)))


def capabilities():
    header = lambda version, pid: struct.pack("Ii", version, pid)
    data = lambda *words: struct.pack("6I", *words)
    ones = 0xFFFFFFFF
    for version in (0x20080522, 0x20071026, 0x19980330):  # of others the kernel overwrites the header
        call(126, header(version, -1), data(1, 0x8000, 0, 1, 0x80, 0))
        call(126, header(version, -1), data(0, 0xF0, 0, 0x100, 0, 0x3F))
        call(126, header(version, -1), data(ones, ones, 3, 1, 0x1FF, 0x1F0))
        call(126, header(version, -1), data(*[ones] * 6))
    call(126, 0, 0)
    call(126, 0x10, 0x10)
    call(126, header(0x20080522, 0), 0)
    call(126, header(0x20080522, 0), 0x10)


def keys():
    call(250, 1, b"sess")
    call(250, 1, 0)
    call(250, 0, -3, 1)
    call(250, 0, -9, 3)
    for operation in range(2, 33):
        call(250, operation, 5, 6, 7, 8)
    for serial in range(-9, 0):
        call(250, 0, serial, 0)
    for mask in (0x3F3F0000, MINUS_ONE, 0x1F010000):
        call(250, 5, 7, mask)
    call(250, 4, 9, 1000, -1)
    call(250, MINUS_ONE, 1, 2, 3, 4)
    call(250, 0x100000003, 5)
    call(250, 10, -3, b"user", b"desc", 0)
    call(250, 10, -3, b"user", b"desc", -5)
    for default in (*range(9), -3):
        call(250, 14, default)
    call(250, 15, 5, MINUS_ONE)
    for error in (0, 1, 133, 999):
        call(250, 19, 5, 6, error, 8)
    call(250, 30, 5, 6, 7, 1)


def descriptors():
    call(112)
    for flags in (0, 0x800, 0x80000000 | 0x800, 0x40):
        call(434, NO_PROCESS, flags)
    call(424, 77, 15, 0, 0)
    call(424, 77, 34, 0, MINUS_ONE)
    call(424, 77, 99, 0, 2)
    call(438, 77, 3, 0)
    call(438, 77, MINUS_ONE, 5)
    for name, flags in ((b"name", 0), (b"name", 3), (b"x", 4 | 21 << 26), (b"x", 4 | 30 << 26), (b"x", 0x20), (b"x" * 249, 0),
                        (b"x" * 250, 0), (b"x" * 300, 0), (b"x", 0x21 | 63 << 26)):
        call(319, name, flags)
    call(319, 0, 0x40)
    for flags in (0, 6, MINUS_ONE, 4, 8, 2):
        call(436, 1000, 1001, flags)
    call(436, 1000, MINUS_ONE, 4)
    for signal in (15, 0, 99, -1, 64):
        call(62, NO_PROCESS, signal)
        call(234, NO_PROCESS, NO_PROCESS, signal)
    call(234, -1, NO_PROCESS, 9)
    for command in (*range(17), *range(36, 42), *range(1024, 1041), 9999, MINUS_ONE):
        call(72, 77, command, 1)
    for seals in (0, 0xF, 0x1F, 0x80, 0xFFFFFFFFFFFFFFC0 | 1):
        call(72, 77, 1033, seals)
    for flags in (0, 1, 2, 3, 0x800, 0xFFFFFFFC, 0x101000, 0x1000, 0x410000, 1 << 32, 0x80C02, 0x10000):
        call(72, 77, 4, flags)
    for command, value in ((2, 0), (2, 3), (0, MINUS_ONE), (1030, 3), (8, -5), (10, 15), (1031, 65536), (1024, 3), (1024, 0),
                           (1026, 0x8000001F)):
        call(72, 77, command, value)


def ipc():
    for key, size, flags in ((0, 4096, 0o1600), (0x1234, 4096, 0o3644), (5, MINUS_ONE, 0), (0, 4096, MINUS_ONE),
                             (0, 0, 0o4000 | 21 << 26 | 0o600), (0, 1, 0o20000 | 0o666),
                             (0, 1, 21 << 26 | 0o600)):
        call(29, key, size, flags)
    for address, flags in ((0, MINUS_ONE), (0x1000, 0o10000), (0, 0o170001), (0, 0), (0, 1)):
        call(30, 77, address, flags)
    call(67, 0)
    call(67, 0x1000)
    for key, count, flags in ((0, 1, 0o1600), (0x1234, 3, 0o3644), (5, MINUS_ONE, MINUS_ONE)):
        call(64, key, count, flags)
    for key, flags in ((0, 0o1600), (0x1234, 0o3644), (MINUS_ONE, MINUS_ONE)):
        call(68, key, flags)
    shm, sem, msg = (LIBC.syscall(n, *a) for n, a in ((29, (0x77, 4096, 0o1600)), (64, (0x77, 2, 0o1600)), (68, (0x77, 0o1600))))
    for command in range(21):
        if command:  # not IPC_RMID
            call(31, shm, command, memory(b"", 112))
            call(71, msg, command, memory(b"", 120))
            call(66, sem, 0, command, memory(b"", 104))
        for number in (31, 71):
            call(number, 77, command, 0)
            call(number, 77, command | 0x100, 0x10)
        call(66, 77, 3, command, 7)
    for number in (31, 71):
        call(number, 77, MINUS_ONE, 5)
    ops = struct.pack("HhhHhhHhh", 0, 1, 0, 1, -1, 0x800, 2, 0, 0x1807)
    for count in (3, 0, 1):
        call(65, 77, ops, count)
    call(65, 77, 0, 1)
    call(65, 77, 0x10, 1)
    call(220, 77, ops, 1, 0)
    call(220, 77, ops, 2, struct.pack("QQ", 1, 500))
    call(220, 77, ops, 1, 0x10)
    call(220, 77, ops, 1, struct.pack("QQ", MINUS_ONE, MINUS_ONE))
    message = struct.pack("q", 7) + b"he\0llo"
    for size, flags in ((6, 0o4000), (0, 0), (6, MINUS_ONE)):
        call(69, 77, message, size, flags)
    call(69, 77, 0, 5, 0)
    call(69, 77, 0x10, 5, 0)
    queue = LIBC.syscall(68, 0x78, 0o1600)
    call(69, queue, message, 6, 0o4000)
    call(70, queue, memory(b"", 16), 6, 0, 0o4000)
    call(70, 77, memory(b"", 16), 6, -5, 0o70000)
    call(70, 77, 0, MINUS_ONE, 0, 0o20000)


def prctls():
    for signal in (9, 0, 99, MINUS_ONE, 9):
        call(157, 1, signal)
    call(157, 2, memory(b"", 4))
    call(157, 2, 0)
    call(157, 2, 0x10)
    for value in (0, 1, 2, 3, MINUS_ONE, 0xFFFFFFFF, 1):
        call(157, 4, value)
    for value in (0, 1, MINUS_ONE):
        call(157, 8, value)
    for name in (b"runc:[1:CHILD]", b"a" * 40, b"a" * 15, b"a" * 16, b"x\n", 0, 0x10):
        call(157, 15, name)
    call(157, 16, memory(b"", 16))
    call(157, 16, 0)
    for cap in (10, 40, 41, MINUS_ONE, 63):
        call(157, 23, cap)
        call(157, 24, cap)
    for bits in (0, 0x2F, MINUS_ONE, 3):
        call(157, 28, bits)
    call(157, 36, 1)
    call(157, 37, memory(b"", 4))
    call(157, 37, 0)
    call(157, 36, 0)
    for option in (38, 39):
        call(157, option, 1, 2, 3, 4)
        call(157, option, 0, 0, 0, 0)
    for operation in (0, 1, 2, 3, 4, 5, MINUS_ONE):
        call(157, 47, operation, 10, 0, 0)
        call(157, 47, operation, 99, 5, 6)
    for option in (3, 7, 21, 27, 30, 46):
        call(157, option)
    call(157, 22, 3, 4, 5, 6)
    call(157, 22, 0, 0, 0, 0)
    call(157, 22, 2, 0)
    call(157, 22, 2, 0x10)
    for option in (5, 9, 10, 12, 14, 19, 20, 29, 36):
        call(157, option, 1)
    for which in range(16):
        call(157, 35, which, 5, 6, 7)
    for option in (34, 41, 42, 43, 48, 49, 56, 57, 58, 61, 80, 0x1234, MINUS_ONE, 0, 17):
        call(157, option, 1, 2, 3, 4)
    for which in (0, 1, 2, 9):
        call(157, 52, which)
        call(157, 53, which, 4)
        call(157, 53, which, 8)
    for pid in (0, MINUS_ONE, 55):
        call(157, 0x59616D61, pid)
    call(157, 0x53564D41, 0, 16, 32, b"anon")
    call(157, 0x53564D41, 0, 16, 32, 0)
    call(157, 0x53564D41, 1, 2, 3, 4)
    call(157, 0x100000001, 9)


def seccomp():
    program = struct.pack("HxxxxxxQ", 4, 0x10)  # fails: the filter cannot be read
    call(317, 1, 0x40, program)
    call(317, 1, 0x40, 0)
    for flags in (0x11F, 0x20, 0x22):
        call(317, 1, flags, 0x10)
    for action in (0x7FFF0000, 1, 0x50000, 0x50003, 0, 0x80000000, 0x30000, 0x7FC00000, 0x7FF00000, 0x7FFC0000):
        call(317, 2, 0, memory(struct.pack("I", action), 16))
    call(317, 2, 0, 0)
    call(317, 3, 0, memory(b"", 16))
    call(317, 3, 0, 0)
    call(317, 4, MINUS_ONE, 5)
    call(317, MINUS_ONE, MINUS_ONE, MINUS_ONE)
    call(317, 0, 1, 5)
    call(157, 22, 2, program)


def opens():
    """openat2, of files that are not there."""
    for flags, mode, resolve in ((0, 0, 0), (0x80000, 0, 0x10), (0o100 | 1, 0o640, 0x3F), (0o20200002, 0o7777, 8), (3, 0, 0x40),
                                 (0o10200000, 0, 0x1B), (MINUS_ONE, MINUS_ONE, MINUS_ONE), (0, 0o600, 0), (1 << 40, 0, 1 << 33)):
        call(437, 77, b"nonex", struct.pack("QQQ", flags, mode, resolve), 24)
    how = struct.pack("QQQ", 0x80000, 0, 4)
    call(437, MINUS_ONE - 99, b"/nonex/x", how, 24)
    call(437, 77, b"nonex", how, 23)
    call(437, 77, b"nonex", how, 0)
    call(437, 77, b"nonex", memory(how, 40), 32)
    call(437, 77, b"nonex", memory(how + b"\1\2\3\4\5\6\7\xff", 40), 32)
    call(437, 77, 0, 0, 24)
    call(437, 77, 0x10, 0x10, 24)


def sockets():
    """bind, of descriptors that are none."""
    for address in (struct.pack("H", 1) + b"/run/a.sock", struct.pack("H", 1) + b"/run/a.sock\0", struct.pack("H", 1) + b"\0name",
                    struct.pack("H", 1) + b"\0na\0me\xff\n", struct.pack("H", 1), struct.pack("H", 1) + b"\0",
                    struct.pack("H", 1) + b"x" * 108, struct.pack("H", 1) + b"\0" * 108,
                    struct.pack("HHI8x", 2, 0x5000, 0x0100007F), struct.pack("HHI4x", 2, 0x5000, 0x0100007F),
                    struct.pack("HHI16sI", 10, 0x5000, 0x01000000, b"\0" * 15 + b"\1", 7),
                    struct.pack("HHI16s", 10, 0x5000, 0, b"\xfe\x80" + b"\0" * 14),
                    struct.pack("HHII", 16, 0, 0, 0), struct.pack("HHII", 16, 9, MINUS_ONE & 0xFFFFFFFF, 0x15),
                    struct.pack("HHII", 16, 0, 12, 0xF0000001), struct.pack("H", 0) + b"abc", struct.pack("H", 45) + b"abc\0\1",
                    struct.pack("H", 999) + b"abc", struct.pack("H", 5) + b"\x01\x02\"\\"):
        call(49, 77, address, len(address))
    call(49, 77, memory(struct.pack("H", 1) + b"/x", 200), 110)
    call(49, 77, memory(struct.pack("H", 1) + b"/x", 200), 128)
    call(49, 77, struct.pack("H", 1) + b"/x", 1)
    call(49, 77, struct.pack("H", 1) + b"/x", MINUS_ONE)
    call(49, 77, 0, 16)
    call(49, 77, 0x10, 16)
    call(49, MINUS_ONE, struct.pack("H", 1) + b"/x", 4)


def result_of(text):
    """strace's result as the kernel returned it."""
    import errno
    words = text.split()
    if words[0] == "-1" and len(words) > 1:
        return -getattr(errno, words[1])
    return int(words[0], 0) if words[0] != "?" else ""


def main():
    if sys.argv[1:] == ["--calls"]:
        return make_calls()
    with tempfile.NamedTemporaryFile() as log:
        made = subprocess.run(
            ["unshare", "-muinpf", "strace", "-s", "4096", "-o", log.name, sys.executable, os.path.abspath(__file__), "--calls"],
            check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        lines = open(log.name, encoding="latin-1").read().splitlines()
    marked = [lines[i + 1] for i, line in enumerate(lines) if line.startswith(f"getpgid({MARK[1]})")]
    assert len(marked) == len(made), (len(marked), len(made))
    for line, fields in zip(marked, made):
        text, result = re.fullmatch(r"(.*\)) += (.*)", line).groups()
        print("\t".join([text, str(result_of(result)), text[: text.index("(")], fields]))


main()
