// Reads: the beginning of both scripts. (store/script.h)
#pragma once

namespace store {

// Reads the states of all keys into numbers, brought up to now and to the laws in force.
inline constexpr const char* kRead = R"lua(
local unbox, box, floor, call = struct.unpack, struct.pack, math.floor, redis.call

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

-- By key: gcra ahead, part, the life of grants; window start, used, end; counter start, current, previous; log used;
-- holds held. Of a log the rest is in logs, of a window that is not known the instant in unknown.
local A, B, C, dirty, logs, unknown, rest, after = {}, {}, {}, {}

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
  -- Units in use in a state of any law.
  local function used_in(s)
    local kind, a, b, c, d = unbox('<Bdddd', s)
    if kind == 1 then
      if a < now then return 0 end
      return math.ceil(((a - now) * c + b) / d)
    elseif kind == 2 then
      return now < c and b or 0
    elseif kind == 3 then
      if now - a >= 2 * d then return 0 end
      if now - a >= d then a, b, c = a + d, 0, b end
      return b + math.ceil(c * (d - math.max(now - a, 0)) / d)
    end
    return now < b + d and a or 0
  end

  -- Entries at or before `edge` have left the log. They stay in the list until the next charge: if
  -- the clock steps back before it, they count again. Only many of them are dropped at once.
  local function skip_left(i, log, edge)
    local key, n, chunk, gone, first = KEYS[i] .. 'l', 0, 2, 0, nil
    repeat
      local entries = call('LRANGE', key, n, n + chunk - 1)
      for _, entry in ipairs(entries) do
        local when, units = unbox('<dd', entry)
        if when > edge then
          first = when
          break
        end
        n, gone = n + 1, gone + units
      end
      local full = #entries == chunk
      chunk = math.min(chunk * 4, 128)
    until first or not full
    log.first, log.left, log.gone = first, n, gone
    log.used = first and log.used - gone or 0
    if n > 512 then
      call('LTRIM', key, n, -1)
      log.left, log.gone, log.head = 0, 0, first
      dirty[i] = true
    end
  end

  local function read_log(i, law, s)
    local log = {used = 0, last = now, units = 0, left = 0, gone = 0, pending = 0, fresh = true}
    if s then
      local kind, used, last, first, period = unbox('<Bdddd', s)
      if kind == 4 and period == law[3] then
        log = {used = used, last = last, first = first, head = first, units = unbox('<d', s, 34),
               left = 0, gone = 0, pending = 0}
      else
        log.used = used_in(s)
        log.pending = log.used
      end
    end
    log.t = log.first and math.max(now, log.last) or now
    if log.first and log.first <= log.t - law[3] then skip_left(i, log, log.t - law[3]) end
    logs = logs or {}
    logs[i], A[i] = log, log.used
  end

  after = function(t) return string.format('(%.0f', t) end

  for _, i in ipairs(rest) do
    local law, s = laws[law_of[i]], raw[i]
    local kind = law[1]
    if kind == 1 then
      local whole = math.min(used_in(s), floor(4503599627370496 / law[3])) * law[3]
      A[i] = floor(whole / law[2])
      B[i] = whole - A[i] * law[2]
    elseif kind < 4 then
      B[i] = used_in(s)
    elseif kind == 4 then
      read_log(i, law, s)
    else
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
