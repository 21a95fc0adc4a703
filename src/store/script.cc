#include "store/script.h"

#include <string>

namespace store {
namespace {

// Reads the states of all keys into numbers, brought up to now and to the laws in force.
constexpr const char* kRead = R"lua(
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

-- By key: gcra ahead, part; window start, used, end; counter start, current, previous; log used;
-- holds held. Of a log the rest is in logs, of a window that is not known the instant in unknown.
local A, B, C, dirty, logs, unknown, rest, after = {}, {}, {}, {}

for i = 1, states do
  local law, s = laws[law_of[i]], raw[i]
  local kind = law[1]
  if kind == 1 then
    local ahead, part, known = 0, 0, true
    if s then
      local other, tat, p, u, v = unbox('<Bdddd', s)
      known = other == 1 and u == law[2] and v == law[3]
      if known and tat >= now then ahead, part = tat - now, p end
    end
    A[i], B[i], C[i] = ahead, part, 0
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

// Held until `t`. The set lives as long as the last of its holds.
constexpr const char* kHold = R"lua(function(i, id, t)
  local key = KEYS[i] .. 'h'
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  call('ZADD', key, t, id)
  local last = call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  call('PEXPIREAT', key, floor(last / 1000) + 1 + grace)
end)lua";

constexpr const char* kDecide = R"lua(
local hold, leaves, tell
if rest then
  hold = HOLD

  -- The instant of the entry with which `units` units will have left.
  leaves = function(i, units)
    local key, n, chunk = KEYS[i] .. 'l', logs[i].left, 2
    repeat
      local entries = logs[i].fresh and {} or call('LRANGE', key, n, n + chunk - 1)
      for _, entry in ipairs(entries) do
        local when, u = unbox('<dd', entry)
        units = units - u
        if units <= 0 then return when end
      end
      n = n + #entries
      local full = #entries == chunk
      chunk = math.min(chunk * 4, 128)
    until not full
    return logs[i].t
  end

