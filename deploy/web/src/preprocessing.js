/** From a picture to what the network takes, as Python's `Preprocessing` does it, in float32. */

import { SegwrightError } from "./errors.js";
import { INTERPOLATIONS } from "./resample.js";
import * as sizes from "./sizes.js";

/**
 * @typedef {import("./resample.js").Size} Size
 * @typedef {{kind: "resized" | "padded", width: number, height: number}} Step size before it; padding is at right and
 *   bottom
 * @typedef {{width: number, height: number, planes: Float32Array[], steps: Step[]}} Image channels apart, rows first
 */

/** What each transform takes (with the defaults), and what it does: `(arguments) => (image) => image`. */
const TRANSFORMS = {
  Normalize: [{ mean: [0.5], std: [0.5] }, normalize],
  Resize: [
    { target_size: [512, 512], keep_ratio: false, size_divisor: null, interp: "LINEAR" },
    (options) => resizing(sizes.fitting(options), options.interp),
  ],
  ResizeByLong: [{ long_size: null }, ({ long_size }) => resizing(sizes.byLong(long_size))],
  ResizeByShort: [
    { short_size: null, max_size: 1e10 },
    ({ short_size, max_size }) => resizing(sizes.byShort([short_size].flat(), max_size)),
  ],
  ResizeRangeScaling: [
    { min_value: 400, max_value: 600 },
    ({ min_value, max_value }) => resizing(sizes.byLong(sizes.same("ResizeRangeScaling", min_value, max_value))),
  ],
  ResizeStepScaling: [
    { min_scale_factor: 0.75, max_scale_factor: 1.25, scale_step_size: 0.25 },
    ({ min_scale_factor, max_scale_factor }) =>
      resizing(sizes.byFactor(sizes.same("ResizeStepScaling", min_scale_factor, max_scale_factor))),
  ],
  LimitLong: [{ max_long: null, min_long: null }, (limits) => resizing(sizes.limitedLong(limits))],
  LimitShort: [{ max_short: null, min_short: null }, (limits) => resizing(sizes.limitedShort(limits))],
  Padding: [
    { target_size: null, im_padding_value: 127.5, label_padding_value: 255 },
    ({ target_size, im_padding_value }) => padding(sizes.canvas(target_size), im_padding_value),
  ],
  PaddingByAspectRatio: [
    { aspect_ratio: 1, im_padding_value: 127.5, label_padding_value: 255 },
    ({ aspect_ratio, im_padding_value }) => padding(sizes.withRatio(aspect_ratio), im_padding_value),
  ],
  ReverseChannels: [{}, () => (image) => ({ ...image, planes: image.planes.toReversed() })],
  AddEdgeLabel: [{ edge_size: 4 }, forLabels],
  AddMultiLabelAuxiliaryCategory: [{}, forLabels],
  GenerateInstanceTargets: [{ num_classes: null, ignore_index: 255 }, forLabels],
};

/**
 * @param {import("../types/index.js").Manifest} manifest
 * @param {string} where its address, to begin messages with
 * @returns {(rgba: {width: number, height: number, data: Uint8ClampedArray}) => Image}
 */
export function preprocessing({ transforms, toRgb, channels }, where) {
  if (![1, 3].includes(channels)) {
    throw new SegwrightError(
      `${where}: the model takes pictures of ${channels} channels, and browsers read three only.`,
    );
  }
  const chain = transforms.map((block, index) => {
    try {
      return transform(block);
    } catch (error) {
      throw new SegwrightError(`${where}: transforms[${index}]: ${error.message}`);
    }
  });
  return (rgba) => chain.reduce((image, apply) => apply(image), planar(rgba, toRgb, channels));
}

function transform({ type, ...given }) {
  if (!Object.hasOwn(TRANSFORMS, type)) {
    throw new SegwrightError(
      `${type} is not among what a page computes as Python does (${Object.keys(TRANSFORMS).join(", ")}): name other ` +
        "transforms in the configuration's export.transforms, and export again.",
    );
  }
  const [defaults, make] = TRANSFORMS[type];
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(defaults, name));
  if (unknown.length) throw new SegwrightError(`${type} has no argument ${unknown.join(", ")}; export again.`);
  return make({ ...defaults, ...given });
}

