-- wrk: decisions of a limiter instance. Arguments: the descriptor's key, how many values it takes,
-- how many decisions are asked for at once.
local keep = {}

function init(arguments)
  keep.keys, keep.list = tonumber(arguments[2]), tonumber(arguments[3] or 1)
  local one = '{"domain":"bench","descriptors":[[["' .. arguments[1] .. '","%06d"]]]}'
  local body = keep.list == 1 and one or "[" .. string.rep(one, keep.list, ",") .. "]"
  keep.text = "POST /v1/check" .. (keep.list == 1 and "" or "s") .. " HTTP/1.1\r\nHost: " ..
              wrk.host .. ":" .. wrk.port .. "\r\nContent-Type: application/json\r\nContent-Length: " ..
              #string.gsub(body, "%%06d", "000000") .. "\r\n\r\n" .. body
end

local function keys(n)
  if n > 0 then return math.random(keep.keys) - 1, keys(n - 1) end
end

function request()
  return string.format(keep.text, keys(keep.list))
end
