# SPDX-License-Identifier: EUPL-1.2
# Cross build for Debian arm64 on another machine, with Debian's multiarch packages (tools/lib/packages.txt, group
# arm64). CTest runs the programs through qemu-user; their loader and libraries are the multiarch ones, so no sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# Only arm64's own .pc files: without this pkg-config would offer the build machine's libraries.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_PATH} "")

# Debian 12 calls the program qemu-aarch64-static; from Debian 13 on qemu-aarch64 is the static one.
find_program(BC_QEMU_AARCH64 NAMES qemu-aarch64-static qemu-aarch64)
if(BC_QEMU_AARCH64)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${BC_QEMU_AARCH64})
endif()
