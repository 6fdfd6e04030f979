-- A script as people write it: a few functions, a table, two hooks.
local prices = { basic = 19, team = 49, business = 99 }

local function full_name(client)
  return client.name or ((client.first_name or "") .. " " .. (client.last_name or ""))
end

local function plan_of(amount)
  local best, distance
  for name, price in pairs(prices) do
    local d = math.abs(price - amount)
    if not distance or d < distance then
      best, distance = name, d
    end
  end
  return best
end

local function address(parts)
  local lines = {}
  for _, key in ipairs { "street", "zip", "city", "country" } do
    local value = parts[key]
    if value and value ~= "" then
      lines[#lines + 1] = value
    end
  end
  return table.concat(lines, "\n")
end

on("in:/clients", function(event)
  local client = event.data
  local name = full_name(client)
  if name:match("^%s*$") then
    return print("a client without a name")
  end
  for word in name:gmatch("%a+") do
    print(string.format("%-10s %d", word, #word))
  end
  local text = address(client.address or {})
  if #text > 0 then
    print(name .. "\n" .. text)
  else
    print(name)
  end
end)

on("in:/payments", function(event)
  local amount = tonumber(event.data.amount)
  if not amount then
    error("payment " .. tostring(event.id) .. " has no amount")
  end
  print("the plan is " .. plan_of(amount))
end)
