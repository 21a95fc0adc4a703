-- The exact sliding window as one writes it for a call a request: a sorted set of the admitted ones.
-- KEYS[1], then the limit, its window in seconds, and an id of the request.
-- Answers allowed, remaining, retry after and reset after (µs).
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - window)
local used = redis.call('ZCARD', KEYS[1])
if used >= limit then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {0, 0, oldest[2] + window - now, window}
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], window / 1000)
return {1, limit - used - 1, 0, window}
