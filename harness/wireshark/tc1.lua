-- Wireshark dissector of trusted connections: EDHOC over TCP with its records, and the frames of the session over both
-- bindings. Loaded by `-X lua_script:...` or from the folder of personal Lua plugins, where its neighbours must be too.
if not (package.path:find(__DIR__, 1, true)) then package.path = __DIR__ .. "/?.lua;" .. package.path end
local session, show = require("tc1_session"), require("tc1_show")
local keys, names = require("tc1_keys"), require("tc1_names")

local frames = Proto("tc1", "Trusted Connection")
local units = Proto("edhoc_tcp", "EDHOC over TCP")
local HEAD, LONGEST_UNIT, LONGEST_FIRST = 5, 65536, 16384
local TLS_TELLS = 16
local KIND = { MESSAGE = 1, ERROR = 2, RECORD = 3 }

local F = {
  message = ProtoField.string("tc1.message", "message"),
  length = ProtoField.uint32("tc1.frame.len", "len"),
  type = ProtoField.uint32("tc1.frame.type", "type", base.DEC, names.frames),
  record = ProtoField.uint32("edhoc_tcp.record", "record"),
  verified = ProtoField.bool("edhoc_tcp.verified", "tag verifies"),
  unit_length = ProtoField.uint32("edhoc_tcp.len", "len"),
  kind = ProtoField.uint8("edhoc_tcp.kind", "kind", base.DEC, names.kinds),
  error = ProtoField.int32("edhoc_tcp.error", "ERR_CODE", base.DEC, names.edhoc_errors),
}
frames.fields = { F.message, F.length, F.type, (table.unpack or unpack)(show.fields) }
frames.experts = show.experts
units.fields = { F.unit_length, F.kind, F.record, F.verified, F.error }

local streams, results = {}, {}

function units.init()
  streams, results = {}, {}
  keys.forget()
end

local function sender(pinfo) return tostring(pinfo.src) .. " " .. pinfo.src_port end

-- By both ends: when Wireshark sees packets first, it has no fields to ask for the number of a stream.
local function stream(pinfo)
  local from, to = sender(pinfo), tostring(pinfo.dst) .. " " .. pinfo.dst_port
  local ends = from < to and from .. " " .. to or to .. " " .. from
  if not streams[ends] then streams[ends] = session.new(from) end
  return streams[ends]
end

-- What was made of the next thing in this packet when it was seen first; `make` makes it. Packets are seen in order
-- once, then in any order again.
local function once(pinfo, make)
  local index = tonumber(pinfo.private["tc1"] or "0") + 1
  pinfo.private["tc1"] = tostring(index)
  local of = results[pinfo.number] or {}
  results[pinfo.number] = of
  if of[index] == nil then of[index] = make() end
  return of[index]
end

local function tell(pinfo, protocol, text)
  if pinfo.private["tc1 told"] then
    pinfo.cols.info:append(", " .. text)
  else
    pinfo.private["tc1 told"] = "yes"
    pinfo.cols.protocol:set(protocol)
    pinfo.cols.info:set(text)
  end
end

-- Gives `take` each item of a stream, by where it begins and the length after its first `size` octets, which say it. An
-- item that `too_long` refuses ends the stream; one that is not complete waits for more.
local function cut(tvb, pinfo, size, too_long, take)
  local at = 0
  while at < tvb:len() do
    local left = tvb:len() - at
    local length = left >= size and tvb(at, size):uint() or nil
    if length and too_long(at, length) then return tvb:len() end
    if not length or left < size + length then
      pinfo.desegment_offset = at
      pinfo.desegment_len = length and size + length - left or DESEGMENT_ONE_MORE_SEGMENT
      return tvb:len()
    end
    take(at, length)
    at = at + size + length
  end
  return at
end

-- Frames ------------------------------------------------------------------------------------------------------------

local function name_of(type, letter)
  if not type then return "no frame" end
  if names.frames[type] then return names.frames[type] .. "_" .. letter end
  return "frame of type " .. type
end

-- `length` is where its length stands, if that is in a Tvb of the same packet.
local function frame(tvb, letter, pinfo, tree, length)
  local type = show.frame_type(tvb)
  local view = { name = name_of(type, letter) }
  local branch = tree:add(frames, tvb(), "Frame " .. view.name)
  branch:add(F.message, tvb(), view.name)
  if length then branch:add(F.length, length) end
  if type then branch:add(F.type, tvb(), math.min(type, 2 ^ 32 - 1)) end
  show.message(view, tvb, branch)
  local words = #view.words > 0 and " (" .. table.concat(view.words, ", ") .. ")" or ""
  branch:append_text(words)
  tell(pinfo, "TC1", view.name .. words)
end

-- The service sends the first frame (SES-01), unless the port says which end is which.
local function letter_over_tls(pinfo)
  if pinfo.dst_port == names.port then return "I" end
  if pinfo.src_port == names.port then return "R" end
  local of = stream(pinfo)
  of.responder = of.responder or sender(pinfo)
  return of.responder == sender(pinfo) and "R" or "I"
end

