-- GCRA as one writes it for a call a request: KEYS[1], then the limit, its window in seconds, and an
-- id that is not used. Answers allowed, remaining, retry after and reset after (µs).
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local each = window / limit
local tat = tonumber(redis.call('GET', KEYS[1]) or 0)
if tat < now then tat = now end
local free = window - (tat - now)
if free < each then return {0, 0, math.ceil(each - free), tat - now} end
tat = tat + each
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
return {1, math.floor((free - each) / each), 0, tat - now}
