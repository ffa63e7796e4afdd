// What Weft may do at Redis, as its ACL says it: whoever resolves and stitches writes, whoever looks up reads, both under our
// keys alone. A script may do no more than the user who runs it, so one that somebody else has loaded opens nothing.

/** Of a cluster what tells where a key is, and whether all of it is served. */
const CONNECTING = "info quit config|get cluster|info cluster|keyslot cluster|slots".split(" ");
const READING = "exec get hmget mget multi scard smismember sscan".split(" ");
/** By ourselves, and by our scripts (*.lua). SCAN shows the names of all keys there are: what is emptied is looked for among them. BGREWRITEAOF is of the whole server (disk.ts). */
const WRITING = [
  "evalsha script|load scan bgrewriteaof",
  "del exists hdel hset mset sadd set srem time unlink",
  "xadd xlen xrange xtrim zadd zcard zrangebyscore zrem",
].flatMap((commands) => commands.split(" "));

export const REDIS_USERS = {
  writer: [...CONNECTING, ...READING, ...WRITING],
  reader: [...CONNECTING, ...READING],
} as const;
export type RedisUser = keyof typeof REDIS_USERS;

/** The rules of `ACL SETUSER`, apart from the name and the password. */
export function listRedisRules(user: RedisUser, prefix: string): string[] {
  const keys = user === "writer" ? `~${prefix}*` : `%R~${prefix}*`;
  return ["resetkeys", keys, "resetchannels", "-@all", ...REDIS_USERS[user].map((command) => `+${command}`)];
}
