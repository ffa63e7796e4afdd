#!lua
-- Empties a shard, in turns that each hold Redis for a moment only: head first, which says so until the last. Readers wait
-- from then on until the owner has said how far the world was told.
--
-- KEYS  1 head   2 outbox   3 timers "time"   4 timers "completeness"   5 names   6.. parts to delete
-- ARGV  1 epoch   2 "begin", "parts" or "end"
-- Returns "cleared", or "fenced" (epoch is not the present one, or was raised at another keeper: keeper.lua).

local head = redis.call('HMGET', KEYS[1], 'epoch', 'run')
if head[1] ~= ARGV[1] or head[2] ~= nameKeeper() then return 'fenced' end
if ARGV[2] == 'begin' then
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  redis.call('HDEL', KEYS[1], 'outbox', 'time', 'completeness', 'names')
  redis.call('HSET', KEYS[1], 'offset', 0, 'step', 0, 'emptied', 1, 'until', '9007199254740991')
elseif ARGV[2] == 'parts' then
  for i = 6, #KEYS do redis.call('UNLINK', KEYS[i]) end
else
  redis.call('HDEL', KEYS[1], 'emptied')
end
return 'cleared'
