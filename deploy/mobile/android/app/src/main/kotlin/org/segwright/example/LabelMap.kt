package org.segwright.example

import kotlin.math.roundToInt

/** Share of the picture in an overlay; the colours get the rest. */
const val PICTURE_SHARE = 0.6

/**
 * Bring class ids from the network's size to the picture's, by the pixel whose area holds the new pixel's centre.
 *
 * @param labels rows of class ids, [fromWidth] x [fromHeight].
 * @return rows of class ids, [width] x [height].
 */
fun labelMap(labels: IntArray, fromWidth: Int, fromHeight: Int, width: Int, height: Int): IntArray {
    val columns = IntArray(width) { nearest(it, fromWidth, width) }
    val restored = IntArray(width * height)
    for (y in 0 until height) {
        val row = nearest(y, fromHeight, height) * fromWidth
        for (x in 0 until width) restored[y * width + x] = labels[row + columns[x]]
    }
    return restored
}

private fun nearest(place: Int, before: Int, after: Int): Int = ((2L * place + 1) * before / (2L * after)).toInt()

/**
 * Lay the colours of the classes over a picture. A class whose colour is black, or that has none, does not hide it.
 *
 * @param pixels rows of 0xAARRGGBB.
 * @param labels the class id of each.
 * @param palette colour of each class, 0xRRGGBB.
 * @return rows of 0xFFRRGGBB.
 */
fun overlay(pixels: IntArray, labels: IntArray, palette: IntArray): IntArray = IntArray(pixels.size) { place ->
    val pixel = pixels[place]
    val colour = palette.getOrElse(labels[place]) { 0 }
    if (colour == 0) {
        pixel or OPAQUE
    } else {
        OPAQUE or blended(pixel, colour, 16) or blended(pixel, colour, 8) or blended(pixel, colour, 0)
    }
}

private const val OPAQUE = 0xFF shl 24

private fun blended(pixel: Int, colour: Int, shift: Int): Int {
    val below = (pixel shr shift) and 255
    val above = (colour shr shift) and 255
    return (PICTURE_SHARE * below + (1 - PICTURE_SHARE) * above).roundToInt() shl shift
}

/** Share of each class in a label map, in 0..1. */
fun shares(labels: IntArray, numClasses: Int): DoubleArray {
    val counts = IntArray(numClasses)
    for (label in labels) counts[label]++
    return DoubleArray(numClasses) { counts[it].toDouble() / labels.size }
}

/** Share of equal class ids, in 0..1. */
fun agreement(labels: IntArray, wanted: IntArray): Double =
    if (labels.size != wanted.size) 0.0 else labels.indices.count { labels[it] == wanted[it] } / labels.size.toDouble()
