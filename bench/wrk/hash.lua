-- wrk: hashes of a few texts for many clients, as a proxy in front would tell of them.
-- Arguments: how many texts, how many clients (a multiple of 250).
local keep = {}

function init(arguments)
  keep.texts, keep.blocks = tonumber(arguments[1]), tonumber(arguments[2]) / 250
  local body = '{"data": "text-%03d"}'
  keep.text = "POST /compute_hash HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
              "\r\nContent-Type: application/json\r\nContent-Length: " .. #string.format(body, 0) ..
              "\r\nX-Forwarded-For: 10.%d.%d.%d\r\n\r\n" .. body
end

function request()
  local block = math.random(keep.blocks) - 1
  return string.format(keep.text, math.floor(block / 250), block % 250, math.random(250),
                       math.random(keep.texts) - 1)
end
