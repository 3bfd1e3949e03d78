# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler settings every target shares. Warnings are errors.
# Line tables are enough for backtraces and sanitizers; full debug information costs a quarter of the build time.
set(CMAKE_CXX_FLAGS_DEBUG "-g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
add_library(netwright_options INTERFACE)
target_compile_options(netwright_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast
    -Woverloaded-virtual -Wconversion -Wno-sign-conversion -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Both misfire on std::expected and on variants that are returned by value in g++ 12.
  target_compile_options(netwright_options INTERFACE -Wno-maybe-uninitialized -Wno-free-nonheap-object)
else()
  # libstdc++ 12's stable_sort uses what it deprecates itself; clang does not see that it is a system header's doing.
  # LIBBPF_OPTS names only the size, and g++ takes such an initializer for what it is: the rest is zero.
  target_compile_options(netwright_options INTERFACE -Wno-gnu-statement-expression -Wno-deprecated-declarations
                         -Wno-missing-designated-field-initializers)
endif()
if(NETWRIGHT_SANITIZE)
  target_compile_options(netwright_options INTERFACE -fsanitize=${NETWRIGHT_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(netwright_options INTERFACE -fsanitize=${NETWRIGHT_SANITIZE})
else()
  target_compile_options(netwright_options INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(netwright_options INTERFACE -Wl,--gc-sections)
endif()
if(NETWRIGHT_FUZZ)
  target_compile_options(netwright_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(MOLD mold)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  # 26,000 relocations of the catalogue in a bitmap (DT_RELR, glibc 2.36): 600 KiB less to read and keep at each start.
  # mold 1.10 leaves out the version that glibc asks for beside it.
  target_link_options(netwright_options INTERFACE -Wl,-z,pack-relative-relocs)
elseif(MOLD)
  target_link_options(netwright_options INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
