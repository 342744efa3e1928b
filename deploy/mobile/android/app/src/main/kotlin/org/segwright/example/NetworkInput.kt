package org.segwright.example

import kotlin.math.floor

/**
 * The network's input of a picture: resampled as OpenCV does it in float32, then `(value / 255 - mean) / std`.
 *
 * @param pixels rows of 0xAARRGGBB, as Android's bitmaps give them.
 * @param width of the picture.
 * @param height of the picture.
 * @return three planes, one behind the other, each of the network's height x width.
 */
fun networkInput(pixels: IntArray, width: Int, height: Int, model: ModelDescription): FloatArray {
    val size = model.width * model.height
    val input = FloatArray(3 * size)
    val columns = Neighbours(width, model.width)
    val rows = Neighbours(height, model.height)
    for (channel in 0 until 3) {
        val shift = if (model.redFirst) 16 - 8 * channel else 8 * channel
        val offset = (255 * model.mean[channel]).toFloat()
        val factor = (1 / (255 * model.std[channel])).toFloat()
        val plane = resampled(pixels, shift, width, height, columns, rows)
        for (place in 0 until size) input[channel * size + place] = (plane[place] - offset) * factor
    }
    return input
}

/** For each pixel of a resampled row or column: the two that it lies between, and the second one's share. */
private class Neighbours(before: Int, after: Int) {
    val first = IntArray(after)
    val second = IntArray(after)
    val share = FloatArray(after)

    init {
        for (place in 0 until after) {
            val centre = ((place + 0.5) * (before.toDouble() / after) - 0.5).coerceIn(0.0, before - 1.0)
            first[place] = floor(centre).toInt()
            second[place] = minOf(first[place] + 1, before - 1)
            share[place] = (centre - first[place]).toFloat()
        }
    }
}

private fun resampled(
    pixels: IntArray,
    shift: Int,
    width: Int,
    height: Int,
    columns: Neighbours,
    rows: Neighbours
): FloatArray {
    val wide = columns.first.size
    val stretched = FloatArray(height * wide)
    for (y in 0 until height) {
        for (x in 0 until wide) {
            val left = (pixels[y * width + columns.first[x]] shr shift) and 255
            val right = (pixels[y * width + columns.second[x]] shr shift) and 255
            stretched[y * wide + x] = between(left.toFloat(), right.toFloat(), columns.share[x])
        }
    }
    val plane = FloatArray(rows.first.size * wide)
    for (y in rows.first.indices) {
        for (x in 0 until wide) {
            val above = stretched[rows.first[y] * wide + x]
            val below = stretched[rows.second[y] * wide + x]
            plane[y * wide + x] = between(above, below, rows.share[y])
        }
    }
    return plane
}

/** `a + (b - a) share`, rounded once behind the difference, as OpenCV's fused kernels do. */
private fun between(a: Float, b: Float, share: Float): Float = (a + (b - a).toDouble() * share).toFloat()
