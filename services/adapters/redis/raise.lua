#!lua
-- A new epoch of one shard, later than every earlier one also where Redis has lost those: never before the present time.
-- It holds for this keeper alone (keeper.lua): another one may lack what was read here. A head that is not there, or is another
-- keeper's (a replica that was promoted, a backup), says to readers from here on that they must wait: nobody knows yet what had
-- been published.
--
-- KEYS  1 head   ARGV  none   Returns the epoch.

local run = nameKeeper()
local now = redis.call('TIME')
local head = redis.call('HMGET', KEYS[1], 'epoch', 'run')
local known = tonumber(head[1] or '0')
if head[2] ~= run then redis.call('HSET', KEYS[1], 'until', '9007199254740991', 'run', run) end
local epoch = string.format('%.0f', math.max(known + 1, now[1] * 1000 + math.floor(now[2] / 1000)))
redis.call('HSET', KEYS[1], 'epoch', epoch)
return epoch
