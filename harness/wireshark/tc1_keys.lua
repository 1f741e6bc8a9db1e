-- The key log that the preference `tls.keylog_file` names: EDHOC's lines of it (`harness/peer/keylog.py` has the labels).
local keys = {}
local secrets, size, path = {}, 0, nil

local function octets(hex) return (hex:gsub("..", function(two) return string.char(tonumber(two, 16)) end)) end

local function read()
  local file = path and io.open(path, "rb")
  if not file then return false end
  local length = file:seek("end")
  if length == size then file:close() return false end
  size = length
  file:seek("set")
  for line in file:lines() do
    local label, context, secret = line:match("^(EDHOC_[%w_]+) (%x+) (%x+)%s*$")
    if label and #secret % 2 == 0 then
      context = context:lower()
      secrets[context] = secrets[context] or {}
      secrets[context][label] = octets(secret)
    end
  end
  file:close()
  return true
end

-- Before packets are looked at: the preference may have changed.
function keys.forget()
  secrets, size = {}, 0
  local known, value = pcall(get_preference, "tls.keylog_file")
  path = known and value ~= "" and value or nil
end

-- A secret by its label and the session's G_X in hex; the file is read again while it grows.
function keys.find(label, g_x)
  local function found() return g_x and secrets[g_x] and secrets[g_x][label] end
  return found() or (read() and found()) or nil
end

return keys
