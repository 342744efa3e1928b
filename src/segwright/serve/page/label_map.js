/**
 * Class ids from the server's PNG, read from the file itself.
 *
 * A canvas would give colours, which some browsers alter (colour management, protection against fingerprinting) and
 * which two classes may share. The file holds the ids. PNG specification: https://www.w3.org/TR/png-3/
 */

const GREY = 0;
const INDEXED = 3;

/**
 * @typedef {{width: number, height: number, ids: Uint8Array, palette: Uint8Array}} LabelMap
 *   ids row by row; palette as R, G, B of id 0, of id 1, ...
 */

/**
 * Read a PNG of one channel, indexed or grey, of 1 to 8 bits.
 * @param {Blob} file
 * @returns {Promise<LabelMap>}
 */
export async function readLabelMap(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { header, palette, data } = chunks(bytes);
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colourType, , , interlaced] = header.subarray(8);
  if (![GREY, INDEXED].includes(colourType) || depth > 8 || interlaced) {
    throw new Error("The server's answer is not a label map: a PNG of one channel was expected, without interlacing.");
  }
  const stride = Math.ceil((width * depth) / 8);
  const rows = await inflate(data);
  if (rows.length < height * (stride + 1)) throw new Error("The server's label map broke off before its end.");
  undoFilters(rows, height, stride);
  return { width, height, ids: unpack(rows, width, height, depth), palette };
}

/** How many pixels each id has: 256 counts. */
export function countPixels(ids) {
  const counts = new Uint32Array(256);
  for (let index = 0; index < ids.length; index += 1) counts[ids[index]] += 1;
  return counts;
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer);
  const found = { header: null, palette: new Uint8Array(), data: [] };
  if (bytes.length < 33 || view.getUint32(0) !== 0x89504e47) throw new Error("The server's answer is not a PNG.");
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") found.header = body;
    if (type === "PLTE") found.palette = body;
    if (type === "IDAT") found.data.push(body);
    at += length + 12;
  }
  return found;
}

async function inflate(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Undo each row's filter in place (section 9); a pixel is at most a byte, so "left" is the byte before. */
function undoFilters(rows, height, stride) {
  const length = stride + 1;
  for (let y = 0; y < height; y += 1) {
    const start = y * length + 1;
    const filter = rows[start - 1];
    if (filter === 0) continue;
    for (let at = start; at < start + stride; at += 1) {
      const left = at > start ? rows[at - 1] : 0;
      const above = y > 0 ? rows[at - length] : 0;
      if (filter === 1) rows[at] += left;
      else if (filter === 2) rows[at] += above;
      else if (filter === 3) rows[at] += (left + above) >> 1;
      else rows[at] += paeth(left, above, at > start && y > 0 ? rows[at - length - 1] : 0);
    }
  }
}

function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function unpack(rows, width, height, depth) {
  const ids = new Uint8Array(width * height);
  const length = Math.ceil((width * depth) / 8) + 1;
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y += 1) {
    const start = y * length + 1;
    if (depth === 8) {
      ids.set(rows.subarray(start, start + width), y * width);
      continue;
    }
    for (let x = 0; x < width; x += 1) {
      const bit = x * depth;
      ids[y * width + x] = (rows[start + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return ids;
}
