# What `cmake --install` puts under its prefix: the program, and the library of docs/fetch.md as the
# CMake package `ratelimmq` with the target `ratelimmq::fetch`.
#
# Users get one static library of all rooms that fetch/ stands on, and of their headers only those
# that its door needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ratelimmq_fetch_rooms base metric wal limit limiter queue engine dispatch io http fetch)
set(ratelimmq_fetch_headers base/time.h base/result.h limit/rate.h fetch/pool.h)

set(ratelimmq_fetch_objects "")
set(ratelimmq_fetch_libraries Threads::Threads)
foreach(room ${ratelimmq_fetch_rooms})
  list(APPEND ratelimmq_fetch_objects $<TARGET_OBJECTS:${room}>)
  list(APPEND ratelimmq_fetch_libraries ${RATELIMMQ_LIBRARIES_${room}})
endforeach()
add_library(ratelimmq_fetch STATIC ${ratelimmq_fetch_objects})
set_target_properties(ratelimmq_fetch PROPERTIES EXPORT_NAME fetch LINKER_LANGUAGE CXX)
target_compile_features(ratelimmq_fetch INTERFACE cxx_std_20)
target_include_directories(ratelimmq_fetch INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/ratelimmq>)
target_link_libraries(ratelimmq_fetch INTERFACE ${ratelimmq_fetch_libraries})
add_dependencies(ratelimmq ratelimmq_fetch)  # What is installed is built with the program.

install(TARGETS ratelimmq)
install(TARGETS ratelimmq_fetch EXPORT ratelimmq)
foreach(header ${ratelimmq_fetch_headers})
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${CMAKE_SOURCE_DIR}/src/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ratelimmq/${folder})
endforeach()

set(ratelimmq_package ${CMAKE_INSTALL_LIBDIR}/cmake/ratelimmq)
install(EXPORT ratelimmq NAMESPACE ratelimmq:: DESTINATION ${ratelimmq_package} FILE ratelimmqTargets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ratelimmqConfig.cmake.in
  ${CMAKE_BINARY_DIR}/ratelimmqConfig.cmake INSTALL_DESTINATION ${ratelimmq_package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ratelimmqConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ratelimmqConfig.cmake
  ${CMAKE_BINARY_DIR}/ratelimmqConfigVersion.cmake DESTINATION ${ratelimmq_package})
