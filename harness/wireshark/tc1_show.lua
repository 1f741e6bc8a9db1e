-- Fields of messages: octets against the shapes of `tc1_names.lua`, each slot a field with the specification's name.
local cbor, names = require("tc1_cbor"), require("tc1_names")
local show = { fields = {}, slots = {} }
local problem = ProtoExpert.new("tc1.problem", "Not as specified", expert.group.MALFORMED, expert.severity.WARN)
show.experts = { problem }
local WANTED = { uint = cbor.UINT, bytes = cbor.BSTR, text = cbor.TSTR }

local function field_of(name, spec)
  local abbreviation = "tc1." .. name:lower()
  if spec.register then return ProtoField.uint32(abbreviation, name, base.DEC, names.registers[spec.register]) end
  if spec.type == "uint" then return ProtoField.uint64(abbreviation, name) end
  if spec.type == "int" then return ProtoField.int32(abbreviation, name) end
  if spec.type == "bytes" then return ProtoField.bytes(abbreviation, name) end
  return ProtoField.string(abbreviation, name)
end

for name, spec in pairs(names.fields) do
  local field = field_of(name, spec)
  show.slots[name] = field
  show.fields[#show.fields + 1] = field
end

function show.problem(tree, text) tree:add_proto_expert_info(problem, text) end

local function range_of(tvb, node) return tvb(node.at, node.stop - node.at) end

local function other(view, tvb, node, tree, expected)
  local item = tree:add(range_of(tvb, node), cbor.text(tvb, node))
  if expected then show.problem(item, expected) end
end

local item, inside  -- by mutual recursion

-- A slot whose value is one CBOR item.
local function slot(view, shape, tvb, node, tree)
  local name = shape.s
  local spec, field, range = names.fields[name], show.slots[name], range_of(tvb, node)
  if shape.inner then
    local text = spec.type == "item" and cbor.text(tvb, node) or nil
    item(view, shape.inner, tvb, node, text and tree:add(field, range, text) or tree:add(field, range))
  elseif spec.type == "item" then
    tree:add(field, range, cbor.text(tvb, node))
  elseif spec.type == "int" and cbor.integer(node) and math.abs(node.argument) < 2 ^ 31 then
    tree:add(field, range, cbor.integer(node))
  elseif WANTED[spec.type] ~= node.major then
    other(view, tvb, node, tree, name .. ": expected " .. spec.type)
  elseif spec.type == "uint" and spec.register then
    tree:add(field, range, math.min(node.argument, 2 ^ 32 - 1))
    if spec.register ~= "dbgstat" then
      view.words[#view.words + 1] = names.registers[spec.register][node.argument] or tostring(node.argument)
    end
  elseif spec.type == "uint" then
    tree:add(field, range, node.wide or UInt64.new(node.argument % 2 ^ 32, math.floor(node.argument / 2 ^ 32)))
  elseif node.stop == node.first then
    tree:add(range, name .. ": empty")
  else
    tree:add(field, cbor.content(tvb, node))
  end
end

local function members(view, shape, tvb, node, tree)
  for i = 1, #node.items, 2 do
    local key, value = node.items[i], node.items[i + 1]
    local member = shape.m[cbor.integer(key)]
    if member then
      item(view, member, tvb, value, tree)
    else
      local text = cbor.text(tvb, key) .. ": " .. cbor.text(tvb, value)
      local range = tvb(key.at, value.stop - key.at)
      local added = shape.rest and tree:add(show.slots[shape.rest], range, text) or tree:add(range, text)
      if not shape.rest then show.problem(added, "no key of this map") end
    end
  end
end

-- One CBOR item.
function item(view, shape, tvb, node, tree)
  if shape.s then
    slot(view, shape, tvb, node, tree)
  elseif shape.k then
    return
  elseif shape.b and node.major == cbor.BSTR then
    inside(view, shape.b, tvb, node.first, node.stop, tree)
  elseif shape.a and node.major == cbor.ARRAY and #node.items == #shape.a then
    for i, part in ipairs(shape.a) do item(view, part, tvb, node.items[i], tree) end
  elseif shape.t and node.major == cbor.TAG then
    item(view, shape.t, tvb, node.items[1], tree)
  elseif shape.m and node.major == cbor.MAP then
    members(view, shape, tvb, node, tree)
  else
    other(view, tvb, node, tree, "another structure is expected here")
  end
end

-- CBOR items one after the other, the last slot of which may take the rest.
local function sequence(view, parts, tvb, at, stop, tree)
  for _, part in ipairs(parts) do
    if part.as == "items" then return inside(view, part, tvb, at, stop, tree) end
    local node = cbor.read(tvb, at, stop)
    item(view, part, tvb, node, tree)
    at = node.stop
  end
  if at < stop then show.problem(tree:add(tvb(at, stop - at), "further octets"), "nothing may follow") end
end

local function items_text(tvb, at, stop)
  local shown = {}
  while at < stop do
    local node = cbor.read(tvb, at, stop)
    shown[#shown + 1], at = cbor.text(tvb, node), node.stop
  end
  return table.concat(shown, ", ")
end

local function ciphertext(view, shape, tvb, at, stop, tree)
  local part = tree:add(tvb(at, stop - at), "encrypted, " .. stop - at .. " octets")
  if view.wrong then show.problem(part, "it does not authenticate with the keys of the log") end
  if not view.plaintext then return end
  if #view.plaintext == 0 then part:append_text(": nothing") return end
  local plain = ByteArray.new(view.plaintext, true):tvb("Decrypted " .. view.name)
  inside(view, shape, plain, 0, plain:len(), part)
end

-- What stands inside a byte string, or is a message of its own: octets from `at` to `stop`.
function inside(view, shape, tvb, at, stop, tree)
  local range = stop > at and tvb(at, stop - at) or nil
  if shape.q then
    sequence(view, shape.q, tvb, at, stop, tree)
  elseif shape.c then
    local share = math.min(view.share or stop - at, stop - at)
    if share > 0 then inside(view, shape.c[1], tvb, at, at + share, tree) end
    inside(view, shape.c[2], tvb, at + share, stop, tree)
  elseif shape.e then
    if range then ciphertext(view, shape.e, tvb, at, stop, tree) end
  elseif shape.s and shape.as == "octets" then
    if range then tree:add(show.slots[shape.s], range) end
  elseif shape.s and shape.as == "items" then
    if range then tree:add(show.slots[shape.s], range, items_text(tvb, at, stop)) end
  else
    sequence(view, { shape }, tvb, at, stop, tree)
  end
end

-- A message by its name. `view` has its `name`, `plaintext`, whether that is `wrong`, and the `share` length of the
-- suite; it gets the `words` for the summary. Octets that are no CBOR are told as such.
function show.message(view, tvb, tree)
  view.words = {}
  local shape = names.shapes[view.name]
  if tvb:len() == 0 then return end
  local known, text = pcall(function()
    if shape then inside(view, shape, tvb, 0, tvb:len(), tree) else tree:add(tvb(), items_text(tvb, 0, tvb:len())) end
  end)
  if not known then show.problem(tree:add(tvb(), "no CBOR"), tostring(text)) end
end

-- The type of a frame; nothing where it is none.
function show.frame_type(tvb)
  local known, node = pcall(cbor.read, tvb, 0, tvb:len())
  local first = known and node.major == cbor.ARRAY and node.items[1]
  return first and first.major == cbor.UINT and first.argument or nil
end

-- The code of an EDHOC error message, and its name.
function show.error_code(tvb)
  local known, node = pcall(cbor.read, tvb, 0, tvb:len())
  return known and cbor.integer(node) or nil
end

return show
