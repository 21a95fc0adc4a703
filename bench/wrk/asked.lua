-- wrk: a path for many clients, as a proxy in front would tell of them. Argument: how many clients
-- (a multiple of 250).
local keep = {}

function init(arguments)
  keep.blocks = tonumber(arguments[1]) / 250
  keep.text = "GET " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
              "\r\nX-Forwarded-For: 10.%d.%d.%d\r\n\r\n"
end

function request()
  local block = math.random(keep.blocks) - 1
  return string.format(keep.text, math.floor(block / 250), block % 250, math.random(250))
end
