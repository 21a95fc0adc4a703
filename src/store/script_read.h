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

-- By key: gcra ahead, part, the life of grants; window start, used, end; counter start, current,
-- previous; log used, and what of it is to be written down; holds held. Of a log the rest is in logs,
-- of a window that is not known the instant in unknown.
local A, B, C, dirty, logs, unknown, rest, entry, see, charge_log, after = {}, {}, {}, {}

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
  local log_max = 16

  -- The entry of a log behind n others: instant, units. A list is read as it is looked at.
  entry = function(log, n)
    local at = log.at + 16 * (n - log.from)
    if log.list and (at < 1 or at > #log.text) then
      log.chunk = at == #log.text + 1 and math.min(4 * log.chunk, 128) or 1
      log.text = table.concat(call('LRANGE', log.list, n, n + log.chunk - 1))
      log.from, at = n, 1
    end
    if at < #log.text then return unbox('<dd', log.text, at) end
  end

  -- Counts what has left a log. It stays there until the next charge: if the clock steps back
  -- before that, it counts again.
  see = function(log)
    log.t = now > log.last and now or log.last
    local edge, left, gone, first, units = log.t - log.period, 0, 0, log.head
    if first <= edge then
      first, units = entry(log, 0)
      while first and first <= edge do
        left, gone = left + 1, gone + units
        first, units = entry(log, left)
      end
    end
    log.left, log.gone, log.first = left, first and gone or log.all, first
  end

  local function read_log(s, key)
    local _, all, last, head, period, units = unbox('<Bddddd', s)
    local log = {all = all, last = last, head = head, period = period, units = units,
                 text = s, from = 0, at = 42}
    if #s == 41 then log.list, log.text, log.at, log.chunk = key .. 'l', '', 1, 1 end
    see(log)
    return log
  end

  -- Writes down what was charged; what has left goes.
  charge_log = function(i)
    local log = logs[i]
    local list, left, again = log.list, log.left, log.last == log.t
    local units = again and log.units + B[i] or B[i]
    local new, text = box('<dd', log.t, units)
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
    log.all, log.gone, log.left, B[i] = log.all - log.gone + B[i], 0, 0, 0
    log.head, log.last, log.units = log.first or log.t, log.t, units
    log.first, log.text, log.from, log.at = log.head, text or '', 0, 1
  end

  -- Units in use in a state of any law.
  local function used_in(i)
    local kind, a, b, c, d = unbox('<Bdddd', raw[i])
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
    local log = read_log(raw[i], KEYS[i])
    return log.all - log.gone
  end

  after = function(t) return string.format('(%.0f', t) end

  for _, i in ipairs(rest) do
    local law, s = laws[law_of[i]], raw[i]
    local kind = law[1]
    if kind == 1 then
      local whole = math.min(used_in(i), floor(4503599627370496 / law[3])) * law[3]
      A[i] = floor(whole / law[2])
      B[i] = whole - A[i] * law[2]
    elseif kind < 4 then
      B[i] = used_in(i)
    elseif kind == 4 then
      logs = logs or {}
      local log = s and string.byte(s) == 4 and read_log(s, KEYS[i])
      if log and log.period == law[3] then
        A[i] = log.all - log.gone
      else
        if s then A[i] = used_in(i) end
        B[i] = A[i]
        log = {all = 0, period = law[3], t = now, text = '', from = 0, at = 1, left = 0, gone = 0}
      end
      logs[i] = log
      -- Only many are dropped at once.
      if log.list and log.left > 512 then
        call('LTRIM', log.list, log.left, -1)
        log.all, log.gone, log.left, log.head, log.text, log.from = A[i], 0, 0, log.first, '', 0
        dirty[i] = true
      end
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
