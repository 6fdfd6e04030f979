-- Runs programs with lua5.1. Reference.Run writes each to standard input, as a
-- line with its length in bytes and then its text. The answer has the same form:
-- a line with how the program ended, then what it wrote.

-- The limits, as in result.go: thousands of instructions, KiB, lines.
local maxCount, maxMemory, maxLines = 200, 64 * 1024, 1000
local lines, limited, run

-- limit ends the program that is running. The hook raises the error again at
-- every instruction, so that pcall cannot end it.
local function limit()
  limited = true
  debug.sethook(function()
    if debug.getinfo(2, "f").func == run then return debug.sethook() end
    error("over the limit", 0)
  end, "", 1)
  error("over the limit", 0)
end

local canonical
local function fields(t, depth)
  if depth > 3 then return "{...}" end
  local all = {}
  for k, v in next, t do
    all[#all + 1] = canonical(k, depth + 1) .. "=" .. canonical(v, depth + 1)
  end
  table.sort(all)
  return "{" .. table.concat(all, ",") .. "}"
end

local function number(n)
  if n ~= n then return "nan" end
  if n == math.huge then return "inf" end
  if n == -math.huge then return "-inf" end
  if n == 0 then return "0" end
  return string.format("%.14g", n)
end

function canonical(v, depth)
  local kind = type(v)
  if kind == "number" then return number(v) end
  if kind == "string" then return (string.format("%q", v):gsub("%-0([^%d.xX])", "0%1"):gsub("%-nan", "nan")) end
  if kind == "table" then return fields(v, depth) end
  if kind == "function" then return "function" end
  return tostring(v)
end

local function line(text)
  if #lines >= maxLines then limit() end
  lines[#lines + 1] = text
end

local function out(...)
  local all = { ... }
  for i = 1, select("#", ...) do all[i] = canonical(all[i], 1) end
  line(">" .. table.concat(all, " "))
end

-- msg returns an error without its position and without the interpreter's own
-- words, and writes its line.
local function msg(e)
  if type(e) ~= "string" then return e end
  local at, rest = e:match("^diff%.lua:(%d+): (.*)$")
  line("@" .. (at and not rest:match("^diff%.lua:%d+: ") and at or "?"))
  return e:match("!%a.*") or "error"
end

local caughtAny
local function noted(ok, ...)
  if not ok then
    caughtAny = true
    if ... == "not enough memory" then limit() end
  end
  return ok, ...
end

local function caught(ok, ...)
  noted(ok, ...)
  if ok then return ok, ... end
  return ok, msg((...))
end

function run(source)
  local handler
  lines, limited, caughtAny = {}, false, false
  local chunk, err = loadstring(source, "=diff.lua")
  if not chunk then return "syntax " .. err end
  local env = setmetatable({ out = out, msg = msg, caught = caught, noted = noted, on = function(_, f) handler = f end }, { __index = _G })
  env._G = env
  setfenv(chunk, env)
  local count = 0
  local function hook()
    count = count + 1
    if count > maxCount or collectgarbage("count") > maxMemory then limit() end
  end
  local ok, e = pcall(function()
    chunk()
    debug.sethook(hook, "", 1000)
    handler({})
  end)
  debug.sethook()
  if limited or e == "not enough memory" then collectgarbage(); return "limit" end
  local status = ok and "ok" or "raised " .. (type(e) == "string" and (e:match("!%a.*") or "error") or type(e))
  if caughtAny then status = status .. " caught" end
  return status .. "\n" .. table.concat(lines, "\n")
end

while true do
  local n = io.read("*n")
  if not n then break end
  io.read(1)
  local answer = run(io.read(n))
  io.write(#answer, "\n", answer)
  io.flush()
end
