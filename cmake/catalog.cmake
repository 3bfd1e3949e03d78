# SPDX-License-Identifier: GPL-2.0-or-later
# catalog/*.yaml and catalog/topics/*.yaml become C++ tables at build time; nothing parses YAML when netwright starts.
function(netwright_add_catalog target)
  # The compiler runs during the build, so it never carries the project's sanitizers or fuzzing instrumentation.
  add_executable(catalog_compiler ${CMAKE_SOURCE_DIR}/tools/catalog_compiler.cpp
                 ${CMAKE_SOURCE_DIR}/tools/catalog_topics.cpp)
  target_compile_options(catalog_compiler PRIVATE -Wall -Wextra -Wshadow -Wold-style-cast -Werror
                         -Wno-deprecated-declarations) # see options.cmake
  target_link_libraries(catalog_compiler PRIVATE fmt::fmt ${YAML_CPP_LIBRARY})

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/catalog/*.yaml
       ${CMAKE_SOURCE_DIR}/catalog/topics/*.yaml)
  set(output ${CMAKE_BINARY_DIR}/generated/catalog_data.cpp)
  add_custom_command(OUTPUT ${output}
                     COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
                     COMMAND catalog_compiler ${output} ${sources}
                     DEPENDS catalog_compiler ${sources}
                     COMMENT "Compiling the catalogue" VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
