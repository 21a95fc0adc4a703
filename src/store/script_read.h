// Reads: the beginning of both scripts. (store/script.h)
#pragma once

namespace store {

// Reads the states of all keys into numbers, brought up to now and to the laws in force.
inline constexpr const char* kRead = R"lua(
local unbox, box, floor, call = struct.unpack, struct.pack, math.floor, redis.call
local format = string.format

-- With a test's clock nothing may expire by the real one.
local now, grace = ARGV[1], 1e13
if now == '' then
  local t = call('TIME')
  now, grace = t[1] * 1000000 + t[2], 0
else
  now = tonumber(now)
end

local raw = call('MGET', unpack(KEYS))
local laws, at, text = {}, 1, ARGV[2]
while at <= #text do
  local kind, a, b, c, d, e
  kind, a, b, c, d, e, at = unbox('<Bddddd', text, at)
  laws[#laws + 1] = {kind, a, b, c, d, e}
end
local law_of = {string.byte(ARGV[3], 1, -1)}
local states, flags = #law_of, tonumber(ARGV[4])

-- By key: gcra ahead, part, the life of grants; window start, used, end; counter start, current,
-- previous; log used, and what of it is to be written down; holds held. Of a log the rest is in
-- logs, of a window that is not known the instant in unknown.
local A, B, C, dirty, logs, unknown, rest, entry, read_log, charge_log, after = {}, {}, {}, {}

for i = 1, states do
  local law, s = laws[law_of[i]], raw[i]
  local kind = law[1]
  if kind == 1 then
    local ahead, part, life, known = 0, 0, 0, true
    if s then
      local other, tat, p, u, v, l = unbox('<Bddddd', s)
      if other == 1 and tat + l > now then life = l end
      known = other == 1 and u == law[2] and v == law[3]
      if known and tat >= now then ahead, part = tat - now, p end
    end
    A[i], B[i], C[i] = ahead, part, life
    if not known then
      rest = rest or {}
      rest[#rest + 1] = i
    end
  elseif kind == 2 then
    local t, used, from, to, other, start, n, ends = now, 0
    if s then
      other, start, n, ends = unbox('<Bddd', s)
      if other == 2 then
        if start > now then t = start end
        if now < ends then used = n end
      else
        rest = rest or {}
        rest[#rest + 1] = i
      end
    end
    if law[3] > 0 then
      from = t - t % law[3]
      to = from + law[3]
    elseif t >= law[4] and t < law[5] then
      from, to = law[4], law[5]
    elseif t >= law[5] and t < law[6] then
      from, to = law[5], law[6]
    else
      unknown = unknown or {}
      unknown[i], from, to = t, t, t
    end
    A[i], B[i], C[i] = from, used, to
  elseif kind == 3 then
    local period, start, current, previous, known = law[3], 0, 0, 0, true
    if s then
      local other, a, b, c, d = unbox('<Bdddd', s)
      known = other == 3 and d == period
      if known then start, current, previous = a, b, c end
    end
    if current == 0 and previous == 0 or now - start >= period then
      local window = now - now % period
      if window ~= start then
        previous = window - period == start and current or 0
        start, current = window, 0
      end
    end
    A[i], B[i], C[i] = start, current, previous
    if not known then
      rest = rest or {}
      rest[#rest + 1] = i
    end
  else
    A[i], B[i], C[i] = 0, 0, 0
    rest = rest or {}
    rest[#rest + 1] = i
  end
end

-- Logs, holds, and states of other laws.
if rest then
  local log_max = 32

  -- The entry of a log behind n others: instant, units. A list is read as it is looked at.
  entry = function(log, n)
    local at = log.at + 16 * n
    if log.list and (at < 1 or at > #log.text) then
      log.chunk = at == #log.text + 1 and math.min(4 * log.chunk, 128) or 1
      log.text = table.concat(call('LRANGE', log.list, n, n + log.chunk - 1))
      log.at, at = 1 - 16 * n, 1
    end
    if at < #log.text then return unbox('<dd', log.text, at) end
  end

  -- Reads a log and counts what is in use. What has left is still there until the next charge: if
  -- the clock steps back before that, it counts again.
  read_log = function(i, s)
    if not s then return {t = now, left = 0, gone = 0, text = '', at = 1} end
    local _, all, last, head, period, units = unbox('<Bddddd', s)
    local t = now > last and now or last
    local log = {t = t, last = last, units = units, first = head, left = 0, gone = 0,
                 text = s, at = 42}
    if #s == 41 then log.list, log.text, log.at, log.chunk = KEYS[i] .. 'l', '', 1, 1 end
    if head <= t - period then
      local left, gone = 0, 0
      head, units = entry(log, 0)
      while head and head <= t - period do
        left, gone = left + 1, gone + units
        head, units = entry(log, left)
      end
      log.first, log.left, log.gone = head, left, head and gone or all
    end
    return log, all - log.gone, period
  end

  -- Writes down what was charged; what has left goes.
  charge_log = function(i)
    local log = logs[i]
    local t, list, left, again = log.t, log.list, log.left, log.last == log.t
    local units = again and log.units + B[i] or B[i]
    local new, text = box('<dd', t, units)
    if list then
      if left > 0 then call('LTRIM', list, left, -1) end
      if not again or redis.pcall('LSET', list, -1, new).err then call('RPUSH', list, new) end
      if left > 0 and call('LLEN', list) <= log_max / 2 then
        text = table.concat(call('LRANGE', list, 0, -1))
        call('DEL', list)
        log.list = nil
      end
    else
      text = log.text:sub(log.at + 16 * left, again and -17 or -1) .. new
      if #text > 16 * log_max then
        list = KEYS[i] .. 'l'
        call('DEL', list)
        for at = 1, #text, 16 do call('RPUSH', list, text:sub(at, at + 15)) end
        log.list, log.chunk, text = list, 1
      end
    end
    log.first, log.last, log.units, log.left, log.gone = log.first or t, t, units, 0, 0
    log.text, log.at, B[i] = text or '', 1, 0
  end

  for _, i in ipairs(rest) do
    local law, s, used, log, period = laws[law_of[i]], raw[i], 0
    local kind = law[1]
    -- Units in use in a state of any law.
    if s and s:byte() == 4 then
      log, used, period = read_log(i, s)
    elseif s then
      local other, a, b, c, d = unbox('<Bdddd', s)
      if other == 1 then
        if a >= now then used = math.ceil(((a - now) * c + b) / d) end
      elseif other == 2 then
        if now < c then used = b end
      elseif now - a < 2 * d then
        if now - a >= d then a, b, c = a + d, 0, b end
        used = b + math.ceil(c * (d - math.max(now - a, 0)) / d)
      end
    end
    if kind == 1 then
      local whole = math.min(used, floor(4503599627370496 / law[3])) * law[3]
      A[i] = floor(whole / law[2])
      B[i] = whole - A[i] * law[2]
    elseif kind < 4 then
      B[i] = used
    elseif kind == 4 then
      if period ~= law[3] then log, B[i] = read_log(i), used end
      logs = logs or {}
      logs[i], A[i] = log, used
      -- Only many are dropped at once.
      if log.left > 512 and log.list then
        call('LTRIM', log.list, log.left, -1)
        log.left, log.gone, log.text, log.at, dirty[i] = 0, 0, '', 1, true
      end
    else
      after = after or function(t) return format('(%.0f', t) end
      A[i] = call('ZCOUNT', KEYS[i] .. 'h', after(now), '+inf')
    end
  end
end

-- Of flags and blocks.
local ends, out, clear = {}, {box('<d', now)}, true
for i = states + 1, #KEYS do
  local t = raw[i] and unbox('<d', raw[i]) or 0
  ends[i - states], out[i - states + 1] = t, box('<d', t)
  if i <= states + flags and t > now then clear = false end
end
)lua";

}  // namespace store
