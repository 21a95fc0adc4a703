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

// Writes the states that have changed, and answers. %d rounds down; a number that is not made text
// here costs Redis a %.17g.
inline constexpr const char* kWrite = R"lua(
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
          if s and #s == 49 then last = math.max(unbox('<d', s, 42), now) end
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
      if b > 0 then charge_log(i) end
      local log = logs[i]
      local list, all = log.list, a + log.gone
      if all > 0 then
        local head = log.left == 0 and log.first or entry(log, 0)
        t = log.last + law[3]
        value = box('<Bddddd', 4, all, log.last, head, law[3], log.units)
        if list then
          call('PEXPIREAT', list, floor(t / 1000) + 1 + grace)
        else
          value = value .. log.text:sub(log.at)
        end
      elseif list then
        call('DEL', list)
      end
    end
    if t then
      call('SET', KEYS[i], value, 'PXAT', format('%d', t / 1000 + 1 + grace))
    else
      call('DEL', KEYS[i])
    end
  end
end
return table.concat(out)
)lua";

}  // namespace store
