/** What went wrong, in a sentence for a person. */

/** Anything that a user of this library can mend; `message` says what was found and what to do. */
export class SegwrightError extends Error {
  name = "SegwrightError";
}

/** The words of whatever was thrown; ONNX Runtime throws numbers, too. */
export const words = (thrown) => (thrown instanceof Error ? thrown.message : String(thrown));
