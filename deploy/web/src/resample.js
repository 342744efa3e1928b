/**
 * Resampling as OpenCV does it, which models were trained and evaluated with.
 *
 * Planes are float32, rows first. Linear interpolation gives the bits that OpenCV 5 gives with Intel's IPP (a fused
 * a + (b - a) t along rows, then along columns); without IPP, OpenCV's own differ in the fourth decimal of 255.
 */

const CUBIC = -0.75; // Keys' parameter, as OpenCV has it

/** @typedef {{width: number, height: number}} Size */

/** @type {Record<string, (plane: Float32Array, from: Size, to: Size) => Float32Array>} */
export const INTERPOLATIONS = {
  NEAREST: (plane, from, to) =>
    pick(plane, from, to, (index, before, after) => Math.floor(index * (1 / (after / before)))),
  LINEAR: linear,
  CUBIC: cubic,
};

/**
 * Take pixels as they are.
 * @template {Float32Array | Uint8Array | Int32Array} Plane
 * @param {Plane} plane
 * @param {Size} from
 * @param {Size} to
 * @param {(index: number, before: number, after: number) => number} source index before, for an index after
 * @returns {Plane}
 */
export function pick(plane, from, to, source) {
  const places = (before, after) =>
    Array.from({ length: after }, (_, i) => Math.min(source(i, before, after), before - 1));
  const columns = Int32Array.from(places(from.width, to.width));
  const picked = new plane.constructor(to.width * to.height);
  let at = 0;
  for (const row of places(from.height, to.height)) {
    const start = row * from.width;
    for (const column of columns) picked[at++] = plane[start + column];
  }
  return picked;
}

/** Between pixel centres. */
export function linear(plane, from, to) {
  const columns = linearPlaces(from.width, to.width);
  const rows = new Float32Array(to.width * from.height);
  let at = 0;
  for (let start = 0; start < plane.length; start += from.width) {
    for (let x = 0; x < to.width; x += 1) {
      const left = plane[start + columns.first[x]];
      rows[at++] = left + Math.fround(plane[start + columns.second[x]] - left) * columns.share[x];
    }
  }
  const { first, second, share } = linearPlaces(from.height, to.height);
  const resampled = new Float32Array(to.width * to.height);
  at = 0;
  for (let y = 0; y < to.height; y += 1) {
    const above = first[y] * to.width;
    const below = second[y] * to.width;
    for (let x = 0; x < to.width; x += 1) {
      const top = rows[above + x];
      resampled[at++] = top + Math.fround(rows[below + x] - top) * share[y];
    }
  }
  return resampled;
}

/** The two neighbours of each new pixel, and the second's share. */
function linearPlaces(before, after) {
  const places = { first: new Int32Array(after), second: new Int32Array(after), share: new Float32Array(after) };
  for (let i = 0; i < after; i += 1) {
    const centre = Math.min(Math.max((i + 0.5) * (before / after) - 0.5, 0), before - 1);
    places.first[i] = Math.floor(centre);
    places.second[i] = Math.min(places.first[i] + 1, before - 1);
    places.share[i] = centre - places.first[i];
  }
  return places;
}

/** Cubic convolution over four pixels (Keys, 1981, https://doi.org/10.1109/TASSP.1981.1163711). */
function cubic(plane, from, to) {
  const columns = cubicPlaces(from.width, to.width);
  const rows = new Float32Array(to.width * from.height);
  let at = 0;
  for (let start = 0; start < plane.length; start += from.width) {
    for (let x = 0; x < 4 * to.width; x += 4) {
      let sum = 0;
      for (let tap = x; tap < x + 4; tap += 1) sum += plane[start + columns.index[tap]] * columns.weight[tap];
      rows[at++] = sum;
    }
  }
  const { index, weight } = cubicPlaces(from.height, to.height);
  const resampled = new Float32Array(to.width * to.height);
  at = 0;
  for (let y = 0; y < 4 * to.height; y += 4) {
    for (let x = 0; x < to.width; x += 1) {
      let sum = 0;
      for (let tap = y; tap < y + 4; tap += 1) sum += rows[index[tap] * to.width + x] * weight[tap];
      resampled[at++] = sum;
    }
  }
  return resampled;
}

/** Four neighbours of each new pixel, and their weights. */
function cubicPlaces(before, after) {
  const places = { index: new Int32Array(4 * after), weight: new Float32Array(4 * after) };
  for (let i = 0; i < after; i += 1) {
    const centre = (i + 0.5) * (before / after) - 0.5;
    const first = Math.floor(centre);
    for (let tap = 0; tap < 4; tap += 1) {
      places.index[4 * i + tap] = Math.min(Math.max(first + tap - 1, 0), before - 1);
      places.weight[4 * i + tap] = cubicWeight(Math.abs(centre - (first + tap - 1)));
    }
  }
  return places;
}

function cubicWeight(distance) {
  if (distance <= 1) return ((CUBIC + 2) * distance - (CUBIC + 3)) * distance ** 2 + 1;
  return CUBIC * (((distance - 5) * distance + 8) * distance - 4);
}
