/** A label map's colours over its picture. */

import { paint } from "../page/paint.js";
import { SegwrightError } from "./errors.js";

/**
 * Draw a picture with its classes over it. The background's colour, black, lets the picture through.
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas gets the size of the label map
 * @param {CanvasImageSource} picture
 * @param {import("../types/index.js").Prediction} prediction
 * @param {readonly (readonly [number, number, number])[]} palette R, G, B of each class: `predictor.manifest.palette`
 * @param {number} [opacity] of the colours, 0 to 1
 */
export function overlay(canvas, picture, { labelMap, width, height }, palette, opacity = 0.4) {
  if (!(labelMap instanceof Uint8Array))
    throw new SegwrightError("Overlays show class ids up to 255, and this label map has larger ones.");
  const drawn = (id) => (palette[id]?.some((value) => value > 0) ? [...palette[id], 255] : [0, 0, 0, 0]);
  const colours = new OffscreenCanvas(width, height);
  paint(colours, { width, height, ids: labelMap }, { drawn });
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, width, height);
  context.globalAlpha = opacity;
  context.drawImage(colours, 0, 0);
  context.globalAlpha = 1;
}
