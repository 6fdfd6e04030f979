-- Everything whose text or order could differ from one execution to the next.
local acme = require "acme"
local shapes = require "shapes"

local function show(name, ...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
  print(name .. ": " .. table.concat(out, " "))
end

local function keys(t)
  local out = {}
  for key, value in pairs(t) do out[#out + 1] = tostring(key) .. "=" .. tostring(value) end
  return table.concat(out, " ")
end

local function orders()
  local t = {}
  for i = 1, 60 do t["key" .. (i * 37) % 101] = i end
  for i = 1, 60, 3 do t["key" .. (i * 37) % 101] = nil end
  for i = 1, 9 do t["key" .. i] = i end
  t[true], t[1.5], t[-1], t[0], t[2 ^ 40], t[print], t[{}] = 1, 2, 3, 4, 5, 6, 7
  show("pairs", keys(t))
  for key in pairs(t) do t[key] = nil end
  t.again = 1
  show("emptied", keys(t), next(t))
  show("mixed", keys { 1, 2, nil, 4, a = 1, [10] = "ten", [3] = "three" })
  for _, library in ipairs { math, string, table, text, time, acme, acme.contacts } do show("members", keys(library)) end
  show("globals", keys(_G))
end

local function holes()
  for _, t in ipairs { { 1, nil, 3 }, { nil, nil, 3 }, { 1, 2, nil, nil }, { n = 1, nil }, { 1, nil, 3, nil, 5, nil } } do
    show("holes", #t, table.maxn(t), table.getn(t), keys(t))
  end
  local t = {}
  for i = 1, 40 do t[i] = i end
  for i = 2, 40, 2 do t[i] = nil end
  show("punched", #t, table.maxn(t))
  for i = 40, 30, -1 do table.remove(t, i) end
  t[#t + 1] = "end"
  show("refilled", #t, keys(t))
end

local function sorts()
  local t = {}
  for i = 1, 200 do t[i] = { rank = i % 3, at = i } end
  table.sort(t, function(a, b) return a.rank < b.rank end)
  local out = {}
  for i, v in ipairs(t) do out[i] = v.at end
  show("stable", table.concat(out, ","))
  local asked = 0
  table.sort(t, function() asked = asked + 1; return asked % 2 == 0 end)
  show("senseless order", asked, t[1].at, t[100].at, t[200].at)
end

local function texts()
  show("values", {}, print, show, acme, acme.contacts, acme.contacts.get, json.null, json.number "1.50", secret "key", string, nil, true)
  show("numbers", 1 / 3, 1e15, 2 ^ 53, 2 ^ 53 + 2, 1e100, -0, 0 / 0, 1 / 0, 1250000.5, 1e-7, 100, 3.0)
  show("format", string.format("%s %d %5.2f %g %x %q %s", {}, 3.7, math.pi, 1e20, 255, "a\nb", print))
  show("joined", 1250000.5 .. "|" .. 2 ^ 53 .. "|" .. 1e300)
  show("math", math.sin(1), math.exp(1), math.sqrt(2), math.fmod(7, 3), math.floor(-1.5), math.pow(2, 0.5))
  show("json", json.encode { b = 1, a = { 1, 2 }, [shapes.name] = true, nested = { z = 1, y = 2, x = 3 } })
  show("decoded", keys(json.decode '{"z":1,"a":2,"m":[1,2,{}],"b":null}'))
  show("texts", text.slug "Élan Vital & Söhne", text.trim "  x ", json.encode(text.split("a,b,,c", ",")), text.template("{{a}}-{{b}}", { a = 1, b = 2 }))
  show("csv", text.csv { { "a", "b" }, { 1, "x,y" } }, keys(text.csv "a,b\n1,2\n"))
  show("money", money.add("0.1", "0.2"), money.mul("3", "1.15"))
  show("hash", hmac.sha256("k", "v"), base64.encode "hello")
  show("gsub", (("hello world"):gsub("o", { o = "0" })), ("k=v, a=b"):match "(%w+)=(%w+)")
  for _, zone in ipairs { "Europe/Paris", "America/New_York", "Asia/Kolkata", "UTC" } do
    show("zone", time.format("2026-03-29T01:30:00Z", "%Y-%m-%d %H:%M:%S %z %A %j", zone))
  end
  show("times", time.at "2026-12-01 09:00", time.after("1 month", "2027-01-31"), time.diff("2026-12-02", "2026-12-01", "hours"), time.parse("31/12/2026", "%d/%m/%Y"))
end

local mapped = map {
  name = required "name", tags = "tags", constant = const { z = 1, a = { b = 2, c = 3 } },
  kind = when({ kind = "company" }, "name"), nested = { up = function(s) return s.name:upper() end },
}

local mistakes = {
  function() local x; return x.field.more end,
  function() return event.nothing.x end,
  function() return ({}).a.b end,
  function() return pritn "x" end,
  function() return string.fromat "x" end,
  function() return acme.contacts.updte {} end,
  function() return acme.contact.get {} end,
  function() return {} + 1 end,
  function() return {} .. "x" end,
  function() return #print end,
  function() return {} < {} end,
  function() return print < 1 end,
  function() local t = {}; t[nil] = 1 end,
  function() local t = {}; for i = 1, 700 do t["name" .. i] = i end; return t.nane7() end,
  function() return ("x"):rep(-1, {}) .. nil end,
  function() return ("x"):match "(" end,
  function() return string.format("%d", print) end,
  function() return setmetatable(string, {}) end,
  function() return table.sort { 1, "a", {} } end,
  function() return table.concat { 1, {}, 3 } end,
  function() return mapped { tags = {} } end,
  function() return map { a = 5 } end,
  function() return json.decode "{\"a\":" end,
  function() return json.encode { f = print } end,
  function() return json.encode { 1, nil, 3, a = 1 } end,
  function() return time.at "soon" end,
  function() return wait "soon" end,
  function() return wait_for(shapes.name) end,
  function() return emit({}) end,
  function() return error { code = 1 } end,
  function() return error(setmetatable({}, { __tostring = function() return "mine" end })) end,
  function() return error(print) end,
  function() return assert(false) end,
  function() return os.time() end,
  function() return require("shapes").fail() end,
  function() return acme.contacts.get { contactId = "gone" } end,
}

local function fail()
  for i, f in ipairs(mistakes) do
    local _, err = pcall(f)
    show("mistake " .. i, err)
    local _, handled = xpcall(f, function(e) return type(e) == "table" and keys(e) or e end)
    show("handled " .. i, handled)
  end
end

local function steps()
  state.put("k", { z = 1, a = { b = {} }, list = json.array {}, [shapes.name] = print ~= nil })
  acme.contacts.upsert { email = "a@b", tags = { "x" }, meta = { q = 1, p = { 2, 3 }, [shapes.name] = json.null }, customFields = { { id = "f", value = {} } } }
  http.post("https://x.test", { json = { z = 1, a = 2 }, headers = { B = "1", A = "2" }, query = { y = 1, x = 2 } })
  emit("deal.won", { z = 1, a = { y = 2, b = 3 } }, { id = 7 })
  links.put("a", "1", "b", "2")
  wait "3 days"
  local e = wait_for({ "acme.contact.updated", "emit:x" }, { where = { z = 1, a = { "p", "q" } }, timeout = "1d" })
  show("event", json.encode(e))
  local d = wait_for(approval { title = "Pay?" })
  show("decision", keys(d))
  for item in each(acme.contacts.list, { limit = 2 }, { limit = 3 }) do show("item", keys(item)) end
  show("steps", time.now(), random(6), uuid())
  log.info("fields", { z = 1, a = { y = 1, x = { 3, 2, 1 } }, err = select(2, try(acme.contacts.get, { contactId = "gone" })), f = print })
end

on("acme.contact.created", { where = { z = "1", a = { "b", "c" } } }, function(event)
  show("event", keys(event), json.encode(event))
  show("params", keys(params))
  orders() holes() sorts() texts()
  show("mapped", json.encode(mapped(event.data)))
  fail() steps()
end)
