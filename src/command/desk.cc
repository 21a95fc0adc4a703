#include "command/desk.h"

namespace command {

Desk& desk_of_this_thread() {
  static thread_local Desk desk;
  return desk;
}

}  // namespace command
