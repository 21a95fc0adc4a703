// 128-bit integers: products of an instant or a cost with a rate do not fit into 64 bits.
#pragma once
#include <cstdint>

namespace base {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

}  // namespace base
