-- wrk: decisions of a limiter instance. Arguments: the descriptor's key, how many values it takes.
local keep = {}

function init(arguments)
  keep.keys = tonumber(arguments[2])
  local body = '{"domain":"bench","descriptors":[[["' .. arguments[1] .. '","%06d"]]]}'
  keep.text = "POST /v1/check HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
              "\r\nContent-Type: application/json\r\nContent-Length: " .. #string.format(body, 0) ..
              "\r\n\r\n" .. body
end

function request()
  return string.format(keep.text, math.random(keep.keys) - 1)
end
