/* Shifts the wall clock of one process: LD_PRELOAD it, and write nanoseconds, as a native 64-bit
   integer, into the file that TORTURE_CLOCK names. CLOCK_MONOTONIC is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static int (*real_clock)(clockid_t, struct timespec *);
static const volatile int64_t *shift;

__attribute__((constructor)) static void open_shift(void) {
  const char *const name = getenv("TORTURE_CLOCK");
  const int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
  void *const map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) abort();
  shift = map;
}

int clock_gettime(clockid_t which, struct timespec *to) {
  if (real_clock == NULL) *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
  const int status = real_clock(which, to);
  if (status != 0 || shift == NULL || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE))
    return status;
  const int64_t at = to->tv_sec * INT64_C(1000000000) + to->tv_nsec + *shift;
  to->tv_sec = at / 1000000000;
  to->tv_nsec = at % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone) {
  struct timespec at;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &at);
  to->tv_sec = at.tv_sec;
  to->tv_usec = at.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *to) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (to != NULL) *to = at.tv_sec;
  return at.tv_sec;
}
