#!lua
-- Whether a part is listed and not there. Reads only. Both keys are declared, so while their slot moves the call waits until
-- one node has what there is of them.
--
-- KEYS  1 names (set)   2 the part   ARGV  1 its name   Returns 1 or 0.

return redis.call('SMISMEMBER', KEYS[1], ARGV[1])[1] == 1 and redis.call('EXISTS', KEYS[2]) == 0 and 1 or 0
