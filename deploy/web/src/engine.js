/** ONNX Runtime Web: on the processor (WebAssembly with SIMD and threads) or on the graphics card (WebGPU). */

import { SegwrightError, words } from "./errors.js";

const MOST_THREADS = 8; // more share too little work
let wasmThreads = null; // of this page: ONNX Runtime starts them once

/** Whether there is a graphics card that this browser computes on. */
export async function hasWebGpu() {
  return Boolean(await globalThis.navigator?.gpu?.requestAdapter().catch(() => null));
}

/**
 * The number of threads to compute with.
 * @param {number | undefined} asked
 */
function threadsFor(asked) {
  if (asked !== undefined && (!Number.isInteger(asked) || asked < 1)) {
    throw new SegwrightError(`threads is a whole number above zero, not ${asked}.`);
  }
  if (asked > 1 && !globalThis.crossOriginIsolated) {
    throw new SegwrightError(
      `threads ${asked}: browsers allow threads only to pages that are served with the headers ` +
        "'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp'; set them, or " +
        "leave threads out.",
    );
  }
  const wanted = asked ?? (globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1);
  wasmThreads ??= wanted;
  if (asked !== undefined && asked !== wasmThreads) {
    throw new SegwrightError(
      `threads ${asked}: this page computes with ${wasmThreads} already, and ONNX Runtime keeps that number; ` +
        "load the page anew.",
    );
  }
  return wasmThreads;
}

/**
 * @param {{name: string, bytes: Uint8Array, data: {path: string, data: Uint8Array}[]}} model a file, and what it keeps
 *   in others
 * @param {"webgpu" | "wasm"} backend
 * @param {number | undefined} threads
 */
export async function openEngine({ name, bytes, data }, backend, threads) {
  const ort = await runtime(backend);
  ort.env.wasm.numThreads = threadsFor(threads);
  ort.env.logLevel = "error";
  let session;
  try {
    session = await ort.InferenceSession.create(bytes, { executionProviders: [backend], externalData: data });
  } catch (error) {
    if (words(error).includes("no available backend")) throw doesNotStart(error);
    throw new SegwrightError(
      `${name} cannot be opened by ONNX Runtime ${ort.env.versions.web} (${words(error)}): export again.`,
    );
  }
  return new Engine(ort, session, backend, ort.env.wasm.numThreads);
}

/** The build of ONNX Runtime for a backend; the one for graphics cards is twice as large. */
async function runtime(backend) {
  try {
    return backend === "webgpu" ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web/wasm");
  } catch (error) {
    throw doesNotStart(error);
  }
}

const doesNotStart = (error) =>
  new SegwrightError(
    `ONNX Runtime Web does not start here (${words(error)}): are its files, those of the npm package onnxruntime-web, ` +
      "where the page looks for them?",
  );

export class Engine {
  #ort;
  #session;
  #last = Promise.resolve();

  constructor(ort, session, backend, threads) {
    this.#ort = ort;
    this.#session = session;
    this.backend = backend;
    this.threads = threads;
  }

  /**
   * Run the network; runs that are asked for at the same time wait for each other.
   * @param {Float32Array | Uint8Array} data
   * @param {number[]} dims
   */
  run(data, dims) {
    const run = this.#last.then(() => this.#run(data, dims));
    this.#last = run.catch(() => {});
    return run;
  }

  async #run(data, dims) {
    const kind = data instanceof Uint8Array ? "uint8" : "float32";
    const [input] = this.#session.inputNames;
    const [output] = this.#session.outputNames;
    try {
      const started = performance.now();
      const results = await this.#session.run({ [input]: new this.#ort.Tensor(kind, data, dims) });
      return { data: results[output].data, dims: results[output].dims, ms: performance.now() - started };
    } catch (error) {
      throw new SegwrightError(
        `The model fails on an input of ${dims.join("x")} (${words(error)}): take a smaller picture, or export again.`,
      );
    }
  }

  /** Give the memory back. */
  async release() {
    await this.#last;
    await this.#session.release();
  }
}
