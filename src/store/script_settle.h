// Changes single states. (store/script.h)
#pragma once

namespace store {

inline constexpr const char* kSettle = R"lua(
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

local function back_log(i, law, n, when)
  if B[i] > 0 then charge_log(i) end
  local log = logs[i]
  local list = log.list
  local count = list and call('LLEN', list) or (#log.text + 1 - log.at) / 16
  local low, high = log.left, count
  while low < high do
    local middle = floor((low + high) / 2)
    if entry(log, middle) < when then
      low = middle + 1
    else
      high = middle
    end
  end
  local there, units = entry(log, low)
  if there ~= when then return end
  n = math.min(n, units)
  local left, text = n < units and box('<dd', when, units - n) or '', ''
  if not list then
    local at = log.at + 16 * low
    text = log.text:sub(log.at, at - 1) .. left .. log.text:sub(at + 16)
  elseif left ~= '' then
    call('LSET', list, low, left)
  else
    call('LREM', list, 1, box('<dd', when, units))
  end
  log.text, log.at, dirty[i] = text, 1, true
  if left == '' then count = count - 1 end
  local stored
  if count > 0 then
    local head, last = entry(log, 0)
    last, units = entry(log, count - 1)
    stored = box('<Bddddd', 4, A[i] + log.gone - n, last, head, law[3], units) .. text
  end
  logs[i], A[i] = read_log(i, stored)
  A[i] = A[i] or 0
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
    q = q - C[i]
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
  else
    B[i] = B[i] + n
    if kind == 4 then A[i] = A[i] + n end
  end
  return n
end

-- Units to be spent elsewhere: of a gcra within `life`; from now on, until the key has been idle
-- for so long, every charge sees the burst less what that time brings. Of a window until it ends.
-- Answers: how many; how many more there are; the instant of the charge; what is left of a window.
local function grant(i, law, n, life)
  if not clear then return -1, 0, 0, 0 end
  if unknown and unknown[i] then return 0, 0, 0, 0 end
  if law[1] == 2 then
    n = charge_over(i, law, n, 0)
    return n, math.max(room(i, law, 0), 0), math.max(now, A[i]), C[i] - now
  end
  local before = C[i]
  C[i] = math.max(before, life)
  n = charge_over(i, law, n, 0)
  local left = room(i, law, 0)
  if n == 0 then C[i] = before end
  return n, left, now, 0
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
  elseif what == 7 then
    out[#out + 1] = box('<dddd', grant(i, laws[law_of[i]], n, x))
    result = nil
  elseif what == 8 then
    -- Where grants are out a state knows how late it was charged: this clock may have been set
    -- back.
    local law, s = laws[law_of[i]], raw[i]
    if law[1] == 1 and s and #s == 49 then x = x - math.max(unbox('<d', s, 42) - now, 0) end
    back[law[1]](i, law, n, x)
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
  if result then out[#out + 1] = box('<d', result) end
end
)lua";

}  // namespace store
