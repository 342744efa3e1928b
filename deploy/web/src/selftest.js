/** Does a bundle give here the label maps that it gave where it was made? */

import { readLabelMap } from "../page/label_map.js";

/**
 * @param {import("./predictor.js").Predictor} predictor
 * @param {(path: string) => Promise<Uint8Array>} read a file of the bundle
 * @returns {Promise<import("../types/index.js").SelftestResult[]>}
 */
export async function selftest(predictor, read) {
  const results = [];
  for (const { image, mask, agreement: wanted } of predictor.manifest.selftest) {
    const [picture, file] = await Promise.all([image, mask].map(async (path) => new Blob([await read(path)])));
    const { labelMap, width, height } = await predictor.predict(picture);
    const expected = await readLabelMap(file);
    const isSameSize = width === expected.width && height === expected.height;
    const different = labelMap.reduce((count, id, i) => count + (!isSameSize || id !== expected.ids[i]), 0);
    const agreement = 1 - different / labelMap.length;
    results.push({ image, pixels: labelMap.length, different, agreement, wanted, passed: agreement >= wanted });
  }
  return results;
}
