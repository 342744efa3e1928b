plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "org.segwright.example"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.segwright.example"
        minSdk = 28 // the first whose picture decoder turns photos upright
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") } // what ExecuTorch's library has
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    androidResources { noCompress += "pte" }
}

kotlin { jvmToolchain(17) }

dependencies {
    implementation("org.pytorch:executorch-android:1.4.0")
}
