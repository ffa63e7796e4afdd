#!lua
-- A new epoch of one shard, later than every earlier one also where Redis has lost those: never before the present time.
-- A head that is not there is made, and says to whoever reads of this run of the server that they must wait: nobody knows yet
-- what had been published.
--
-- KEYS  1 head   ARGV  none   Returns the epoch.

local now = redis.call('TIME')
local known = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if known == 0 then
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%S+)')
  redis.call('HSET', KEYS[1], 'until', '9007199254740991', 'run', run)
end
local epoch = string.format('%.0f', math.max(known + 1, now[1] * 1000 + math.floor(now[2] / 1000)))
redis.call('HSET', KEYS[1], 'epoch', epoch)
return epoch
