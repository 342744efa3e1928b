package org.segwright.example

import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.ImageDecoder
import java.io.File
import java.io.InputStream
import java.security.MessageDigest
import org.json.JSONArray
import org.json.JSONObject
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

/** A picture with what the model sees in it. */
class Prediction(val overlay: Bitmap, val labels: IntArray, val milliseconds: Long)

/**
 * The exported model among the app's assets. One thread at a time.
 *
 * @throws IllegalStateException the model is not the one that was exported.
 */
class Segmenter(context: Context) {
    private val assets: AssetManager = context.assets
    private val json = JSONObject(assets.open("model.json").bufferedReader().use { it.readText() })
    val model = described(json)
    private val module: Module

    init {
        val file = File(context.codeCacheDir, "model.pte") // ExecuTorch opens files, and assets are none
        assets.open("model.pte").use { source -> file.outputStream().use { source.copyTo(it) } }
        check(file.inputStream().use(::sha256) == json.getString("sha256")) {
            "model.pte is not the file that was exported: run prepare.py again, and install again"
        }
        module = Module.load(file.path, Module.LOAD_MODE_MMAP)
    }

    /** @param picture software bitmap of any size. */
    fun predict(picture: Bitmap): Prediction {
        val (width, height) = picture.width to picture.height
        val pixels = IntArray(width * height)
        picture.getPixels(pixels, 0, width, 0, 0, width, height)
        val start = System.nanoTime()
        val input = networkInput(pixels, width, height, model)
        val shape = longArrayOf(1, 3, model.height.toLong(), model.width.toLong())
        val output = module.forward(EValue.from(Tensor.fromBlob(input, shape)))[0].toTensor().dataAsIntArray
        val labels = labelMap(output, model.width, model.height, width, height)
        val colours = overlay(pixels, labels, model.palette)
        val milliseconds = (System.nanoTime() - start) / 1_000_000
        return Prediction(Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888), labels, milliseconds)
    }

    /** Share of labels that come out as the trained model gave them for the export's own test pictures. */
    fun selftest(): Double {
        val names = json.getJSONArray("selftest")
        return (0 until names.length()).map { number ->
            val name = names.getString(number)
            val picture = ImageDecoder.decodeBitmap(ImageDecoder.createSource(assets, "$name.png"), ::inMemory)
            val wanted = assets.open("$name.labels").use { it.readBytes() }.map { it.toInt() and 255 }.toIntArray()
            agreement(predict(picture).labels, wanted)
        }.average()
    }
}

/** For [ImageDecoder]: pixels that programs may read, values as they are stored. */
@Suppress("UNUSED_PARAMETER")
fun inMemory(decoder: ImageDecoder, info: ImageDecoder.ImageInfo, source: ImageDecoder.Source) {
    decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
    decoder.isUnpremultipliedRequired = true
}

private fun described(json: JSONObject) = ModelDescription(
    width = json.getInt("width"),
    height = json.getInt("height"),
    redFirst = json.getBoolean("red_first"),
    mean = numbers(json.getJSONArray("mean")),
    std = numbers(json.getJSONArray("std")),
    labels = json.getJSONArray("labels").let { names -> List(names.length()) { names.getString(it) } },
    palette = json.getJSONArray("palette").let { colours -> IntArray(colours.length()) { colours.getInt(it) } }
)

private fun numbers(array: JSONArray) = DoubleArray(array.length()) { array.getDouble(it) }

private fun sha256(source: InputStream): String {
    val digest = MessageDigest.getInstance("SHA-256")
    val buffer = ByteArray(1 shl 16)
    while (true) {
        val count = source.read(buffer)
        if (count < 0) break
        digest.update(buffer, 0, count)
    }
    return digest.digest().joinToString("") { "%02x".format(it) }
}
