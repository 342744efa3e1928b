package org.segwright.example

/**
 * What `model.json` says; `prepare.py` derives it from the export's `deploy.yaml`.
 *
 * @property width of the network's input, in pixels.
 * @property height likewise.
 * @property redFirst whether the network takes red, green, blue, or the other way round.
 * @property mean of each channel as the network takes them, in 0..1.
 * @property std likewise.
 * @property labels names of the classes.
 * @property palette colour of each class, 0xRRGGBB.
 */
class ModelDescription(
    val width: Int,
    val height: Int,
    val redFirst: Boolean,
    val mean: DoubleArray,
    val std: DoubleArray,
    val labels: List<String>,
    val palette: IntArray
)
