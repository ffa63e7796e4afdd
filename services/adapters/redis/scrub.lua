#!lua
-- Looks whether the parts of a shard that are listed are there, a few at a time. Reads only.
--
-- KEYS  1 names (set)   ARGV  1 cursor ("0" at first)   2 common beginning of the part keys   3 about how many
-- Returns the next cursor ("0" at the end), and the name of one that is not there (false: none).
-- The part keys are not declared: they have the hash tag of KEYS[1], so they are at the same node, unless their slot moves.
-- Then one is not found, or may not be looked for: whether it is lost says lost.lua.

local found = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[3])
for _, name in ipairs(found[2]) do
  if redis.pcall('EXISTS', ARGV[2] .. name) ~= 1 then return { found[1], name } end
end
return { found[1], false }
