/** From whatever holds a picture in a browser to its pixels, unaltered. */

import { SegwrightError } from "./errors.js";
import { straightColours } from "./straight_colours.js";

/** @typedef {import("../types/index.js").Picture} Picture */

const PLAIN = { colorSpaceConversion: "none", premultiplyAlpha: "none" }; // the numbers in the file
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PNG_DEPTH = 24; // where a PNG keeps its bits per value

let canvasIsTrue = null; // not known yet

/**
 * @param {Picture} picture upright as its EXIF orientation says; transparency is ignored
 * @returns {Promise<{width: number, height: number, data: Uint8ClampedArray}>} R, G, B, A of each pixel
 */
export async function pixelsOf(picture) {
  if (picture instanceof ImageData) {
    if (picture.data instanceof Uint8ClampedArray) return picture;
    throw new SegwrightError("The ImageData holds floats; make one with pixelFormat 'rgba-unorm8'.");
  }
  if (picture instanceof Blob) return ofBitmap(await decoded(picture));
  if (globalThis.HTMLImageElement && picture instanceof HTMLImageElement) {
    return ofBitmap(await bitmap(picture, picture.currentSrc || "the picture"));
  }
  return drawn(picture);
}

async function decoded(file) {
  const name = file.name ?? "the picture";
  const start = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  if (PNG.every((byte, i) => start[i] === byte) && start[PNG_DEPTH] > 8) {
    throw new SegwrightError(
      `${name} stores ${start[PNG_DEPTH]} bits per value, of which browsers show eight: save it with 8.`,
    );
  }
  return bitmap(file, name);
}

async function bitmap(source, name) {
  try {
    return await createImageBitmap(source, PLAIN);
  } catch {
    throw new SegwrightError(
      `${name} is not a picture that this browser can read, or it is damaged: save it as PNG or JPEG.`,
    );
  }
}

function ofBitmap(bitmap) {
  try {
    return drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

function drawn(source) {
  const width = source.videoWidth ?? source.displayWidth ?? source.width;
  const height = source.videoHeight ?? source.displayHeight ?? source.height;
  if (!(width > 0 && height > 0)) {
    throw new SegwrightError(
      "The picture has no pixels yet: wait for the video or the image to load, or give another.",
    );
  }
  let image;
  refuseAlteredPixels();
  try {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0, width, height);
    image = context.getImageData(0, 0, width, height);
  } catch (error) {
    throw new SegwrightError(
      `The browser does not give the pixels of a ${width}x${height} picture away (${error.message}).`,
    );
  }
  if (isOpaque(image)) return image;
  console.warn("The picture is transparent in places; its colours are taken as if it were not.");
  return straightColours(source, width, height);
}

/** Some browsers alter what a page reads from a canvas, against fingerprinting; labels would be wrong, silently. */
function refuseAlteredPixels() {
  canvasIsTrue ??= readsWhatItWrote();
  if (!canvasIsTrue) {
    throw new SegwrightError(
      "This browser alters the pixels that pages read (its protection against fingerprinting): allow this site to " +
        "read canvases.",
    );
  }
}

function readsWhatItWrote() {
  const context = new OffscreenCanvas(64, 64).getContext("2d", { willReadFrequently: true });
  const written = new ImageData(64, 64);
  written.data.forEach((_, i) => (written.data[i] = i % 4 === 3 ? 255 : (i * 37) % 251));
  context.putImageData(written, 0, 0);
  const { data } = context.getImageData(0, 0, 64, 64);
  return data.every((value, i) => value === written.data[i]);
}

function isOpaque({ data }) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}
