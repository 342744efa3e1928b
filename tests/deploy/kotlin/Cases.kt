import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.File
import org.segwright.example.ModelDescription
import org.segwright.example.labelMap
import org.segwright.example.networkInput
import org.segwright.example.overlay

/** For each folder: from `given`, the numbers that Python wrote, to `found`, what the app makes of them. */
fun main(folders: Array<String>) {
    for (folder in folders) {
        DataInputStream(File(folder, "given").inputStream().buffered()).use { given ->
            DataOutputStream(File(folder, "found").outputStream().buffered()).use { found -> answer(given, found) }
        }
    }
}

private fun answer(given: DataInputStream, found: DataOutputStream) {
    val width = given.readInt()
    val height = given.readInt()
    val model = ModelDescription(
        width = given.readInt(),
        height = given.readInt(),
        redFirst = given.readInt() == 1,
        mean = DoubleArray(3) { given.readDouble() },
        std = DoubleArray(3) { given.readDouble() },
        labels = listOf("ground", "road", "sky"),
        palette = IntArray(3) { given.readInt() }
    )
    val pixels = IntArray(width * height) { given.readInt() }
    val output = IntArray(model.width * model.height) { given.readInt() }
    val labels = labelMap(output, model.width, model.height, width, height)
    networkInput(pixels, width, height, model).forEach(found::writeFloat)
    labels.forEach(found::writeInt)
    overlay(pixels, labels, model.palette).forEach(found::writeInt)
}
