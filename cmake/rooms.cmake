# How a room is built: a static library of src/ROOM/*.cc, and one test program of its *_test.cc.
# The simulator's room lies beside src/.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS system json)
find_package(yaml-cpp REQUIRED)
find_package(date REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)
find_package(benchmark REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  # Without these words ccache keeps nothing that a precompiled header was used for.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(ratelimmq_options INTERFACE)
target_include_directories(ratelimmq_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(ratelimmq_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -fno-plt
  # Only where we know the compiler's warnings, and not in what users build: no warning stops them.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Release>>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Werror>
  $<$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,15>>:-Werror>
  # What a lock guards is in its type (base/mutex.h).
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety;-Werror=thread-safety>
  # GCC 12 sees uses of uninitialised memory inside std::optional and Boost that are none, and moves
  # of short strings out of bounds.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)
target_link_libraries(ratelimmq_options INTERFACE Threads::Threads)
# Of every room, whether it links them or not: rooms that share precompiled headers share macros.
target_compile_definitions(ratelimmq_options INTERFACE BOOST_CONTAINER_DYN_LINK BOOST_CONTAINER_NO_LIB)
if(RATELIMMQ_SANITIZE)
  target_compile_options(ratelimmq_options INTERFACE
    -fsanitize=${RATELIMMQ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ratelimmq_options INTERFACE -fsanitize=${RATELIMMQ_SANITIZE})
  target_compile_definitions(ratelimmq_options INTERFACE RATELIMMQ_SANITIZED)
endif()
if(RATELIMMQ_FUZZ)  # The rooms tell libFuzzer which branches an input took.
  target_compile_options(ratelimmq_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
# What is compiled often and run seldom: the tests.
add_library(ratelimmq_cold INTERFACE)
separate_arguments(RATELIMMQ_COLD)
target_compile_options(ratelimmq_cold INTERFACE ${RATELIMMQ_COLD})
find_program(LLD ld.lld)
if(LLD)  # Links a sanitized program in a fifth of the time.
  target_link_options(ratelimmq_cold INTERFACE -fuse-ld=lld)
endif()
include(cmake/precompiled.cmake)

# What a room takes from outside the project. Headers of others are not ours to warn about.
set(RATELIMMQ_LIBRARIES_base Boost::system)
set(RATELIMMQ_LIBRARIES_metric prometheus-cpp::core)
set(RATELIMMQ_LIBRARIES_dispatch OpenSSL::Crypto)
set(RATELIMMQ_LIBRARIES_command Boost::json)
set(RATELIMMQ_LIBRARIES_http CURL::libcurl)
set(RATELIMMQ_LIBRARIES_redis OpenSSL::SSL)
set(RATELIMMQ_LIBRARIES_store OpenSSL::Crypto)
set(RATELIMMQ_LIBRARIES_gateway Boost::json OpenSSL::Crypto)
set(RATELIMMQ_LIBRARIES_load Boost::json)
set(RATELIMMQ_TEST_LIBRARIES_http OpenSSL::SSL)  # Servers for the client to talk to.
set(RATELIMMQ_LIBRARIES_config yaml-cpp date::date-tz Boost::json)

set_property(GLOBAL PROPERTY RATELIMMQ_ROOMS "")

function(ratelimmq_folder name result)
  set(${result} src/${name} PARENT_SCOPE)
  if(NOT IS_DIRECTORY ${CMAKE_SOURCE_DIR}/src/${name})
    set(${result} ${name} PARENT_SCOPE)
  endif()
endfunction()

# Rooms whose sources have local names in common, so that they are not compiled together.
set(RATELIMMQ_APART command config)

# ratelimmq_room(NAME [ALL | ROOM...])
function(ratelimmq_room name)
  set(deps ${ARGN})
  get_property(rooms GLOBAL PROPERTY RATELIMMQ_ROOMS)
  if(deps STREQUAL "ALL")
    set(deps ${rooms})
  endif()
  set_property(GLOBAL APPEND PROPERTY RATELIMMQ_ROOMS ${name})
  ratelimmq_folder(${name} folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    if(name STREQUAL "cli")
      # Slow to compile and run once. In a release -O1, since of an inline function that many sources
      # have the linker may take cli's copy.
      if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(cli PRIVATE -O1)
      endif()
      ratelimmq_precompile(cli cli ${RATELIMMQ_PCH_cli})
    else()
      ratelimmq_precompile(${name} base ${RATELIMMQ_PCH_ROOM})
    endif()
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  if(RATELIMMQ_UNITY AND sources AND NOT name IN_LIST RATELIMMQ_APART)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
  target_link_libraries(${name} ${scope} ratelimmq_options ${deps} ${RATELIMMQ_LIBRARIES_${name}})
endfunction()

# The owner of the precompiled headers of all tests.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/test_headers.cc CONTENT "")
add_library(test_headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/test_headers.cc)
target_link_libraries(test_headers PRIVATE
  ratelimmq_options ratelimmq_cold Boost::system GTest::gmock rapidcheck rapidcheck_gtest)
ratelimmq_precompile(test_headers test_headers ${RATELIMMQ_PCH_TEST})

function(ratelimmq_test target)
  add_executable(${target} EXCLUDE_FROM_ALL ${ARGN})
  target_link_libraries(${target} PRIVATE ratelimmq_cold GTest::gmock GTest::gtest_main)
  ratelimmq_precompile(${target} test_headers)
  # GCC 12 sees an overread inside Boost's small_vector that is none.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
  add_dependencies(tests ${target})
  add_test(NAME ${target} COMMAND ${target})
endfunction()

function(ratelimmq_tests)
  get_property(rooms GLOBAL PROPERTY RATELIMMQ_ROOMS)
  foreach(name ${rooms})
    ratelimmq_folder(${name} folder)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*_test.cc)
    if(sources)
      ratelimmq_test(${name}_test ${sources})
      target_link_libraries(${name}_test PRIVATE ${name} ${RATELIMMQ_TEST_LIBRARIES_${name}})
      target_compile_definitions(${name}_test PRIVATE RATELIMMQ_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
      # A property test prints its seed when it fails; RC_PARAMS repeats it.
      target_link_libraries(${name}_test PRIVATE rapidcheck rapidcheck_gtest)
    endif()
  endforeach()
endfunction()

# The version and the commit, for the one source that tells them: the commit changes often.
function(ratelimmq_version source)
  find_package(Git QUIET)
  set(commit "")
  if(GIT_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE commit
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(NOT commit)
    set(commit "unknown")
  endif()
  set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS
    "RATELIMMQ_VERSION=\"${PROJECT_VERSION}\";RATELIMMQ_COMMIT=\"${commit}\"")
endfunction()