/** R, G, B, A bytes -> planes in the order and number that the model takes; transparency is ignored. */
function planar({ width, height, data }, toRgb, channels) {
  const planes = [0, 1, 2].map((channel) => {
    const plane = new Float32Array(width * height);
    for (let i = 0, from = channel; i < plane.length; i += 1, from += 4) plane[i] = data[from];
    return plane;
  });
  if (channels === 1) return { width, height, planes: [gray(planes)], steps: [] };
  return { width, height, planes: toRgb ? planes : planes.reverse(), steps: [] };
}

/** Luma of ITU-R BT.601. */
function gray([red, green, blue]) {
  return red.map((value, i) =>
    value === green[i] && value === blue[i] ? value : 0.299 * value + 0.587 * green[i] + 0.114 * blue[i],
  );
}

function normalize({ mean, std }) {
  const [means, deviations] = [numbers("Normalize.mean", mean), numbers("Normalize.std", std)];
  if (deviations.includes(0)) throw new SegwrightError("Normalize.std divides, so none may be 0; export again.");
  return (image) => {
    const of = (values, channel) => values[values.length === 1 ? 0 : channel];
    for (const values of [means, deviations]) fit("Normalize", values, image);
    const planes = image.planes.map((plane, channel) => {
      const offset = Math.fround(255 * of(means, channel));
      const factor = Math.fround(1 / (255 * of(deviations, channel)));
      const normalized = new Float32Array(plane.length);
      for (let i = 0; i < plane.length; i += 1) normalized[i] = Math.fround(plane[i] - offset) * factor;
      return normalized;
    });
    return { ...image, planes };
  };
}

/** Transforms of label maps leave pictures alone. */
function forLabels() {
  return (image) => image;
}

/** @param {(before: Size) => Size} sizeFor */
function resizing(sizeFor, interpolation = "LINEAR") {
  if (!Object.hasOwn(INTERPOLATIONS, interpolation)) {
    throw new SegwrightError(
      `Resize.interp ${interpolation} is not among what a page computes as Python does ` +
        `(${Object.keys(INTERPOLATIONS).join(", ")}): choose another, and export again.`,
    );
  }
  const resample = INTERPOLATIONS[interpolation];
  return (image) => {
    const after = sizeFor(image);
    if (after.width === image.width && after.height === image.height) return image;
    const planes = image.planes.map((plane) => resample(plane, image, after));
    return moved(image, after, planes, "resized");
  };
}

/** @param {(before: Size) => Size} sizeFor nowhere smaller */
function padding(sizeFor, value) {
  const colour = numbers("im_padding_value", value);
  return (image) => {
    const after = sizeFor(image);
    if (after.width === image.width && after.height === image.height) return image;
    fit("im_padding_value", colour, image);
    const planes = image.planes.map((plane, channel) => {
      const canvas = new Float32Array(after.width * after.height).fill(colour[colour.length === 1 ? 0 : channel]);
      for (let y = 0; y < image.height; y += 1) {
        canvas.set(plane.subarray(y * image.width, (y + 1) * image.width), y * after.width);
      }
      return canvas;
    });
    return moved(image, after, planes, "padded");
  };
}

const moved = ({ width, height, steps }, after, planes, kind) => ({
  width: after.width,
  height: after.height,
  planes,
  steps: [...steps, { kind, width, height }],
});

function numbers(name, given) {
  const values = [given].flat();
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw new SegwrightError(`${name} is one number or several, not ${JSON.stringify(given)}; export again.`);
  }
  return values;
}

function fit(name, values, { planes }) {
  if (![1, planes.length].includes(values.length)) {
    throw new SegwrightError(
      `${name} has ${values.length} numbers, but the image has ${planes.length} channels; export again.`,
    );
  }
}
