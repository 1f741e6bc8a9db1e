-- AES-CCM (RFC 3610) and ChaCha20-Poly1305 (RFC 8439), because Wireshark 4.0 lends no cipher to Lua. For looking into
-- test captures alone: slow, and careless about time. Keys, nonces and octets are Lua strings.
local band, bxor, lshift, rshift, rol = bit.band, bit.bxor, bit.lshift, bit.rshift, bit.rol
local byte, char, concat, floor = string.byte, string.char, table.concat, math.floor
local unpack = table.unpack or unpack
local crypto = {}

function crypto.xor(left, right)
  local made = {}
  for i = 1, #left do made[i] = char(bxor(byte(left, i), byte(right, i))) end
  return concat(made)
end

local function padded(octets) return octets .. ("\0"):rep(-#octets % 16) end

-- AES-128 (FIPS 197) ------------------------------------------------------------------------------------------------

local S = {}

local function doubled(value)
  value = value * 2
  return value < 256 and value or bxor(value - 256, 0x1b)
end

do
  local p, q = 1, 1
  repeat  -- p runs through the powers of 3, q through those of its inverse
    p = bxor(p, doubled(p))
    q = band(bxor(q, q * 2), 255)
    q = band(bxor(q, q * 4), 255)
    q = band(bxor(q, q * 16), 255)
    if q > 127 then q = bxor(q, 9) end
    local turned = bxor(q, q * 2, q * 4, q * 8, q * 16)
    S[p] = bxor(band(bxor(turned, floor(turned / 256)), 255), 0x63)
  until p == 1
  S[0] = 0x63
end

local function expanded(key)
  local words, round = { byte(key, 1, 16) }, 1
  for i = 17, 176, 4 do
    local a, b, c, d = words[i - 4], words[i - 3], words[i - 2], words[i - 1]
    if i % 16 == 1 then
      a, b, c, d = bxor(S[b], round), S[c], S[d], S[a]
      round = doubled(round)
    end
    words[i], words[i + 1] = bxor(words[i - 16], a), bxor(words[i - 15], b)
    words[i + 2], words[i + 3] = bxor(words[i - 14], c), bxor(words[i - 13], d)
  end
  return words
end

local function encrypted(words, block)
  local state, after = { byte(block, 1, 16) }, {}
  for i = 1, 16 do state[i] = bxor(state[i], words[i]) end
  for round = 1, 10 do
    for column = 0, 12, 4 do
      local a, b = S[state[column + 1]], S[state[(column + 4) % 16 + 2]]
      local c, d = S[state[(column + 8) % 16 + 3]], S[state[(column + 12) % 16 + 4]]
      local at = round * 16 + column
      if round < 10 then
        local all = bxor(a, b, c, d)
        a, b, c, d = bxor(a, all, doubled(bxor(a, b))), bxor(b, all, doubled(bxor(b, c))),
          bxor(c, all, doubled(bxor(c, d))), bxor(d, all, doubled(bxor(d, a)))
      end
      after[column + 1], after[column + 2] = bxor(a, words[at + 1]), bxor(b, words[at + 2])
      after[column + 3], after[column + 4] = bxor(c, words[at + 3]), bxor(d, words[at + 4])
    end
    state, after = after, state
  end
  return char(unpack(state))
end

local function u16(number) return char(floor(number / 256), number % 256) end

-- The plaintext, or nothing where the tag does not verify. L is 2: the nonce has 13 octets.
local function ccm(key, nonce, aad, sealed, tag_length)
  local words, length = expanded(key), #sealed - tag_length
  if length < 0 then return nil end
  local made = {}
  for block = 1, floor((length + 15) / 16) do
    local from = block * 16 - 15
    local part = sealed:sub(from, math.min(from + 15, length))
    made[block] = crypto.xor(part, encrypted(words, "\1" .. nonce .. u16(block)))
  end
  local plaintext = concat(made)
  local flags = (#aad > 0 and 64 or 0) + (tag_length - 2) / 2 * 8 + 1
  local authenticated = (#aad > 0 and padded(u16(#aad) .. aad) or "") .. padded(plaintext)
  local mac = encrypted(words, char(flags) .. nonce .. u16(length))
  for from = 1, #authenticated, 16 do
    mac = encrypted(words, crypto.xor(mac, authenticated:sub(from, from + 15)))
  end
  local tag = crypto.xor(mac, encrypted(words, "\1" .. nonce .. "\0\0")):sub(1, tag_length)
  return tag == sealed:sub(length + 1) and plaintext or nil
end

-- ChaCha20-Poly1305 -------------------------------------------------------------------------------------------------

local function words_of(octets)
  local words = {}
  for i = 1, #octets, 4 do
    local a, b, c, d = byte(octets, i, i + 3)
    words[#words + 1] = bxor(a, lshift(b, 8), lshift(c, 16), lshift(d, 24))
  end
  return words
end

local function quarter(x, a, b, c, d)
  x[a] = bit.tobit(x[a] + x[b]); x[d] = rol(bxor(x[d], x[a]), 16)
  x[c] = bit.tobit(x[c] + x[d]); x[b] = rol(bxor(x[b], x[c]), 12)
  x[a] = bit.tobit(x[a] + x[b]); x[d] = rol(bxor(x[d], x[a]), 8)
  x[c] = bit.tobit(x[c] + x[d]); x[b] = rol(bxor(x[b], x[c]), 7)
end

local function chacha_block(key, counter, nonce)
  local start = words_of("expand 32-byte k" .. key .. char(counter % 256, floor(counter / 256), 0, 0) .. nonce)
  local x = { unpack(start) }
  for _ = 1, 10 do
    for i = 1, 4 do quarter(x, i, i + 4, i + 8, i + 12) end
    for i = 1, 4 do quarter(x, i, i % 4 + 5, (i + 1) % 4 + 9, (i + 2) % 4 + 13) end
  end
  local made = {}
  for i = 1, 16 do
    local sum = bit.tobit(x[i] + start[i])
    made[i] = char(band(sum, 255), band(rshift(sum, 8), 255), band(rshift(sum, 16), 255), rshift(sum, 24))
  end
  return concat(made)
end

-- A little-endian number in limbs of 8 bits: every product and sum stays exact in a Lua number.
local function added(sum, octets, top)
  local carry = 0
  for i = 1, 17 do
    local value = sum[i] + (i == 17 and top or byte(octets, i) or 0) + carry
    sum[i], carry = value % 256, floor(value / 256)
  end
end

local function multiplied(h, r)
  local product, carry = {}, 0
  for i = 1, 17 do
    local value = 0
    for j = 1, 17 do value = value + h[j] * (j <= i and r[i - j + 1] or 320 * r[i + 18 - j]) end
    product[i] = value
  end
  for _ = 1, 2 do  -- 2^130 is 5 modulo the prime; limb 17 holds two bits of it
    for i = 1, 16 do
      local value = product[i] + carry
      product[i], carry = value % 256, floor(value / 256)
    end
    local top = product[17] + carry
    product[17], carry = top % 4, 5 * floor(top / 4)
  end
  product[1] = product[1] + carry
  return product
end

local function poly1305(key, message)
  local r, h = { byte(key, 1, 16) }, {}
  for _, i in ipairs({ 4, 8, 12, 16 }) do r[i] = band(r[i], 15) end
  for _, i in ipairs({ 5, 9, 13 }) do r[i] = band(r[i], 252) end
  r[17] = 0
  for i = 1, 17 do h[i] = 0 end
  for from = 1, #message, 16 do
    added(h, message:sub(from, from + 15), 1)
    h = multiplied(h, r)
  end
  local reduced = { unpack(h) }
  added(reduced, char(5), 0)
  if reduced[17] >= 4 then h = reduced end
  added(h, key:sub(17), 0)
  return char(unpack(h, 1, 16))
end

local function u64le(number)
  return char(number % 256, floor(number / 256) % 256, floor(number / 65536) % 256) .. ("\0"):rep(5)
end

local function chacha20_poly1305(key, nonce, aad, sealed, tag_length)
  local length = #sealed - tag_length
  if length < 0 then return nil end
  local ciphertext = sealed:sub(1, length)
  local authenticated = padded(aad) .. padded(ciphertext) .. u64le(#aad) .. u64le(length)
  if poly1305(chacha_block(key, 0, nonce), authenticated) ~= sealed:sub(length + 1) then return nil end
  local made = {}
  for block = 1, floor((length + 63) / 64) do
    made[block] = crypto.xor(ciphertext:sub(block * 64 - 63, block * 64), chacha_block(key, block, nonce))
  end
  return concat(made)
end

-- COSE algorithm (RFC 9053) to what opens it. -----------------------------------------------------------------------

crypto.open = { [10] = ccm, [30] = ccm, [24] = chacha20_poly1305 }

return crypto
