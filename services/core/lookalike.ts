// Letters of other scripts that look like these: whoever types "\u039dULL" with a Greek Nu means no more than who types "NULL".
// After confusables.txt of Unicode Technical Standard #39, as confusable_homoglyphs 3.3.1 (PyPI) has it: of the basic plane,
// what looks like an ASCII letter, digit or sign, small capitals among them; without Latin letters that languages write (with
// strokes or accents), and with the small letters whose capitals are on the list. What NFKC, \p{Nd} or \p{Dash} say is not here.

const LETTERS: Readonly<Record<string, string>> = {
  a: "\u0251\u0391\u03b1\u0410\u0430\u13aa\u15c5\ua4ee",
  b: "\u0253\u0299\u0392\u03b2\u0411\u0412\u042c\u0432\u0462\u0463\u048c\u048d\u13cf\u13f4\u13fc\u1472\u1473\u15af\u15f7\ua4d0\ua7b4",
  c: "\u0421\u0441\u04aa\u04ab\u13df\u1d04\u2ca4\u2ca5\ua4da\uabaf",
  d: "\u0256\u0257\u0501\u13a0\u13e7\u146f\u15de\u15ea\u1d05\ua4d2\ua4d3\uab70",
  e: "\u0395\u03b5\u0415\u0435\u04bd\u04bf\u13ac\u1d07\u2d39\ua4f0\uab32\uab7c",
  f: "\u03dc\u03dd\u0584\u15b4\u1d6e\u1e9d\ua4dd\ua730\ua798\ua799\uab35",
  g: "\u0260\u0261\u0262\u050c\u050d\u0581\u13c0\u13f3\u13fb\u1d83\ua4d6\uab90",
  h: "\u0266\u029c\u0397\u041d\u043d\u045b\u04a2\u04bb\u04c7\u04c9\u0570\u13bb\u13c2\u13f2\u157c\u2c67\u2c8e\ua4e7\ua695\uab8b",
  i: "\u0131\u0268\u0269\u026a\u03b9\u0456\u04cf\u13a5\u1d7b\u1d7c\ua647\uab75",
  j: "\u037f\u03f3\u0408\u0458\u13ab\u148d\u1d0a\ua4d9\ua7b2\uab7b",
  k: "\u0138\u039a\u03ba\u03f0\u041a\u043a\u049a\u049e\u13e6\u16d5\u1d0b\u2c69\u2c94\u2c95\ua4d7\ua740\uabb6",
  l: "\u026b\u026d\u029f\u0399\u0406\u04c0\u13de\u14aa\u16c1\u2c92\u2cd0\u2cd1\u2d4f\ua4e1\ua4f2\uabae",
  m: "\u028d\u039c\u03bc\u03fa\u041c\u043c\u04cd\u13b7\u15f0\u16d6\u1d0d\u2c98\ua4df\uab51",
  n: "\u0272\u0273\u0274\u039d\u03b7\u03bd\u043f\u0578\u057c\u1d70\u2c9a\u2d16\ua4e0",
  o: "\u0275\u0398\u039f\u03b8\u03bf\u03c3\u041e\u043e\u0472\u0473\u04e8\u04e9\u0555\u0585\u0b20\u0d20\u1010\u101d\u10ff\u12d0\u13be\u13eb\u1d0f\u1d11\u2c9e\u2c9f\u2d31\u2d41\u2d54\u3007\ua4f3\ua74a\ua74b\uab3d\uab3e\uab74\uab8e\uabbb",
  p: "\u03a1\u03c1\u0420\u0440\u13e2\u146d\u1d18\u1d29\u1d7d\u2ca2\u2ca3\ua4d1\uabb2",
  q: "\u02a0\u051b\u0563\u0566\u2d55",
  r: "\u027c\u027d\u0280\u0433\u0493\u13a1\u13d2\u1587\u1d26\u1d72\u2c85\ua4e3\uab47\uab48\uab71\uab81\uaba2",
  s: "\u0282\u0405\u0455\u054f\u13d5\u13da\u1d74\ua4e2\ua731\uabaa",
  t: "\u03a4\u03c4\u0422\u0442\u04ac\u13a2\u1d1b\u1d75\u2ca6\ua4d4\uab72",
  u: "\u028b\u03c5\u054d\u057d\u1200\u13cc\u144c\u1d1c\u1d7e\ua4f4\ua79f\uab4e\uab52\uab9c",
  v: "\u0474\u0475\u13d9\u142f\u1d20\u2d38\ua4e6\ua6df\uaba9",
  w: "\u026f\u03c9\u0461\u047d\u051c\u051d\u0561\u13b3\u13d4\u1d21\ua4ea\ua761\uab83",
  x: "\u03a7\u03c7\u0425\u0445\u04b2\u1541\u157d\u16b7\u2cac\u2d5d\ua4eb\ua7b3",
  y: "\u0263\u028f\u03a5\u03b3\u0423\u0443\u04ae\u04af\u04b0\u04b1\u10e7\u13a9\u13bd\u1d8c\u1eff\u2ca8\ua4ec\uab5a",
  z: "\u0290\u0396\u03b6\u13c3\u1d22\u1d76\ua4dc\uab93",
  ".": "\u3002\ua4f8\ua60e",
  "/": "\u1735\u2041\u2044\u2215\u2571\u27cb\u29f6\u29f8\u2cc6\u3033\u30ce\u31d3\u4e3f",
  2: "\u03e8\u14bf\ua644\ua6ef\ua75a",
  3: "\u0417\u04e0\u2ccc\ua76a\ua7ab",
  4: "\u13ce",
  6: "\u0431\u13ee\u2cd2",
  9: "\u2cca\ua76e",
};

/** Small letters that look like one letter, and whose capitals look like another: read as the capital, then as the small one. */
const AS_SMALL: Readonly<Record<string, string>> = { h: "\u03b7", u: "\u03bc", v: "\u03bd", y: "\u03c5" };

type Reading = ReadonlyMap<string, string>;

function listPairs(table: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(table).flatMap(([look, others]) =>
    Array.from(others, (other): [string, string] => [other, look]),
  );
}

const READINGS: readonly Reading[] = [
  new Map(listPairs(LETTERS)),
  new Map([...listPairs(LETTERS), ...listPairs(AS_SMALL)]),
];

const FOREIGN = /[^\0-\x7f]/;
const DASH = /\p{Dash}/gu;
const DIGIT = /\p{Nd}/gu;
/** What NFKC has left of them belongs to no letter that is written so. */
const MARK = /\p{Mn}|\p{Me}/gu;

/** Digits of any script come in tens, their zero first. */
function readDigit(digit: string): string {
  let place = 0;
  const code = digit.codePointAt(0) as number;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - place - 1))) place += 1;
  return String(place % 10);
}

export function isForeign(text: string): boolean {
  return FOREIGN.test(text);
}

/** What the text reads as in ASCII: each way to read it, blurred. */
export function listLooks(text: string): string[] {
  const plain = text.replace(MARK, "").replace(DASH, "-").replace(DIGIT, readDigit);
  return READINGS.map((reading) => {
    const read = (said: string) => Array.from(said, (letter) => reading.get(letter) ?? letter).join("");
    return blur(read(read(plain).toLowerCase().normalize("NFKC").replace(MARK, "")).trim());
  });
}

/** Letters and digits of one look (O and 0; I, l and 1) as one, in small letters. */
export function blur(text: string): string {
  return text.toLowerCase().replace(/[i1|]/g, "l").replaceAll("0", "o");
}
