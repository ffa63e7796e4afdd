// Murmur2 of a text's bytes, as Kafka's Java client places keys: 32-bit arithmetic where kafkajs goes through 64-bit
// objects, at a twentieth of the cost.

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Of ASCII text, as a signed number; null for any other text. */
export function murmur2(text: string): number | null {
  const { length } = text;
  let h = SEED ^ length;
  let beyond = 0;
  const unit = (place: number): number => {
    const code = text.charCodeAt(place);
    beyond |= code;
    return code;
  };
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word = unit(i) | (unit(i + 1) << 8) | (unit(i + 2) << 16) | (unit(i + 3) << 24);
    const mixed = Math.imul(word, M);
    h = Math.imul(h, M) ^ Math.imul(mixed ^ (mixed >>> R), M);
  }
  const rest = length & 3;
  if (rest === 3) h ^= unit(whole + 2) << 16;
  if (rest >= 2) h ^= unit(whole + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ unit(whole), M);
  h = Math.imul(h ^ (h >>> 13), M);
  return beyond > 127 ? null : h ^ (h >>> 15);
}