  -- What a log or holds tell beside how much is in use: when `cost` fits, when the last one leaves.
  tell = function(i, law, cost, ok)
    local free, last, fits = law[2] - A[i], 0, 0
    if law[1] == 4 then
      local log = logs[i]
      last = log.pending > 0 and log.t or log.last
      if not ok and cost <= law[2] then fits = leaves(i, cost - free) end
    elseif A[i] > 0 then
      local key = KEYS[i] .. 'h'
      last = tonumber(call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
      if not ok and cost <= law[2] then
        local found = call('ZRANGEBYSCORE', key, after(now), '+inf', 'WITHSCORES',
                           'LIMIT', cost - free - 1, 1)
        fits = tonumber(found[2])
      end
    end
    return fits, last
  end
end

local asked, extra, o = ARGV[5], 6, #out
local met, oks, xs, ys, costs
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
          ok = x < law[4] or x == law[4] and y <= law[5]
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
        x, y = a + cost, 0
        ok = first > 0 and cost <= first - a
      end
      o = o + 1
      if unknown and unknown[i] then
        ok, go = false, false
        out[o] = box('<Bddd', 2, unknown[i], 0, 0)
      elseif kind > 3 then
        out[o] = box('<Bddd', ok and 1 or 0, a, tell(i, law, cost, ok))
      else
        out[o] = box('<Bddd', ok and 1 or 0, a, b, c)
      end
      if n == 0 and bits >= 32 and kind < 4 then
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
        local kind = laws[law_of[i]][1]
        if kind < 5 then
          A[i], B[i], dirty[i] = xs[j], ys[j], true
          if kind == 4 then
            logs[i].used, logs[i].pending = xs[j], logs[i].pending + cost
          end
        elseif take then
          hold(i, ARGV[extra], now + ARGV[extra + 1])
          A[i] = xs[j]
        end
      end
    end
  end
  if take then extra = extra + 2 end
end
)lua";

constexpr const char* kSettle = R"lua(
local hold = HOLD

local function estimate(i, law)
  return B[i] + math.ceil(C[i] * (law[3] - math.max(now - A[i], 0)) / law[3])
end

-- Each gives back `n` units that were charged at the instant `when`, as far as they still count.
local function back_gcra(i, law, n, when)
  local u = law[2]
  local whole, part = n * law[3], 0
  local q = floor(whole / u)
  whole, part = q - math.max(now - when, 0), whole - q * u
  if whole < 0 or whole == 0 and part == 0 then return end
  whole, part = A[i] - whole, B[i] - part
  if part < 0 then whole, part = whole - 1, part + u end
  if whole < 0 then whole, part = 0, 0 end
  A[i], B[i] = whole, part
  dirty[i] = true
end

local function back_window(i, _, n, when)
  if unknown and unknown[i] or when < A[i] or when >= C[i] then return end
  B[i] = math.max(B[i] - n, 0)
  dirty[i] = true
end

local function back_counter(i, law, n, when)
  local window = when - when % law[3]
  if window == A[i] then
    B[i] = math.max(B[i] - n, 0)
  elseif window == A[i] - law[3] then
    C[i] = math.max(C[i] - n, 0)
  else
    return
  end
  dirty[i] = true
end

local function back_log(i, _, n, when)
  local log, key = logs[i], KEYS[i] .. 'l'
  if not log.first then return end
  local low, high = log.left, call('LLEN', key)
  while low < high do
    local middle = floor((low + high) / 2)
    if unbox('<d', call('LINDEX', key, middle)) < when then
      low = middle + 1
    else
      high = middle
    end
  end
  local entry = call('LINDEX', key, low)
  if not entry then return end
  local there, units = unbox('<dd', entry)
  if there ~= when then return end
  local back = math.min(n, units)
  if back < units then
    call('LSET', key, low, box('<dd', when, units - back))
  else
    call('LREM', key, 1, entry)
  end
  log.used = log.used - back
  dirty[i] = true
  local first = call('LINDEX', key, 0)
  if not first then
    log.used, log.gone = 0, 0
    return
  end
  log.head = unbox('<d', first)
  log.last, log.units = unbox('<dd', call('LINDEX', key, -1))
end

local back = {back_gcra, back_window, back_counter, back_log, function() end}

-- How many units fit, with `over` beyond the bound.
local function room(i, law, over)
  local kind = law[1]
  if kind == 1 then
    local u, v = law[2], law[3]
    local whole = (law[6] + over) * v
    local q = floor(whole / u)
    local part = whole - q * u
    if A[i] > q or A[i] == q and B[i] >= part then return 0 end
    return floor(((q - A[i]) * u + part - B[i]) / v)
  elseif kind == 2 then
    return unknown and unknown[i] and 0 or law[2] + over - B[i]
  elseif kind == 3 then
    return law[2] + over - estimate(i, law)
  end
  return kind == 4 and law[2] + over - A[i] or 0
end

local function charge_over(i, law, n, over)
  n = math.min(n, math.max(room(i, law, over), 0))
  if n == 0 then return 0 end
  dirty[i] = true
  local kind = law[1]
  if kind == 1 then
    local u = law[2]
    local q = floor(n * law[3] / u)
    local whole, part = A[i] + q, B[i] + n * law[3] - q * u
    if part >= u then whole, part = whole + 1, part - u end
    A[i], B[i] = whole, part
  elseif kind == 4 then
    logs[i].used, logs[i].pending = logs[i].used + n, logs[i].pending + n
  else
    B[i] = B[i] + n
  end
  return n
end

local function held(i, id)
  local t = call('ZSCORE', KEYS[i] .. 'h', id)
  return t and tonumber(t) > now
end

-- 5 puts a block in the place of what is there, 6 keeps the later one of both.
local function block(what, i, span)
  local key, t = KEYS[states + flags + i], span > 0 and now + span or 0
  if what == 6 then t = math.max(t, ends[flags + i]) end
  if t > now then
    call('SET', key, box('<d', t), 'PXAT', floor(t / 1000) + 1 + grace)
  else
    call('DEL', key)
  end
end

local extra = 6
out = {out[1]}
at = 1
while at <= #ARGV[5] do
  local what, i, n, x, result
  what, i, n, x, at = unbox('<BHdd', ARGV[5], at)
  result = 0
  if what == 1 then
    local law = laws[law_of[i]]
    back[law[1]](i, law, n, x)
  elseif what == 2 then
    result = charge_over(i, laws[law_of[i]], n, x)
  elseif what > 4 then
    block(what, i, n)
  else
    local id = ARGV[extra]
    extra = extra + 1
    if held(i, id) then result = 1 end
    if what == 3 then
      call('ZREM', KEYS[i] .. 'h', id)
    elseif result == 1 then
      hold(i, id, now + n)
    end
  end
  out[#out + 1] = box('<d', result)
end
)lua";

// Writes the states that have changed, and answers.
constexpr const char* kWrite = R"lua(
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
      if a > 0 or b > 0 then
        t = now + a
        value = box('<Bdddd', 1, t, b, law[2], law[3])
        t = t + 1
      end
    elseif kind == 2 then
      if b > 0 then t, value = c, box('<Bdddd', 2, a, b, c, 0) end
    elseif kind == 3 then
      if b > 0 or c > 0 then
        t, value = a + (b > 0 and 2 or 1) * law[3], box('<Bdddd', 3, a, b, c, law[3])
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

constexpr const char* kPresence = R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
return redis.call('ZCARD', KEYS[1])
)lua";

// The body stands where a script says HOLD.
std::string with_hold(std::string text) {
  constexpr std::string_view kHere = "HOLD";
  return text.replace(text.find(kHere), kHere.size(), kHold);
}

}  // namespace

const redis::Client::Script& decide_script() {
  static const redis::Client::Script script(kRead + with_hold(kDecide) + kWrite);
  return script;
}

const redis::Client::Script& settle_script() {
  static const redis::Client::Script script(kRead + with_hold(kSettle) + kWrite);
  return script;
}

const redis::Client::Script& presence_script() {
  static const redis::Client::Script script{std::string(kPresence)};
  return script;
}

}  // namespace store
