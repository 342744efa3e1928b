/** From what the network gives to a label map of the picture's own size, as Python's `label_map` does it. */

import { SegwrightError } from "./errors.js";
import { linear, pick } from "./resample.js";

/**
 * @param {{data: Uint8Array | Int32Array | BigInt64Array | Float32Array, dims: readonly number[]}} output the first of
 *   (N, H, W) labels, which are brought back by nearest neighbour, or of (N, C, H, W) scores, which are brought back
 *   bilinearly before the best is taken
 * @param {import("./preprocessing.js").Step[]} steps what preprocessing did
 * @returns {{labelMap: Uint8Array | Int32Array, width: number, height: number}} int32 where an id exceeds 255
 */
export function restored({ data, dims }, steps) {
  const [height, width] = dims.slice(-2);
  const size = { width, height };
  const pixels = width * height;
  if (dims.length === 3) return asLabels(back(ids(data.subarray(0, pixels)), size, steps, nearest));
  if (dims.length !== 4) {
    throw new SegwrightError(
      `The model gives an array of ${dims.length} axes instead of labels or scores; export again.`,
    );
  }
  let best = null;
  for (let id = 0; id < dims[1]; id += 1) {
    const scores = data.subarray(id * pixels, (id + 1) * pixels);
    const { plane, ...after } = back(scores, size, steps, linear);
    best ??= { ...after, plane: new Int32Array(plane.length), highest: plane.slice() };
    for (let i = 0; i < plane.length; i += 1) {
      if (plane[i] > best.highest[i]) {
        best.highest[i] = plane[i];
        best.plane[i] = id;
      }
    }
  }
  return asLabels(best);
}

const ids = (data) => (data instanceof BigInt64Array ? Int32Array.from(data, Number) : new Int32Array(data));

/** The pixel whose area holds the new pixel's centre. */
const nearest = (plane, from, to) =>
  pick(plane, from, to, (index, before, after) => Math.floor(((2 * index + 1) * before) / (2 * after)));

/** Through the steps in reverse. */
function back(plane, size, steps, resample) {
  for (const { kind, width, height } of steps.toReversed()) {
    const before = { width, height };
    plane = kind === "resized" ? resample(plane, size, before) : cropped(plane, size, before);
    size = before;
  }
  return { plane, ...size };
}

function cropped(plane, from, to) {
  return pick(plane, from, to, (index) => index);
}

function asLabels({ plane, width, height }) {
  const fits = plane.every((id) => id >= 0 && id < 256);
  return { labelMap: fits ? new Uint8Array(plane) : plane, width, height };
}
