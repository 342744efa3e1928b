package org.segwright.example

import android.app.Activity
import android.content.Intent
import android.graphics.ImageDecoder
import android.os.Bundle
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import java.util.concurrent.Executors

private const val CHOOSE = 1
private const val LONGEST = 1600 // pixels of a side that are looked at; photos have many more than the network takes

/** A picture from the gallery in, what the model sees in it over the picture out. */
class MainActivity : Activity() {
    private val worker = Executors.newSingleThreadExecutor()
    private var segmenter: Segmenter? = null // the worker's own
    private lateinit var picture: ImageView
    private lateinit var message: TextView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        picture = ImageView(this)
        message = TextView(this).apply { setPadding(24, 24, 24, 24) }
        val button = Button(this).apply {
            text = "Choose a picture"
            setOnClickListener { choose() }
        }
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                fitsSystemWindows = true
                addView(button, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
                addView(message, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
                addView(picture, LinearLayout.LayoutParams(MATCH_PARENT, 0, 1f))
            }
        )
        work("testing the model …") {
            val share = Segmenter(this).also { segmenter = it }.selftest()
            tell("self-test: %.2f %% of the labels are the trained model's".format(100 * share))
        }
    }

    override fun onDestroy() {
        worker.shutdown()
        super.onDestroy()
    }

    private fun choose() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        @Suppress("DEPRECATION") // its successor is a library more
        startActivityForResult(intent, CHOOSE)
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val place = data?.data ?: return
        work("looking …") {
            val source = ImageDecoder.createSource(contentResolver, place)
            val chosen = ImageDecoder.decodeBitmap(source) { decoder, info, from ->
                inMemory(decoder, info, from)
                val long = maxOf(info.size.width, info.size.height)
                if (long > LONGEST) {
                    decoder.setTargetSize(
                        maxOf(1, info.size.width * LONGEST / long),
                        maxOf(1, info.size.height * LONGEST / long)
                    )
                }
            }
            val segmenter = segmenter ?: return@work // the model could not be opened, which was told
            val seen = segmenter.predict(chosen)
            val names = segmenter.model.labels
            val shares = shares(seen.labels, names.size)
            val found = names.indices.filter { shares[it] > 0 }.sortedByDescending { shares[it] }
            val parts = found.joinToString { "%s %.0f %%".format(names[it], 100 * shares[it]) }
            runOnUiThread { picture.setImageBitmap(seen.overlay) }
            tell("$parts (${seen.milliseconds} ms)")
        }
    }

    /** Run on the one thread that the model knows; whatever fails is told. */
    private fun work(doing: String, task: () -> Unit) {
        tell(doing)
        worker.execute {
            try {
                task()
            } catch (error: Exception) {
                tell("that did not work: ${error.message}")
            }
        }
    }

    private fun tell(text: String) = runOnUiThread { message.text = text }
}
