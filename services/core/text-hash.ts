// Where a name goes among shards, pages and hash tags. What is stored lies by it: it never changes.

/** FNV-1a, 32 bits, over the UTF-16 units from a place on; of ASCII these are its bytes. Not for strangers: not keyed. */
export function hashText(text: string, from = 0): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
