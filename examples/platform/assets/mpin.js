// M-Pin in a browser: key pair, token, the two messages of a login, and signatures. No dependencies.
//
// The arithmetic takes a time that depends on the numbers, as BigInt does. That is good enough for development.

// The prime of the field, and the order of the groups.
const P = 0x2400000008702a0db0bddf647a6366d3243fd6ee18093ee1be6623ef5c1b55b3n;
const R = 0x2400000008702a0db0bddf647a6366d2c43fd6ee0cc906cebe11c0a636eb1f6dn;

const mod = (a, m) => ((a % m) + m) % m;

function power(base, exponent) {
  let result = 1n;
  for (base = mod(base, P); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}

// By Euclid's algorithm.
function inverse(a, m) {
  let [r, s, x, y] = [mod(a, m), m, 1n, 0n];
  while (r > 0n) {
    const quotient = s / r;
    [r, s, x, y] = [s - quotient * r, r, y - quotient * x, x];
  }
  return mod(y, m);
}

// The field of the first group.
const F1 = {
  zero: 0n,
  one: 1n,
  add: (a, b) => mod(a + b, P),
  subtract: (a, b) => mod(a - b, P),
  multiply: (a, b) => mod(a * b, P),
  inverse: (a) => inverse(a, P),
  isZero: (a) => a === 0n,
};

// The field of the second group: pairs of a real and an imaginary part, with i² = -1.
const F2 = {
  zero: [0n, 0n],
  one: [1n, 0n],
  add: ([a, b], [c, d]) => [mod(a + c, P), mod(b + d, P)],
  subtract: ([a, b], [c, d]) => [mod(a - c, P), mod(b - d, P)],
  multiply: ([a, b], [c, d]) => [mod(a * c - b * d, P), mod(a * d + b * c, P)],
  inverse: ([a, b]) => {
    const norm = inverse(a * a + b * b, P);
    return [mod(a * norm, P), mod(-b * norm, P)];
  },
  isZero: ([a, b]) => a === 0n && b === 0n,
};

// Points are [X, Y, Z] in Jacobian coordinates; Z is zero for the neutral element.
function double(field, [x, y, z]) {
  const { add, subtract, multiply } = field;
  const a = multiply(x, x);
  const b = multiply(y, y);
  const c = multiply(b, b);
  const half = multiply(x, b);
  const d = add(add(half, half), add(half, half));
  const e = add(a, add(a, a));
  const newX = subtract(multiply(e, e), add(d, d));
  const c4 = add(add(c, c), add(c, c));
  const yz = multiply(y, z);
  return [newX, subtract(multiply(e, subtract(d, newX)), add(c4, c4)), add(yz, yz)];
}

function sum(field, one, other) {
  const { subtract, multiply, add, isZero } = field;
  const [[x1, y1, z1], [x2, y2, z2]] = [one, other];
  if (isZero(z1)) return other;
  if (isZero(z2)) return one;
  const [zz1, zz2] = [multiply(z1, z1), multiply(z2, z2)];
  const [u1, u2] = [multiply(x1, zz2), multiply(x2, zz1)];
  const [s1, s2] = [multiply(y1, multiply(z2, zz2)), multiply(y2, multiply(z1, zz1))];
  const [h, r] = [subtract(u2, u1), subtract(s2, s1)];
  if (isZero(h)) return isZero(r) ? double(field, one) : [field.one, field.one, field.zero];
  const hh = multiply(h, h);
  const hhh = multiply(h, hh);
  const v = multiply(u1, hh);
  const x = subtract(subtract(multiply(r, r), hhh), add(v, v));
  const y = subtract(multiply(r, subtract(v, x)), multiply(s1, hhh));
  return [x, y, multiply(h, multiply(z1, z2))];
}

function times(field, point, factor) {
  let result = [field.one, field.one, field.zero];
  for (const bit of factor.toString(2)) {
    result = double(field, result);
    if (bit === "1") result = sum(field, result, point);
  }
  return result;
}

const negated = ([x, y, z]) => [x, mod(-y, P), z];

function affine(field, [x, y, z]) {
  const { multiply } = field;
  const by = field.inverse(z);
  const square = multiply(by, by);
  return [multiply(x, square), multiply(y, multiply(by, square))];
}

// Bytes and text.
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const number = (bytes) => BigInt("0x" + (hexOf(bytes) || "0"));
const digits = (value) => value.toString(16).padStart(64, "0");

function writeG1(point) {
  if (point[2] === 0n) throw new Error("the neutral element is no message");
  return "04" + affine(F1, point).map(digits).join("");
}

function readG1(hex) {
  if (!/^04[0-9a-f]{128}$/i.test(hex)) throw new Error("this is no point");
  const [x, y] = [BigInt("0x" + hex.slice(2, 66)), BigInt("0x" + hex.slice(66))];
  if (x >= P || y >= P || mod(y * y - x * x * x - 2n, P) !== 0n) throw new Error("this is no point of the curve");
  return [x, y, 1n];
}

const writeG2 = (point) => affine(F2, point).flat().map(digits).join("");

// The generator of the second group.
const G2 = [
  [
    0x19682d2c7053b256358b2500f5c34bbb907c85bfa03e2726c0851ceee4d2ec74n,
    0x1466b9ec3e19f64aa011c937a8e99743f81b97b0c209c30f47a58e8b2e29cfe1n,
  ],
  [
    0x0a79edd972332b8dd81e22157daee2096361b33d847ec1b30cfbfcebcf0be09fn,
    0x06160c39ecc4c09035c6e4512d8d3461c2864ea569d2edebed904b228898ee9dn,
  ],
  F2.one,
];

// SHA-256 (FIPS 180-4). A page on a plain http address of the local network has no crypto.subtle.
const primes = [];
for (let candidate = 2; primes.length < 64; candidate++) {
  if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
}
// The first 32 bits of the fractional part of a root.
function fraction(prime, root) {
  const scaled = BigInt(prime) << BigInt(32 * root);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(root) <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}
const ROUND = primes.map((prime) => fraction(prime, 3));
const START = primes.slice(0, 8).map((prime) => fraction(prime, 2));
const turn = (word, by) => (word >>> by) | (word << (32 - by));

export function sha256(message) {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const padded = new Uint8Array(length);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(length - 4, message.length << 3);
  const state = START.slice();
  const words = new Int32Array(64);
  for (let block = 0; block < length; block += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        words[i] = view.getInt32(block + 4 * i);
      } else {
        const [a, b] = [words[i - 15], words[i - 2]];
        const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
        const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
        words[i] = words[i - 16] + s0 + words[i - 7] + s1;
      }
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const choice = (e & f) ^ (~e & g);
      const t1 = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + ROUND[i] + words[i]) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
      [a, b, c, d, e, f, g, h] = [(t1 + t2) | 0, a, b, c, (d + t1) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) | 0));
  }
  const result = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => result.setInt32(4 * i, word));
  return new Uint8Array(result.buffer);
}

