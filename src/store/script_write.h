// Writes, and answers: the end of both scripts; and what both need of holds. (store/script.h)
#pragma once

namespace store {

// Held until `t`. The set lives as long as the last of its holds.
inline constexpr const char* kHold = R"lua(function(i, id, t)
  local key = KEYS[i] .. 'h'
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  call('ZADD', key, t, id)
  local last = call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  call('PEXPIREAT', key, floor(last / 1000) + 1 + grace)
end)lua";

// Writes the states that have changed, and answers.
inline constexpr const char* kWrite = R"lua(
local write_log
if logs then
  write_log = function(i, law)
    local log, key = logs[i], KEYS[i] .. 'l'
    if log.fresh then call('DEL', key) end
    if log.pending > 0 then
      if log.left > 0 then call('LTRIM', key, log.left, -1) end
      local merged = false
      if log.first and log.last == log.t then
        local units = log.units + log.pending
        merged = not redis.pcall('LSET', key, -1, box('<dd', log.t, units)).err
        if merged then log.units = units end
      end
      if not merged then
        call('RPUSH', key, box('<dd', log.t, log.pending))
        log.last, log.units = log.t, log.pending
      end
      log.gone, log.head = 0, log.first or log.t
    end
    local used = log.used + log.gone
    if used <= 0 then
      call('DEL', key)
      return
    end
    local t = log.last + law[3]
    call('PEXPIREAT', key, floor(t / 1000) + 1 + grace)
    return t, box('<Bddddd', 4, used, log.last, log.head, law[3], log.units)
  end
end

for i = 1, states do
  if dirty[i] then
    local law, a, b, c = laws[law_of[i]], A[i], B[i], C[i]
    local kind, t, value = law[1]
    if kind == 1 then
      if a > 0 or b > 0 or c > 0 then
        t = now + a
        value = box('<Bddddd', 1, t, b, law[2], law[3], c)
        if c > 0 then
          local s, last = raw[i], now
          if s and #s > 41 then last = math.max(unbox('<d', s, 42), now) end
          value = value .. box('<d', last)
        end
        t = t + c + 1
      end
    elseif kind == 2 then
      if b > 0 then t, value = c, box('<Bddddd', 2, a, b, c, 0, 0) end
    elseif kind == 3 then
      if b > 0 or c > 0 then
        t, value = a + (b > 0 and 2 or 1) * law[3], box('<Bddddd', 3, a, b, c, law[3], 0)
      end
    else
      t, value = write_log(i, law)
    end
    if t then
      call('SET', KEYS[i], value, 'PXAT', floor(t / 1000) + 1 + grace)
    else
      call('DEL', KEYS[i])
    end
  end
end
return table.concat(out)
)lua";

}  // namespace store
