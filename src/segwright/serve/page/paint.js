/** Class ids to pixels on a canvas. */

/**
 * Resize a canvas and draw a label map on it, every `step`-th pixel of every `step`-th row.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./label_map.js").LabelMap} labels
 * @param {import("./palette.js").Palette} palette
 */
export function paint(canvas, labels, palette, step = 1) {
  const table = new Uint8ClampedArray(Array.from({ length: 256 }, (_, id) => palette.drawn(id)).flat());
  const colours = new Uint32Array(table.buffer); // R, G, B, A of a pixel in one read and one write
  const width = Math.ceil(labels.width / step);
  const height = Math.ceil(labels.height / step);
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  let to = 0;
  for (let y = 0; y < labels.height; y += step) {
    const end = (y + 1) * labels.width;
    for (let from = y * labels.width; from < end; from += step) pixels[to++] = colours[labels.ids[from]];
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/**
 * The picture with its classes over it, at full size, as a PNG.
 * @param {Blob} picture
 * @param {number} opacity of the classes, 0 to 1
 */
export async function composed(picture, labels, palette, opacity) {
  const colours = document.createElement("canvas");
  paint(colours, labels, palette);
  const canvas = document.createElement("canvas");
  canvas.width = labels.width;
  canvas.height = labels.height;
  const context = canvas.getContext("2d");
  const bitmap = await decoded(picture);
  if (bitmap) context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap?.close();
  context.globalAlpha = opacity;
  context.drawImage(colours, 0, 0);
  const file = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!file) throw new Error("The picture is too large for this browser to draw; ask the server for output=overlay.");
  return file;
}

/** The picture upright, or null where this browser cannot read such files (the server may, TIFF for one). */
export async function decoded(picture) {
  return createImageBitmap(picture).catch(() => null);
}
