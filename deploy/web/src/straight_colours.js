/** Colours of pixels that are not opaque; a 2D canvas keeps them multiplied by their opacity, and so loses some. */

import { SegwrightError } from "./errors.js";

/**
 * @param {TexImageSource} source
 * @returns {{width: number, height: number, data: Uint8ClampedArray}} R, G, B, A, not multiplied
 */
export function straightColours(source, width, height) {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
    throw new SegwrightError(
      `This browser cannot read the colours of transparent pixels in a ${width}x${height} picture: save it without ` +
        "transparency.",
    );
  }
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(
    gl.FRAMEBUFFER,
    gl.COLOR_ATTACHMENT0,
    gl.TEXTURE_2D,
    gl.getParameter(gl.TEXTURE_BINDING_2D),
    0,
  );
  const bytes = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return { width, height, data: new Uint8ClampedArray(bytes.buffer) };
}
