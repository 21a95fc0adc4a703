# Precompiled headers: what many sources include from outside the project, never a header of ours, so
# that a changed door rebuilds only what includes it. They may hide a missing #include; the presets
# dev and tsan build without them.

option(RATELIMMQ_PCH "Precompile the headers that most sources include" OFF)

if(RATELIMMQ_PCH)  # ccache gives back an old file for new headers of the same text.
  target_compile_options(ratelimmq_options INTERFACE
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

set(RATELIMMQ_PCH_ROOM
  <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <deque> <functional> <limits>
  <map> <memory> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility>
  <variant> <vector> <boost/container/small_vector.hpp> <boost/system/result.hpp>)
set(RATELIMMQ_PCH_cli ${RATELIMMQ_PCH_ROOM} <CLI/CLI.hpp>)
set(RATELIMMQ_PCH_TEST ${RATELIMMQ_PCH_ROOM} <filesystem> <fstream> <gmock/gmock.h> <gtest/gtest.h>
  <rapidcheck.h> <rapidcheck/gtest.h>)

# ratelimmq_precompile(TARGET OWNER [HEADER...]): all targets of one owner share its headers.
function(ratelimmq_precompile target owner)
  if(NOT RATELIMMQ_PCH)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
