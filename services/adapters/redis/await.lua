#!lua
-- KEYS  1 head   ARGV  1 epoch   2 the offset that readers wait for
-- Returns "told", or "fenced" (epoch is not the present one, or was raised in another run of the server, or before it was a replica).

local head = redis.call('HMGET', KEYS[1], 'epoch', 'run')
local about = redis.call('INFO', 'server', 'replication')
local run = string.match(about, 'run_id:(%S+)') .. '-' .. string.match(about, 'master_replid:(%S+)')
if head[1] ~= ARGV[1] or head[2] ~= run then return 'fenced' end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
return 'told'
