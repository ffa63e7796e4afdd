-- Before the scripts that ask it. Returns who keeps what this server holds, as nameKeeper of link.ts does: its run, and its line of
-- replication. A server that was a replica in between is another keeper in the same run.

local function nameKeeper()
  local about = redis.call('INFO', 'server', 'replication')
  return string.match(about, 'run_id:(%S+)') .. '-' .. string.match(about, 'master_replid:(%S+)')
end

