/** The sizes that transforms give: each function makes a rule `(size before) => size after`, in pixels. */

import { SegwrightError } from "./errors.js";

/** @typedef {import("./resample.js").Size} Size */

/** Resize: a fixed size, or the largest of the same shape that fits into it. */
export function fitting({ target_size, keep_ratio, size_divisor }) {
  const target = parsed("Resize.target_size", target_size);
  if (size_divisor !== null) positive("Resize.size_divisor", size_divisor);
  return (before) => {
    const after = keep_ratio
      ? scaled(before, Math.min(long(target) / long(before), short(target) / short(before)))
      : target;
    if (!size_divisor) return after;
    const up = (side) => Math.ceil(side / size_divisor) * size_divisor;
    return { width: up(after.width), height: up(after.height) };
  };
}

/** The longer side as long as `length`. */
export function byLong(length) {
  positive("The length of the longer side", length);
  return (before) => scaled(before, length / long(before));
}

/** Both sides times a factor. */
export function byFactor(factor) {
  if (!(factor > 0)) throw new SegwrightError(`ResizeStepScaling's factor is above zero, not ${factor}; export again.`);
  return (before) => scaled(before, factor);
}

/** The one value of a range that leaves no choice. */
export function same(transform, low, high) {
  if (low !== high)
    throw new SegwrightError(`${transform} draws from ${low} to ${high} at random; export with one value.`);
  return low;
}

/** The shorter side as long as the one `length`, or less where the longer one would exceed `most`. */
export function byShort(lengths, most) {
  if (lengths.length !== 1) {
    throw new SegwrightError("ResizeByShort with several sizes draws one at random; export with one short_size.");
  }
  const [length] = lengths;
  positive("ResizeByShort.short_size", length);
  if (!(most >= 1)) throw new SegwrightError(`ResizeByShort.max_size is above zero, not ${most}; export again.`);
  return (before) => {
    if ((length / short(before)) * long(before) <= most) return scaled(before, length / short(before));
    const shrunk = Math.trunc((most / long(before)) * short(before));
    return shrunk ? scaled(before, shrunk / short(before)) : scaled(before, Math.trunc(most) / long(before));
  };
}

export const limitedLong = ({ max_long, min_long }) => limited("LimitLong", long, max_long, min_long);
export const limitedShort = ({ max_short, min_short }) => limited("LimitShort", short, max_short, min_short);

function limited(name, side, most, least) {
  for (const limit of [most, least]) if (limit !== null) positive(`${name}'s limit`, limit);
  return (before) => {
    const length = Math.max(Math.min(side(before), most ?? Infinity), least ?? 0);
    return scaled(before, length / side(before));
  };
}

/** Padding: a fixed canvas. */
export function canvas(target_size) {
  const target = parsed("Padding.target_size", target_size);
  return (before) => {
    if (before.width > target.width || before.height > target.height) {
      throw new SegwrightError(
        `Padding to ${target.width}x${target.height} pixels (width x height) met an image of ` +
          `${before.width}x${before.height}: take a smaller picture, or export with a Resize before it.`,
      );
    }
    return target;
  };
}

/** PaddingByAspectRatio: the smallest canvas whose width is `ratio` times its height. */
export function withRatio(ratio) {
  if (!(ratio > 0))
    throw new SegwrightError(`PaddingByAspectRatio.aspect_ratio is above zero, not ${ratio}; export again.`);
  return ({ width, height }) =>
    width / height > ratio
      ? { width, height: Math.max(Math.trunc(width / ratio), height) }
      : { width: Math.max(Math.trunc(height * ratio), width), height };
}

const long = ({ width, height }) => Math.max(width, height);
const short = ({ width, height }) => Math.min(width, height);

const scaled = ({ width, height }, factor) => {
  const side = (length) => Math.max(halfToEven(length * factor), 1);
  return { width: side(width), height: side(height) };
};

/** Python's `round`. */
function halfToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function parsed(name, wh) {
  if (!Array.isArray(wh) || wh.length !== 2) {
    throw new SegwrightError(`${name} is [width, height], not ${JSON.stringify(wh)}; export again.`);
  }
  wh.forEach((side) => positive(name, side));
  return { width: wh[0], height: wh[1] };
}

function positive(name, value) {
  if (!Number.isInteger(value) || value < 1) {
    throw new SegwrightError(`${name} is in whole pixels above zero, not ${JSON.stringify(value)}; export again.`);
  }
}
