// The scripts that run in the store. The arithmetic is that of src/limit/, in whole microseconds
// and in Lua's doubles, which are exact below 2^53 (check() in store.h keeps every product there).
//
// A state is one string that begins with its law and ends with its law's numbers, so that a limit
// that has changed finds what was used; numbers are doubles, little-endian:
//
//   1 gcra     tat, part, u, v, life [, last]     u units every v µs; part counts u-ths of a µs;
//                                                 life of grants (grants.h), 0: none are out;
//                                                 beside them the latest instant of a change:
//                                                 49 bytes, as no other state has
//   2 window   start, used, end, 0, 0
//   3 counter  start, current, previous, period, 0
//   4 log      used, last, first, period, units of the last; then its entries, instant and units
//              each. More than 32 are a list, KEY + "l", until 16 are left or none
//   holds      a sorted set, KEY + "h": id by the instant at which it ends
//   a block    its end
//
// Each key expires by itself when its state equals an absent one, never before: PXAT is by the very
// clock that TIME tells.
//
// Two calls in one are one after the other. A script makes functions anew in every call, at 100 ns
// each and what the collector takes for them: so what most calls do is written out in line, and
// what few do is made when they need it.
#pragma once
#include "redis/redis.h"

namespace store {

// KEYS: states, then flags, then blocks. While one of the flags is set, nothing is charged: there
// are blocks that the caller does not know of. ARGV:
//   1 the time, or "" for the store's own, which is what everybody but tests wants
//   2 laws: kind and five numbers each         3 a byte for each state: its law
//   4 how many flags                           5 hits, decision by decision (call.h)
//   6 … for each decision that takes holds: their id, and microseconds
// Answers one string: the time, the ends of flags and blocks, each hit's state as it was met.
const redis::Client::Script& decide_script();

// The same KEYS and ARGV 1 to 4. 5: changes; 6 … the id of each change of a hold.
// Answers one string: the time, and a number for each change; for a grant four (grants.h, Granted).
const redis::Client::Script& settle_script();

// KEYS: one. ARGV: id, microseconds. This instance is there for so long; how many are?
const redis::Client::Script& presence_script();

}  // namespace store
