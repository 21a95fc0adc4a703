// Decides: all hits of each decision, or none. (store/script.h)
#pragma once

namespace store {

inline constexpr const char* kDecide = R"lua(
local asked, extra, o = ARGV[5], 6, #out
local met, oks, xs, ys, costs, hold
at = 1
while at <= #asked do
  -- One decision. bits of a hit: 1 shadow, 2 quota, 4 charge, 8 take, 32 it is the last one.
  local n, go, quota, open, bits = 0, clear, false, false, 0
  repeat
    local i, blocks, cost
    i, bits, blocks, cost, at = unbox('<HBBd', asked, at)
    for _ = 1, blocks do
      local b
      b, at = unbox('<H', asked, at)
      if ends[flags + b] > now then go = false end
    end
    if i > 0 then
      -- x and y: what the state becomes if it is charged.
      local law, a, b, c, ok, x, y = laws[law_of[i]], A[i], B[i], C[i], false
      local kind, first = law[1], law[2]
      if kind == 1 then
        if cost <= law[6] then
          x, y = cost * law[3], 0
          if first > 1 then
            local q = floor(x / first)
            x, y = q, x - q * first
          end
          x, y = x + a, y + b
          if y >= first then x, y = x + 1, y - first end
          local most = law[4] - c
          ok = x < most or x == most and y <= law[5]
        end
      elseif kind == 2 then
        x, y = a, b + cost
        ok = first > 0 and cost <= first - b
      elseif kind == 3 then
        local used = b
        if c > 0 then
          local left = now > a and law[3] - (now - a) or law[3]
          used = used + math.ceil(c * left / law[3])
        end
        x, y = a, b + cost
        ok = first > 0 and cost <= first - used
      else
        x, y = a + cost, b + cost
        ok = first > 0 and cost <= first - a
      end
      o = o + 1
      if unknown and unknown[i] then
        ok, go = false, false
        out[o] = box('<Bddd', 2, unknown[i], 0, 0)
      elseif kind > 3 then
        -- Beside what is in use: when the cost fits, when the last one leaves.
        local fits, last, wanted = 0, 0, not ok and cost <= first and cost - first + a
        if kind == 4 then
          local log = logs[i]
          last = b > 0 and log.t or log.last or now
          if wanted then
            local n, when, units = log.left
            repeat
              when, units = entry(log, n)
              n, wanted = n + 1, wanted - (units or wanted)
            until wanted <= 0
            fits = when or log.t
          end
        elseif a > 0 then
          local key = KEYS[i] .. 'h'
          last = tonumber(call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
          if wanted then
            local found = call('ZRANGEBYSCORE', key, after(now), '+inf', 'WITHSCORES',
                               'LIMIT', wanted - 1, 1)
            fits = tonumber(found[2])
          end
        end
        out[o] = box('<Bddd', ok and 1 or 0, a, fits, last)
      else
        out[o] = box('<Bddd', ok and 1 or 0, a, b, c)
      end
      if n == 0 and bits >= 32 and kind < 5 then
        -- The most usual decision: one hit.
        if ok and go and bits % 8 > 3 and cost > 0 then A[i], B[i], dirty[i] = x, y, true end
      else
        if not met then met, oks, xs, ys, costs = {}, {}, {}, {}, {} end
        n = n + 1
        met[n], oks[n], xs[n], ys[n], costs[n] = i, ok, x, y, cost
        local role = bits % 4
        if role == 0 then
          go = go and ok
        elseif role == 2 then
          quota, open = true, open or ok
        end
      end
    end
  until bits >= 32
  local take = bits % 16 > 7
  if n > 0 and go and bits % 8 > 3 and (open or not quota) then
    for j = 1, n do
      local i, cost = met[j], costs[j]
      if oks[j] and cost > 0 then
        if laws[law_of[i]][1] < 5 then
          A[i], B[i], dirty[i] = xs[j], ys[j], true
        elseif take then
          hold = hold or HOLD
          hold(i, ARGV[extra], now + ARGV[extra + 1])
          A[i] = xs[j]
        end
      end
    end
  end
  if take then extra = extra + 2 end
end
)lua";

}  // namespace store
