#!lua
-- One step of one shard (S1): everything below happens, or nothing. The first line lets Redis refuse the whole script
-- beforehand where a write would be refused (out of memory, replica), so no step is ever torn.
--
-- KEYS  1 head (hash: epoch, the keeper at which it was raised (keeper.lua), offset, step, and how much there is of 2 to 5)
--       2 outbox (stream, id "<offset>-<step>")
--       3 timers "time"   4 timers "completeness" (sorted sets: ref by atMs)   5 names of the shard's parts (set)
--       6.. parts to set, then parts to delete
-- ARGV  1 epoch   2 3 from offset, step   4 5 to offset, step   6 oldest outbox id to keep
--       7 outbox entry ("" for none)   8 length of the part keys' common beginning   9 parts to set
--       10 11 refs to remove, from 3 and 4   12 13 timers to add, to 3 and 4; no ref is among both
--       14 parts that were not there when they were read, whether they are to be set or not
--       15.. names of those; values of the parts to set; refs to remove; timers to add as atMs, ref
-- Returns "committed", "fenced" (epoch is not the present one, or was raised at another keeper: what its owner has read, it read
-- elsewhere), "moved" (the shard does not stand at from) or "damaged" (something that was written is not there any more).

-- While the slot of a cluster moves, Redis has seen beforehand that all KEYS are here, and lets nothing touch one that is not,
-- though the script itself has just emptied it: so what may empty a key comes last, and what is left of it is not asked for.

local CHUNK = 7800 -- Lua's unpack ends near 8,000 values; even, for pairs

local head = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'step', 'outbox', 'time', 'completeness', 'names', 'emptied', 'run')
if head[1] ~= ARGV[1] or head[9] ~= nameKeeper() then return 'fenced' end
if (head[2] or '0') ~= ARGV[2] or (head[3] or '0') ~= ARGV[3] then return 'moved' end

local timers = { redis.call('ZCARD', KEYS[3]), redis.call('ZCARD', KEYS[4]) }
local parts = redis.call('SCARD', KEYS[5])
if (head[4] or '0') ~= tostring(redis.call('XLEN', KEYS[2])) or (head[5] or '0') ~= tostring(timers[1])
  or (head[6] or '0') ~= tostring(timers[2]) or (head[7] or '0') ~= tostring(parts) or head[8] then return 'damaged' end

-- Returns how many there were to add, or to take away.
local function inChunks(command, key, list, first, last)
  local changed = 0
  for at = first, last, CHUNK do
    changed = changed + redis.call(command, key, unpack(list, at, math.min(at + CHUNK - 1, last)))
  end
  return changed
end

local nameAt = tonumber(ARGV[8]) + 1
local toSet = tonumber(ARGV[9])
local firstDeleted = 6 + toSet
local at = 15

local lastAbsent = at + tonumber(ARGV[14]) - 1
for first = at, lastAbsent, CHUNK do
  local known = redis.call('SMISMEMBER', KEYS[5], unpack(ARGV, first, math.min(first + CHUNK - 1, lastAbsent)))
  for _, is in ipairs(known) do if is == 1 then return 'damaged' end end
end
at = lastAbsent + 1

if toSet > 0 then
  local pairs, names = {}, {}
  for i = 1, toSet do
    local key = KEYS[5 + i]
    pairs[2 * i - 1] = key
    pairs[2 * i] = ARGV[at]
    names[i] = string.sub(key, nameAt)
    at = at + 1
  end
  for first = 1, 2 * toSet, CHUNK do
    redis.call('MSET', unpack(pairs, first, math.min(first + CHUNK - 1, 2 * toSet)))
  end
  parts = parts + inChunks('SADD', KEYS[5], names, 1, toSet)
end

if firstDeleted <= #KEYS then
  local names = {}
  for i = firstDeleted, #KEYS do names[i - firstDeleted + 1] = string.sub(KEYS[i], nameAt) end
  for first = firstDeleted, #KEYS, CHUNK do
    redis.call('DEL', unpack(KEYS, first, math.min(first + CHUNK - 1, #KEYS)))
  end
  parts = parts - inChunks('SREM', KEYS[5], names, 1, #names)
end

local firstRemoved = at
at = at + ARGV[10] + ARGV[11]
for queue = 1, 2 do
  local count = 2 * tonumber(ARGV[11 + queue])
  timers[queue] = timers[queue] + inChunks('ZADD', KEYS[2 + queue], ARGV, at, at + count - 1)
  at = at + count
end
at = firstRemoved
for queue = 1, 2 do
  local count = tonumber(ARGV[9 + queue])
  timers[queue] = timers[queue] - inChunks('ZREM', KEYS[2 + queue], ARGV, at, at + count - 1)
  at = at + count
end

if ARGV[7] ~= '' then redis.call('XADD', KEYS[2], ARGV[4] .. '-' .. ARGV[5], 'records', ARGV[7]) end
redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[6])
redis.call('HSET', KEYS[1], 'offset', ARGV[4], 'step', ARGV[5],
  'outbox', redis.call('XLEN', KEYS[2]), 'time', timers[1], 'completeness', timers[2], 'names', parts)
return 'committed'
