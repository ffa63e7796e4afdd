// Which partition a key belongs to: murmur2 over its UTF-8 bytes, as Java's default partitioner and kafkajs have it,
// so that a shop that moves from here to Kafka finds every key where it was.

/** 32-bit murmur2 with Kafka's seed. */
export function hashKey(key: string): number {
  const bytes = Buffer.from(key, "utf8");
  const wordsEnd = bytes.length & ~3;
  let hash = 0x9747b28c ^ bytes.length;
  for (let at = 0; at < wordsEnd; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), 0x5bd1e995);
    word = Math.imul(word ^ (word >>> 24), 0x5bd1e995);
    hash = Math.imul(hash, 0x5bd1e995) ^ word;
  }
  const left = bytes.length - wordsEnd;
  if (left > 0) {
    for (let at = left - 1; at >= 0; at--) hash ^= bytes.readUInt8(wordsEnd + at) << (8 * at);
    hash = Math.imul(hash, 0x5bd1e995);
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return hash ^ (hash >>> 15);
}

export function partitionOfKey(key: string, partitions: number): number {
  return (hashKey(key) & 0x7fffffff) % partitions;
}
