# SPDX-License-Identifier: MIT
# Builds for arm64 on another machine, with Debian's cross compiler; headers and libraries are those of NSTRACE_SYSROOT,
# an unpacked Debian for arm64 of this system's release.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_SYSROOT ${NSTRACE_SYSROOT})
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NSTRACE_SYSROOT)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${NSTRACE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${NSTRACE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${NSTRACE_SYSROOT}/usr/share/pkgconfig)
