-- The key log that the preference `tls.keylog_file` names: EDHOC's lines of it (`harness/peer/keylog.py` has the labels).
-- A log may have a hundred thousand lines of which a capture needs ten, so that lines are looked for and not read.
local keys = {}
local path, text, found = nil, "", {}

local function octets(hex) return (hex:gsub("..", function(two) return string.char(tonumber(two, 16)) end)) end

-- Whether the file has grown since it was read.
local function read()
  local file = path and io.open(path, "rb")
  if not file then return false end
  local grown = file:seek("end") ~= #text
  if grown then
    file:seek("set")
    text, found = file:read("*a") or "", {}
  end
  file:close()
  return grown
end

-- Before packets are looked at: the preference may have changed.
function keys.forget()
  local known, value = pcall(get_preference, "tls.keylog_file")
  path, text, found = known and value ~= "" and value or nil, "", {}
  read()
end

local function look(wanted)
  local _, last = text:find(wanted, 1, true)
  local secret = last and text:match("^%x+", last + 1)
  return secret and #secret % 2 == 0 and octets(secret) or false
end

-- A secret by its label and the session's G_X in hex; the file is read again while it grows.
function keys.find(label, g_x)
  if not g_x then return nil end
  local wanted = label .. " " .. g_x .. " "
  if found[wanted] == nil then found[wanted] = look(wanted) end
  if not found[wanted] and read() then found[wanted] = look(wanted) end
  return found[wanted] or nil
end

return keys
