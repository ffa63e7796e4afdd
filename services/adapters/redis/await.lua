#!lua
-- KEYS  1 head   ARGV  1 epoch   2 the offset that readers wait for
-- Which run of the server was told is noted: one that was started anew, perhaps from a backup, has not been told.
-- Returns "told", or "fenced" (epoch is not the present one).

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 'fenced' end
redis.call('HSET', KEYS[1], 'until', ARGV[2], 'run', string.match(redis.call('INFO', 'server'), 'run_id:(%S+)'))
return 'told'
