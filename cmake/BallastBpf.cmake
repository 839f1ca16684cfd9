# ballast_bpf_object(ballast SOURCES slots.bpf.c walk.bpf.c)
#
# Compiles each source for the BPF target, links them into one object (so that
# they share maps and globals) and makes its skeleton: bpf/ballast.skel.h below
# the build folder, struct ballast_bpf, target ballast_bpf_skeleton. Nothing of
# the build host's kernel goes in: no BTF and no vmlinux.h is needed here.

find_program(BALLAST_BPF_CLANG NAMES clang clang-19 clang-16 clang-14 REQUIRED)
find_program(BALLAST_BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(BALLAST_BPF_STRIP NAMES llvm-strip llvm-strip-19 llvm-strip-16 llvm-strip-14 REQUIRED)

set(BALLAST_BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
    # BPF_PROG declares every argument; programs name those they need.
    -Wno-unused-parameter -Wno-missing-declarations)
# <linux/types.h> wants <asm/types.h>, which Debian keeps per architecture.
if(CMAKE_LIBRARY_ARCHITECTURE)
  list(APPEND BALLAST_BPF_FLAGS -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
endif()

function(ballast_bpf_object name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  set(folder ${CMAKE_CURRENT_BINARY_DIR})
  set(objects "")
  foreach(source ${arg_SOURCES})
    string(REPLACE ".bpf.c" ".bpf.o" object ${folder}/${source})
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${BALLAST_BPF_CLANG} ${BALLAST_BPF_FLAGS} -I${CMAKE_SOURCE_DIR} -isystem ${libbpf_INCLUDEDIR}
              -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      # DWARF is for the compiler's BTF and the relocations; the loader reads .BTF only.
      COMMAND ${BALLAST_BPF_STRIP} -g ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPFILE ${object}.d
      COMMENT "BPF ${source}"
      VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${folder}/${name}.linked.o)
  set(skeleton ${folder}/${name}.skel.h)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${BALLAST_BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${BALLAST_BPFTOOL} gen skeleton ${linked} name ${name}_bpf > ${skeleton}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${skeleton}.new ${skeleton}
    DEPENDS ${objects}
    BYPRODUCTS ${linked}
    COMMENT "BPF skeleton ${name}"
    VERBATIM)
  add_custom_target(${name}_bpf_skeleton DEPENDS ${skeleton})
endfunction()
