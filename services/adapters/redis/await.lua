#!lua
-- KEYS  1 head   ARGV  1 epoch   2 the offset that readers wait for
-- Returns "told", or "fenced" (epoch is not the present one, or was raised at another keeper: keeper.lua).

local head = redis.call('HMGET', KEYS[1], 'epoch', 'run')
if head[1] ~= ARGV[1] or head[2] ~= nameKeeper() then return 'fenced' end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
return 'told'
