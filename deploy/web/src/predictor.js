/** `load(address)` gives a predictor: a picture in, a label map of the picture's size out. */

import { openBundle, readVerified } from "./bundle.js";
import { hasWebGpu, openEngine } from "./engine.js";
import { SegwrightError } from "./errors.js";
import { restored } from "./label_map.js";
import { parseManifest } from "./manifest.js";
import { pixelsOf } from "./picture.js";
import { preprocessing } from "./preprocessing.js";
import { selftest } from "./selftest.js";

const BACKENDS = ["auto", "webgpu", "wasm"];

/**
 * Open an exported model.
 *
 * Where nothing else is asked for, the graphics card computes if it gives the bundle's test pictures the labels that
 * the trained model gave them, else the processor.
 *
 * @param {string | URL | Iterable<File>} source address of a deploy.yaml or its folder, or the folder's files
 * @param {import("../types/index.js").LoadOptions} [options]
 * @returns {Promise<Predictor>}
 */
export async function load(source, { backend = "auto", threads } = {}) {
  if (!BACKENDS.includes(backend)) throw new SegwrightError(`backend '${backend}': choose ${BACKENDS.join(", ")}.`);
  const bundle = openBundle(source);
  const manifest = parseManifest(await (await bundle.manifest()).text(), bundle.where);
  const prepare = manifest.pictureInput ? null : preprocessing(manifest, bundle.where);
  const model = await readModel(bundle, manifest);
  const open = async (name) => new Predictor(bundle, manifest, prepare, await openEngine(model, name, threads));

  if (backend !== "auto") return open(backend);
  if (manifest.precision !== "int8" && (await hasWebGpu())) {
    const onCard = await open("webgpu").catch(() => null);
    const results = await onCard?.selftest().catch(() => null);
    if (results?.every(({ passed }) => passed)) return onCard;
    await onCard?.release();
  }
  return open("wasm");
}

/** The model file, and the files beside it that hold its weights where it is large. */
async function readModel(bundle, { model, files }) {
  const folder = model.slice(0, model.lastIndexOf("/") + 1);
  const beside = [...files.keys()].filter((path) => path.startsWith(folder) && path.endsWith(".data"));
  const [bytes, ...contents] = await Promise.all([model, ...beside].map((path) => readVerified(bundle, files, path)));
  const data = beside.map((path, i) => ({ path: path.slice(folder.length), data: contents[i] }));
  return { name: model, bytes, data };
}

export class Predictor {
  #bundle;
  #prepare;
  #engine;

  constructor(bundle, manifest, prepare, engine) {
    this.#bundle = bundle;
    this.#prepare = prepare;
    this.#engine = engine;
    this.manifest = manifest;
  }

  get backend() {
    return this.#engine.backend;
  }

  get threads() {
    return this.#engine.threads;
  }

  /**
   * @param {import("./picture.js").Picture} picture
   * @returns {Promise<import("../types/index.js").Prediction>}
   */
  async predict(picture) {
    const started = performance.now();
    const pixels = await pixelsOf(picture);
    const read = performance.now();
    const { data, dims, steps } = this.#prepare ? this.#tensor(this.#prepare(pixels)) : this.#bytes(pixels);
    const prepared = performance.now();
    const output = await this.#engine.run(data, dims);
    const computed = performance.now();
    const result = restored(output, steps);
    const ended = performance.now();
    const timing = {
      decode: read - started,
      preprocess: prepared - read,
      infer: output.ms,
      postprocess: ended - computed,
      total: ended - started,
    };
    return { ...result, timing };
  }

  /** Predict the bundle's test pictures and compare with the label maps that the trained model gave them. */
  selftest() {
    return selftest(this, (path) => readVerified(this.#bundle, this.manifest.files, path));
  }

  /** Give the model's memory back; the predictor is of no use after it. */
  release() {
    return this.#engine.release();
  }

  #tensor({ planes, width, height, steps }) {
    this.#check(width, height);
    return { ...this.#batch(planes, Float32Array, [planes.length, height, width]), steps };
  }

  /** For a graph that begins with pictures: (N, H, W, 3) bytes. */
  #bytes({ width, height, data }) {
    this.#check(width, height);
    const rgb = new Uint8Array(3 * width * height);
    for (let from = 0, to = 0; from < data.length; from += 4) {
      rgb[to++] = data[from];
      rgb[to++] = data[from + 1];
      rgb[to++] = data[from + 2];
    }
    return { ...this.#batch([rgb], Uint8Array, [height, width, 3]), steps: [] };
  }

  /** A model that was exported for several pictures at once gets this one as often. */
  #batch(planes, Values, dims) {
    const count = Math.max(this.manifest.inputShape[0], 1);
    const length = planes[0].length;
    const data = new Values(count * planes.length * length);
    for (let i = 0; i < count * planes.length; i += 1) data.set(planes[i % planes.length], i * length);
    return { data, dims: [count, ...dims] };
  }

  #check(width, height) {
    const [, , wantedHeight, wantedWidth] = this.manifest.inputShape;
    if ((wantedWidth > 0 && wantedWidth !== width) || (wantedHeight > 0 && wantedHeight !== height)) {
      const wanted = [wantedWidth, wantedHeight].map((side) => (side > 0 ? side : "any")).join("x");
      throw new SegwrightError(
        `The picture is ${width}x${height} (width x height) after preprocessing, but this model was exported for ` +
          `${wanted} only: put Resize or Padding into the validation transforms and export again, or export without ` +
          "--input_shape for any size.",
      );
    }
  }
}
