# SPDX-License-Identifier: GPL-2.0-or-later
# Each **/*.bpf.c of a folder becomes a BPF object and a libbpf skeleton header: generated/bpf/<name>.skel.h, which C++ includes
# as "<name>.skel.h". Skeletons are system headers: they are bpftool's code, not held to our warnings.
# clang 19 is what we test with; another clang does as long as it has the BPF target.
find_program(NETWRIGHT_BPF_CLANG NAMES clang-19 clang)
find_program(NETWRIGHT_BPFTOOL bpftool PATHS /usr/sbin /sbin)

function(netwright_add_bpf target folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.bpf.c)
  if(NOT sources)
    return()
  endif()
  if(NOT NETWRIGHT_BPF_CLANG)
    message(FATAL_ERROR "BPF programs are compiled with clang, which was not found: apt-get install clang-19")
  endif()
  if(NOT NETWRIGHT_BPFTOOL)
    message(FATAL_ERROR "BPF skeletons are generated with bpftool, which was not found: apt-get install bpftool")
  endif()
  set(directory ${CMAKE_BINARY_DIR}/generated/bpf)
  file(MAKE_DIRECTORY ${directory})
  # <asm/types.h> lives in the multiarch directory, which -target bpf does not search. bpf_tracing.h reads the define.
  string(REGEX REPLACE "^(i.86|x86_64|amd64)$" "x86" arch "${CMAKE_SYSTEM_PROCESSOR}")
  string(REGEX REPLACE "^aarch64$" "arm64" arch "${arch}")
  string(REGEX REPLACE "^ppc64.*$" "powerpc" arch "${arch}")
  string(REGEX REPLACE "^s390x$" "s390" arch "${arch}")
  string(REGEX REPLACE "^riscv64$" "riscv" arch "${arch}")
  set(flags -target bpf -O2 -g -Wall -Wextra -Werror -mcpu=v2 -D__TARGET_ARCH_${arch} -I${CMAKE_SOURCE_DIR}/src)
  # Up to Linux 6.7 the verifier takes a way back only from a jump (check_cfg in kernel/bpf/verifier.c). When clang is
  # let place blocks by likelihood, it puts a loop's last block in front of its first, which is entered by falling through.
  list(APPEND flags -mllvm -disable-block-placement)
  if(CMAKE_LIBRARY_ARCHITECTURE)
    list(APPEND flags -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
  endif()
  set(skeletons)
  foreach(source ${sources})
    get_filename_component(file ${source} NAME)
    string(REPLACE ".bpf.c" "" name ${file})
    set(object ${directory}/${name}.bpf.o)
    set(skeleton ${directory}/${name}.skel.h)
    add_custom_command(OUTPUT ${object}
      COMMAND ${NETWRIGHT_BPF_CLANG} ${flags} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d COMMENT "BPF ${name}" VERBATIM)
    # Written beside and moved: a failed bpftool leaves no empty header behind.
    add_custom_command(OUTPUT ${skeleton}
      COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\"_bpf > \"$4\".tmp && mv \"$4\".tmp \"$4\"" sh
              ${NETWRIGHT_BPFTOOL} ${object} ${name} ${skeleton}
      DEPENDS ${object} COMMENT "BPF skeleton ${name}" VERBATIM)
    list(APPEND skeletons ${skeleton})
  endforeach()
  # In the target's own sources, the headers exist before anything of it is compiled.
  target_sources(${target} PRIVATE ${skeletons})
  target_include_directories(${target} SYSTEM PUBLIC ${directory})
endfunction()
