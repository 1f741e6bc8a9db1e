-- What a capture's octets say about EDHOC sessions in their order: which message a unit is, what it decrypts to, and
-- the frames that its records complete. It is told of each unit once; what comes of it is kept for when it is shown.
local cbor, crypto, keys, names = require("tc1_cbor"), require("tc1_crypto"), require("tc1_keys"), require("tc1_names")
local session = {}
local NEARBY = 16  -- records before and after the one that is due, where a repeated or reordered one is looked for
local MESSAGES = { I = { "message_1", "message_3" }, R = { "message_2", "message_4" } }

local function u32(number)
  return string.char(math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256)
end

-- A session of which nothing is known; `initiator` is the end (address and port) that sent its first octet.
function session.new(initiator)
  local function direction() return { messages = 0, number = 0, pending = "", opened = {} } end
  return { initiator = initiator, I = direction(), R = direction() }
end

function session.letter(of, sender) return of.initiator == sender and "I" or "R" end

local function learn(of, tvb)
  local method = cbor.read(tvb, 0, tvb:len())
  local suites = cbor.read(tvb, method.stop, tvb:len())
  local share = cbor.read(tvb, suites.stop, tvb:len())
  of.suite = names.suites[cbor.integer(suites.items[#suites.items] or suites)]
  of.g_x = cbor.content(tvb, share):bytes():tohex(true)
end

-- The part of message_2, message_3 or message_4 that is encrypted, by key log.
local function decrypted(of, name, tvb)
  local content = cbor.content(tvb, cbor.read(tvb, 0, tvb:len())):raw()
  if name == "message_2" then
    local stream, ciphertext = keys.find("EDHOC_KEYSTREAM_2", of.g_x), content:sub(of.suite.share + 1)
    return stream and #stream >= #ciphertext and crypto.xor(ciphertext, stream) or nil
  end
  local n = name:sub(-1)
  local key, iv = keys.find("EDHOC_K_" .. n, of.g_x), keys.find("EDHOC_IV_" .. n, of.g_x)
  local transcript, open = keys.find("EDHOC_TH_" .. n, of.g_x), crypto.open[of.suite.aead]
  if not (key and iv and transcript and open) then return nil end
  local associated = "\131\104Encrypt0\64\88" .. string.char(#transcript) .. transcript  -- RFC 9528 section 5.4.2
  local plaintext = open(key, iv, associated, content, of.suite.tag)
  return plaintext, plaintext == nil
end

function session.message(of, letter, tvb)
  local direction = of[letter]
  direction.messages = direction.messages + 1
  local result = { name = MESSAGES[letter][direction.messages] or "edhoc_message" }
  if result.name == "message_1" then
    pcall(learn, of, tvb)
  elseif of.suite and result.name ~= "edhoc_message" then
    local known, plaintext, wrong = pcall(decrypted, of, result.name, tvb)
    if known then result.plaintext, result.wrong = plaintext, wrong end
  end
  result.share = of.suite and of.suite.share
  return result
end

local function opened(of, letter, number, sealed)
  local key, iv = keys.find("EDHOC_RECORD_KEY_" .. letter, of.g_x), keys.find("EDHOC_RECORD_IV_" .. letter, of.g_x)
  local counter = ("\0"):rep(#iv - 4) .. u32(number)
  local associated = string.char(3) .. u32(#sealed + 1)
  return crypto.open[of.suite.aead](key, crypto.xor(iv, counter), associated, sealed, of.suite.tag)
end

-- The number under which a record opens and its plaintext: the one that is due, else one nearby.
local function located(of, letter, sealed)
  local due = of[letter].number
  local plaintext = opened(of, letter, due, sealed)
  if plaintext then return due, plaintext end
  for number = math.max(0, due - NEARBY), due + NEARBY do
    plaintext = opened(of, letter, number, sealed)
    if plaintext then return number, plaintext end
  end
end

local function cut(direction, result)
  local stream, at = direction.pending, 1
  while #stream - at >= 2 do
    local a, b, c = stream:byte(at, at + 2)
    local length = a * 65536 + b * 256 + c
    if length > names.frame_limit then
      result.problem, at = "a frame of " .. length .. " octets", #stream + 1
      break
    end
    if at + 2 + length > #stream then break end
    result.frames[#result.frames + 1] = stream:sub(at + 3, at + 2 + length)
    at = at + 3 + length
  end
  direction.pending = stream:sub(at)
  result.pending = #direction.pending
end

function session.record(of, letter, tvb)
  local direction, result = of[letter], { name = "record", due = of[letter].number, frames = {} }
  local open = of.suite and crypto.open[of.suite.aead]
  if not (open and keys.find("EDHOC_RECORD_KEY_" .. letter, of.g_x)
      and keys.find("EDHOC_RECORD_IV_" .. letter, of.g_x)) then
    direction.number = direction.number + 1
    return result
  end
  result.number, result.plaintext = located(of, letter, tvb:raw())
  result.wrong, result.again = result.plaintext == nil, direction.opened[result.number or -1]
  direction.number = math.max(direction.number, (result.number or direction.number) + 1)
  if result.plaintext and not result.again then
    direction.opened[result.number] = true
    direction.pending = direction.pending .. result.plaintext
    cut(direction, result)
  end
  return result
end

return session
