/** Segmentation in the browser, with models that `segwright export --format onnx` has written. */

export type Picture =
  | ImageData
  | ImageBitmap
  | Blob
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame;

export type Colour = readonly [red: number, green: number, blue: number];

/** What `deploy.yaml` says. */
export interface Manifest {
  readonly model: string;
  readonly precision: "fp32" | "fp16" | "int8";
  /** The graph takes pictures as bytes and does the transforms itself. */
  readonly pictureInput: boolean;
  readonly transforms: readonly Readonly<Record<string, unknown>>[];
  readonly toRgb: boolean;
  readonly channels: number;
  /** N, C, H, W; -1 is free. */
  readonly inputShape: readonly [number, number, number, number];
  readonly outputOp: "argmax" | "softmax" | "none";
  readonly numClasses: number;
  /** Names of the classes. */
  readonly labels: readonly string[] | null;
  readonly palette: readonly Colour[];
  /** SHA-256 of each file. */
  readonly files: ReadonlyMap<string, string>;
  readonly selftest: readonly { readonly image: string; readonly mask: string; readonly agreement: number }[];
  readonly writtenBy: string;
}

export interface LoadOptions {
  /** What computes. `auto`: WebGPU where the test pictures come out right on it, else WebAssembly. */
  backend?: "auto" | "webgpu" | "wasm";
  /** Of WebAssembly. By default one for each core, up to eight, where the page may have threads. */
  threads?: number;
}

export interface Prediction {
  /** Class ids, row by row; `Int32Array` where one exceeds 255. */
  labelMap: Uint8Array | Int32Array;
  width: number;
  height: number;
  /** Milliseconds. */
  timing: { decode: number; preprocess: number; infer: number; postprocess: number; total: number };
}

export interface SelftestResult {
  image: string;
  pixels: number;
  different: number;
  /** Share of the pixels with the expected label, 0 to 1. */
  agreement: number;
  wanted: number;
  passed: boolean;
}

/** An exported model. */
export class Predictor {
  private constructor();
  readonly manifest: Manifest;
  readonly backend: "webgpu" | "wasm";
  readonly threads: number;
  /** A label map of the picture's own size. Calls at the same time wait for each other. */
  predict(picture: Picture): Promise<Prediction>;
  /** Predict the test pictures of the export and compare with the label maps beside them. */
  selftest(): Promise<SelftestResult[]>;
  /** Give the model's memory back. */
  release(): Promise<void>;
}

/**
 * Open an exported model: the address of a `deploy.yaml` or of its folder, or the folder's files.
 *
 * @throws SegwrightError the export is incomplete, changed, newer than this package, or does what browsers cannot
 */
export function load(source: string | URL | Iterable<File>, options?: LoadOptions): Promise<Predictor>;

/** Draw a picture with its classes over it; black, the background's colour, lets the picture through. */
export function overlay(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  picture: CanvasImageSource,
  prediction: Pick<Prediction, "labelMap" | "width" | "height">,
  palette: readonly Colour[],
  opacity?: number,
): void;

/** What a person can mend; the message says what was found, and what to do. */
export class SegwrightError extends Error {
  readonly name: "SegwrightError";
}