function frames.dissector(tvb, pinfo, tree)
  local letter = letter_over_tls(pinfo)
  return cut(tvb, pinfo, 3, function(at, length)
    if length <= names.frame_limit then return false end
    show.problem(tree:add(frames, tvb(at)), "a frame of " .. length .. " octets")
    return true
  end, function(at, length)
    if length > 0 then frame(tvb(at + 3, length):tvb(), letter, pinfo, tree, tvb(at, 3)) end
  end)
end

-- Units -------------------------------------------------------------------------------------------------------------

local function message(of, letter, tvb, pinfo, branch)
  local view = once(pinfo, function() return session.message(of, letter, tvb) end)
  local part = branch:add(frames, tvb(), view.name)
  part:add(F.message, tvb(), view.name)
  show.message(view, tvb, part)
  tell(pinfo, "EDHOC", view.name)
end

local function edhoc_error(tvb, pinfo, branch)
  local code = show.error_code(tvb)
  if code then branch:add(F.error, tvb(), math.max(-2 ^ 31, math.min(code, 2 ^ 31 - 1))) end
  show.message({ name = "edhoc_error" }, tvb, branch)
  tell(pinfo, "EDHOC", "error " .. (names.edhoc_errors[code] or tostring(code)))
end

local function record(of, letter, tvb, pinfo, branch)
  local known = once(pinfo, function() return session.record(of, letter, tvb) end)
  branch:add(F.record, tvb(), known.number or known.due)
  if known.plaintext or known.wrong then branch:add(F.verified, tvb(), not known.wrong) end
  if known.wrong then
    show.problem(branch, "record " .. known.due .. " does not authenticate with the keys of the log")
  elseif known.again then
    show.problem(branch, "record " .. known.number .. " once more")
  elseif known.number and known.number ~= known.due then
    show.problem(branch, "record " .. known.number .. " where " .. known.due .. " is due")
  end
  if known.problem then show.problem(branch, known.problem) end
  if (known.pending or 0) > 0 then branch:append_text(", " .. known.pending .. " octets of a frame to come") end
  if #known.frames == 0 then tell(pinfo, "TC1", "record " .. (known.number or known.due)) end
  for _, octets in ipairs(known.frames) do
    if #octets > 0 then frame(ByteArray.new(octets, true):tvb("Decrypted frame"), letter, pinfo, branch) end
  end
end

local function unit(of, letter, tvb, pinfo, tree)
  local kind = tvb(4, 1):uint()
  local branch = tree:add(units, tvb(), "EDHOC over TCP, " .. (names.kinds[kind] or "kind " .. kind))
  branch:add(F.unit_length, tvb(0, 4))
  branch:add(F.kind, tvb(4, 1))
  if tvb:len() == HEAD then return tell(pinfo, "EDHOC", "empty unit") end
  local payload = tvb(HEAD):tvb()
  if kind == KIND.MESSAGE then
    message(of, letter, payload, pinfo, branch)
  elseif kind == KIND.ERROR then
    edhoc_error(payload, pinfo, branch)
  elseif kind == KIND.RECORD then
    record(of, letter, payload, pinfo, branch)
  else
    show.problem(branch, "no such kind")
  end
end

local function cut_units(tvb, pinfo, tree)
  local of = stream(pinfo)
  local letter = session.letter(of, sender(pinfo))
  return cut(tvb, pinfo, 4, function(at, length)
    if length > 0 and length <= LONGEST_UNIT then return false end
    show.problem(tree:add(units, tvb(at)), "a unit of " .. length .. " octets")
    return true
  end, function(at, length)
    unit(of, letter, tvb(at, 4 + length):tvb(), pinfo, tree)
  end)
end

-- Both bindings may be on the same port: a unit begins with the high octet of a length below 2^24, a TLS record with 20
-- to 23, and TLS finds its streams by itself, once it sees some octets of them.
function units.dissector(tvb, pinfo, tree)
  local of, first = stream(pinfo), tvb(0, 1):uint()
  if of.tls == nil then of.tls = first >= 20 and first <= 23 end
  if not of.tls then return cut_units(tvb, pinfo, tree) end
  if tvb:len() >= TLS_TELLS then return 0 end
  pinfo.desegment_offset, pinfo.desegment_len = 0, DESEGMENT_ONE_MORE_SEGMENT
  return tvb:len()
end

-- message_1 on any port: METHOD 0 to 3 in a unit of kind 1.
local function begins(tvb, pinfo, tree)
  if tvb:len() < HEAD + 2 then return false end
  local length, kind, method = tvb(0, 4):uint(), tvb(4, 1):uint(), tvb(5, 1):uint()
  if length < 8 or length > LONGEST_FIRST or kind ~= KIND.MESSAGE or method > 3 then return false end
  units.dissector(tvb, pinfo, tree)
  pinfo.conversation = units
  return true
end

units:register_heuristic("tcp", begins)
DissectorTable.get("tcp.port"):add(names.port, units)
DissectorTable.get("tls.port"):add(names.port, frames)
DissectorTable.get("tls.alpn"):add(names.alpn, frames)