// The point that an M-Pin id and its public key map to.
function pointOf(mpinId, publicKey) {
  let x = mod(number(sha256(bytesOf(mpinId + (publicKey ?? "")))), P);
  for (; ; x = mod(x + 1n, P)) {
    const square = mod(x * x * x + 2n, P);
    const y = power(square, (P + 1n) / 4n);
    if (mod(y * y, P) === square) return [x, y % 2n === 0n ? y : mod(-y, P), 1n];
  }
}

function randomScalar() {
  for (;;) {
    const scalar = mod(number(crypto.getRandomValues(new Uint8Array(48))), R);
    if (scalar > 0n) return scalar;
  }
}

const pinOf = (pin) => BigInt(parseInt(pin, 10) % 1000000);

// Makes a key pair. The secret is needed until the token is made, and then forgotten.
export function keyPair(secret = randomScalar()) {
  return { secret, publicKey: writeG2(times(F2, G2, inverse(secret, R))) };
}

// Makes the token of both shares: the secret, without the PIN.
export function makeToken(mpinId, keys, shares, pin) {
  const [first, second] = shares.map(readG1);
  let secret = sum(F1, first, second);
  if (keys) secret = times(F1, secret, keys.secret);
  const point = pointOf(mpinId, keys?.publicKey);
  return writeG1(sum(F1, secret, negated(times(F1, point, pinOf(pin)))));
}

// Begins a proof: U is its first message.
export function begin({ mpinId, publicKey }, x = randomScalar()) {
  return { x, U: writeG1(times(F1, pointOf(mpinId, publicKey), x)) };
}

// Returns the second message of a proof, which answers y.
export function answer({ mpinId, publicKey, token }, { x }, y, pin) {
  const secret = sum(F1, readG1(token), times(F1, pointOf(mpinId, publicKey), pinOf(pin)));
  return writeG1(negated(times(F1, secret, mod(x + BigInt("0x" + y), R))));
}

// Signs a message, given in hexadecimal digits.
export function sign(identity, message, timestamp, pin, x = randomScalar()) {
  const begun = begin(identity, x);
  const time = new Uint8Array(timestamp === 0 ? 0 : 4);
  if (timestamp !== 0) new DataView(time.buffer).setUint32(0, timestamp % 0x100000000);
  const y = mod(number(sha256(bytesOf(hexOf(time) + begun.U + message))), R);
  return { u: begun.U, v: answer(identity, begun, digits(y), pin) };
}
