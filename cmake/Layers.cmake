# SPDX-License-Identifier: EUPL-1.2
# One static library per layer, one function per kind of target, so that a folder's CMakeLists.txt says only
# what it holds and what it may use.

add_library(bc_flags INTERFACE)
target_compile_options(bc_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 -Wundef -Wcast-align -Wwrite-strings
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
    $<$<BOOL:${BC_WERROR}>:-Werror>
    -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(bc_flags INTERFACE _GNU_SOURCE BC_VERSION="${PROJECT_VERSION}")
if(BC_SANITIZE)
    # GCC's manual: sanitizers make -Wmaybe-uninitialized warn falsely; the other builds keep it an error.
    target_compile_options(bc_flags INTERFACE -fsanitize=${BC_SANITIZE} -fno-omit-frame-pointer
        -Wno-maybe-uninitialized)
    target_link_options(bc_flags INTERFACE -fsanitize=${BC_SANITIZE})
    if(BC_SANITIZE MATCHES "undefined")
        target_compile_options(bc_flags INTERFACE -fno-sanitize-recover=undefined)
    endif()
endif()

# bc_layer(NAME SOURCES... [USES targets...]): static library bc_NAME of a folder under src/ or drivers/.
# A folder's own headers are included by their path from src/ or drivers/: "base/clock.h", "file/file.h".
function(bc_layer name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_library(bc_${name} STATIC ${ARG_SOURCES})
    target_include_directories(bc_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/drivers)
    target_link_libraries(bc_${name} PUBLIC bc_include PRIVATE bc_flags PUBLIC ${ARG_USES})
endfunction()

# bc_program(NAME SOURCES... USES...): an installed program.
function(bc_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE bc_flags ${ARG_USES})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# bc_unit_test(NAME SOURCES... USES... [WRAPS functions...] [LABELS ...] [TIMEOUT s]): a cmocka program, one CTest entry.
# WRAPS replaces libc calls by __wrap_NAME of the test, for faults that only a broken device shows.
function(bc_unit_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;WRAPS;LABELS;ARGS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE bc_flags ${ARG_USES} PkgConfig::CMOCKA)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    foreach(w ${ARG_WRAPS})
        target_link_options(${name} PRIVATE -Wl,--wrap=${w})
    endforeach()
    add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
        ENVIRONMENT "BC_SOURCE_DIR=${PROJECT_SOURCE_DIR};BC_BUILD_DIR=${PROJECT_BINARY_DIR}")
endfunction()
