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
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(ratelimmq_options INTERFACE)
target_include_directories(ratelimmq_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(ratelimmq_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -fno-plt
  # Only where we know the compiler's warnings: a newer one must not stop a user's build.
  $<$<OR:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Werror>
  # GCC 12 sees uses of uninitialised memory inside std::optional and Boost that are none.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
target_link_libraries(ratelimmq_options INTERFACE Threads::Threads)
if(RATELIMMQ_SANITIZE)
  target_compile_options(ratelimmq_options INTERFACE
    -fsanitize=${RATELIMMQ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ratelimmq_options INTERFACE -fsanitize=${RATELIMMQ_SANITIZE})
endif()

# What a room takes from outside the project. Headers of others are not ours to warn about.
set(RATELIMMQ_LIBRARIES_base Boost::system)
set(RATELIMMQ_LIBRARIES_metric prometheus-cpp::core)
set(RATELIMMQ_LIBRARIES_dispatch OpenSSL::Crypto)
set(RATELIMMQ_LIBRARIES_command Boost::json)
set(RATELIMMQ_LIBRARIES_http CURL::libcurl)
set(RATELIMMQ_LIBRARIES_config yaml-cpp date::date-tz Boost::json)

set_property(GLOBAL PROPERTY RATELIMMQ_ROOMS "")

function(ratelimmq_folder name result)
  set(${result} src/${name} PARENT_SCOPE)
  if(NOT IS_DIRECTORY ${CMAKE_SOURCE_DIR}/src/${name})
    set(${result} ${name} PARENT_SCOPE)
  endif()
endfunction()

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
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} ratelimmq_options ${deps} ${RATELIMMQ_LIBRARIES_${name}})
endfunction()

function(ratelimmq_test target)
  add_executable(${target} EXCLUDE_FROM_ALL ${ARGN})
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main)
  if(RATELIMMQ_SANITIZE)  # GCC 12 sees an overread inside Boost's small_vector that is none.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
  endif()
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
      target_link_libraries(${name}_test PRIVATE ${name})
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
