// The engine for Android: the same code as for the JVM, and the library for each ABI inside the archive.
// `python3 ../../build.py kotlin android` writes and builds both first. Not built yet: no Android SDK was at hand.

plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
}

android {
    namespace = "dev.chatengine"
    compileSdk = 36
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("keep.pro")
    }
    // Points in time are java.time.Instant, which Android has from API 26 on.
    compileOptions { isCoreLibraryDesugaringEnabled = true }
    sourceSets["main"].kotlin.srcDirs("../generated", "../src/main/kotlin")
}

kotlin { jvmToolchain(17) }

dependencies {
    coreLibraryDesugaring("com.android.tools:desugar_jdk_libs:2.1.5")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.11.0")
    // The archive has JNA's own native part for each ABI, which its jar has not.
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}
