-- CBOR items (RFC 8949) in a Tvb: where each begins and ends, and its diagnostic notation. What is no CBOR is an
-- error.
local cbor = { UINT = 0, NINT = 1, BSTR = 2, TSTR = 3, ARRAY = 4, MAP = 5, TAG = 6, SIMPLE = 7 }
local DEEPEST = 32
local LONGEST = 48  -- octets of a string, and items, that diagnostic notation shows
local SIMPLE = { [20] = "false", [21] = "true", [22] = "null", [23] = "undefined" }

-- The head at `at`: major type, argument (a UInt64 beside it where it has eight octets), and where the content begins.
local function head(tvb, at, stop)
  if at >= stop then error("an item is missing", 0) end
  local initial = tvb(at, 1):uint()
  local major, argument = math.floor(initial / 32), initial % 32
  if argument < 24 then return major, argument, nil, at + 1 end
  local length = 2 ^ (argument - 24)
  if argument > 27 then error("an indefinite or reserved length", 0) end
  if at + 1 + length > stop then error("the head of an item is cut", 0) end
  if length < 8 then return major, tvb(at + 1, length):uint(), nil, at + 1 + length end
  local wide = tvb(at + 1, 8):uint64()
  return major, wide:tonumber(), wide, at + 9
end

-- The item at `at` that ends at `stop` at the latest: `at`, `first` octet of the content, `stop`, `major`, `argument`
-- and, for arrays, maps (keys and values in turn) and tags, `items`.
function cbor.read(tvb, at, stop, depth)
  depth = depth or 0
  if depth > DEEPEST then error("nested too deep", 0) end
  local node = { at = at }
  node.major, node.argument, node.wide, node.first = head(tvb, at, stop)
  local last, count = node.first, 0
  if node.major == cbor.BSTR or node.major == cbor.TSTR then
    last = node.first + node.argument
    if last > stop then error("a string is cut", 0) end
  elseif node.major == cbor.ARRAY then
    count = node.argument
  elseif node.major == cbor.MAP then
    count = 2 * node.argument
  elseif node.major == cbor.TAG then
    count = 1
  end
  if count > stop - last then error("items are missing", 0) end
  node.items = {}
  for i = 1, count do
    node.items[i] = cbor.read(tvb, last, stop, depth + 1)
    last = node.items[i].stop
  end
  node.stop = last
  return node
end

-- The integer that an item is; nothing for other items.
function cbor.integer(node)
  if node.major == cbor.UINT then return node.argument end
  if node.major == cbor.NINT then return -1 - node.argument end
end

function cbor.content(tvb, node) return node.stop > node.first and tvb(node.first, node.stop - node.first) or nil end

local function listed(tvb, node, pairs_)
  local shown, step = {}, pairs_ and 2 or 1
  for i = 1, #node.items, step do
    if #shown == LONGEST then shown[#shown + 1] = "..." break end
    local text = cbor.text(tvb, node.items[i])
    shown[#shown + 1] = pairs_ and text .. ": " .. cbor.text(tvb, node.items[i + 1]) or text
  end
  return table.concat(shown, ", ")
end

local function string_text(tvb, node)
  local range = cbor.content(tvb, node)
  if node.major == cbor.TSTR then return '"' .. (range and range:string(ENC_UTF_8) or "") .. '"' end
  if not range then return "h''" end
  local cut = range:len() > LONGEST
  return "h'" .. (cut and range(0, LONGEST) or range):bytes():tohex(true) .. (cut and "...'" or "'")
end

-- Diagnostic notation (RFC 8949 section 8), long strings and lists cut.
function cbor.text(tvb, node)
  local major = node.major
  if major == cbor.UINT or major == cbor.NINT then
    return tostring(node.wide and major == cbor.UINT and node.wide or ("%.0f"):format(cbor.integer(node)))
  elseif major == cbor.BSTR or major == cbor.TSTR then
    return string_text(tvb, node)
  elseif major == cbor.ARRAY then
    return "[" .. listed(tvb, node) .. "]"
  elseif major == cbor.MAP then
    return "{" .. listed(tvb, node, true) .. "}"
  elseif major == cbor.TAG then
    return ("%.0f"):format(node.argument) .. "(" .. cbor.text(tvb, node.items[1]) .. ")"
  end
  return SIMPLE[node.argument] or "simple(" .. ("%.0f"):format(node.argument) .. ")"
end

return cbor
