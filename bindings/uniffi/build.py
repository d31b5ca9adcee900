"""Builds the library, writes the code that belongs to it, and puts both where each language looks for them.

    python3 build.py [python] [kotlin] [swift] [wheel] [android] [xcframework] [--debug]

`wheel` packs what `python` has put in place, for this platform: python/dist/chat_engine-VERSION-py3-none-PLATFORM.whl.
`android` builds the library for each of its ABIs, with cargo-ndk and Android's NDK; `xcframework` for each of Apple's
platforms, on a Mac. Both stand beside the code that `kotlin` and `swift` write.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from stub import stub

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CARGO = os.environ.get("CARGO", "cargo")
SHIPPED = ["--profile", "shipped"]

LICENSES = sorted(ROOT.glob("LICENSE-*"))

ANDROID_ABIS = ["arm64-v8a", "armeabi-v7a", "x86_64", "x86"]
ANDROID_API = 24
APPLE_TARGETS = ["aarch64-apple-ios", "aarch64-apple-ios-sim", "aarch64-apple-darwin"]


def artifacts(*args: str) -> dict[str, Path]:
    """What cargo builds, by the kind of its target."""
    command = [CARGO, "build", "-p", "chat-uniffi", "--message-format", "json-render-diagnostics", *args]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    built = {}
    for line in said.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") != "compiler-artifact":
            continue
        if message["target"]["name"] == "uniffi-bindgen":
            built["generator"] = Path(message["executable"])
        elif message["target"]["name"] == "chat_engine":
            for file in map(Path, message["filenames"]):
                if file.suffix in {".so", ".dylib", ".dll"}:
                    built["library"] = file
                elif file.suffix == ".a" or file.name == "chat_engine.lib":
                    built["static"] = file
    return built


def generate(generator: Path, static: Path, language: str, out: Path) -> None:
    """Writes one language's code; the generator reads the workspace, so it runs there, and the static library: from the
    other one the linker has taken what it needs to know."""
    command = [generator, "generate", static, "--language", language, "--out-dir", out, "--no-format"]
    subprocess.run([*command, "--config", HERE / "uniffi.toml"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    languages = [word for word in sys.argv[1:] if not word.startswith("-")] or ["python", "kotlin", "swift"]
    packed = {"wheel": wheel, "android": android, "xcframework": xcframework}
    if unknown := set(languages) - {"python", "kotlin", "swift", *packed}:
        sys.exit(f"there is no {', '.join(sorted(unknown))}\n{__doc__}")
    if set(languages) - set(packed):
        write(languages)
    for name, pack in packed.items():
        if name in languages:
            pack()


def write(languages: list[str]) -> None:
    """Writes the code of each language, and puts the library of this machine beside it."""
    profile = [] if "--debug" in sys.argv else SHIPPED
    # The generator is built unoptimised and on its own: its dependencies are no part of the library.
    generator = artifacts("--features", "generate", "--bin", "uniffi-bindgen")["generator"]
    built = artifacts("--lib", *profile)
    library, static = built["library"], built["static"]

    if "python" in languages:
        package = HERE / "python" / "chat_engine"
        generate(generator, static, "python", package)
        (package / "chat_engine.py").replace(package / "_generated.py")
        (package / "__init__.pyi").write_text(stub(package, HERE / "python" / "idioms.pyi"))
        shutil.copy2(library, package)
    if "kotlin" in languages:
        generate(generator, static, "kotlin", HERE / "kotlin" / "generated")
        resources = HERE / "kotlin" / "native" / jna_platform()
        resources.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, resources)
    if "swift" in languages:
        sources = HERE / "swift" / "Sources" / "ChatEngine" / "Generated"
        generate(generator, static, "swift", sources)
        # A target has one language: the header goes into the framework, whose map has this name. In a folder of its own:
        # Xcode puts the headers of all frameworks together.
        headers = HERE / "swift" / "Headers" / "ChatEngineFFI"
        headers.mkdir(parents=True, exist_ok=True)
        (sources / "ChatEngineFFI.h").replace(headers / "ChatEngineFFI.h")
        (sources / "ChatEngineFFI.modulemap").replace(headers / "module.modulemap")


def wheel() -> None:
    """Packs the Python package. It loads the library by ctypes, so one wheel fits every Python of a platform."""
    for text in LICENSES:
        shutil.copy2(text, HERE / "python")
    options = [f"--config-settings=--build-option=--plat-name={wheel_platform()}", "--wheel-dir", HERE / "python" / "dist"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *options, HERE / "python"], check=True)


def wheel_platform() -> str:
    """What a wheel's name says of the platform; on Linux with the oldest libc that the library asks for, on a Mac with the
    oldest system that Rust builds for. There an interpreter may be for every processor, and the library is for one."""
    if sys.platform == "darwin":
        return "macosx_11_0_arm64" if platform.machine() == "arm64" else "macosx_10_12_x86_64"
    platform_name = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not platform_name.startswith("linux"):
        return platform_name
    machine = platform_name.removeprefix("linux_")
    return f"manylinux_2_34_{machine}" if platform.libc_ver()[0] == "glibc" else f"musllinux_1_2_{machine}"


def android() -> None:
    """The library for each ABI, where Android's build takes it from."""
    out = HERE / "kotlin" / "android" / "src" / "main" / "jniLibs"
    targets = [word for abi in ANDROID_ABIS for word in ("--target", abi)]
    build = ["build", *SHIPPED, "--lib", "-p", "chat-uniffi"]
    subprocess.run([CARGO, "ndk", *targets, "--platform", str(ANDROID_API), "--output-dir", out, *build], cwd=ROOT, check=True)


def xcframework() -> None:
    """One framework of the static libraries for each of Apple's platforms, for which Package.swift asks."""
    libraries = []
    for target in APPLE_TARGETS:
        subprocess.run([CARGO, "build", *SHIPPED, "--lib", "-p", "chat-uniffi", "--target", target], cwd=ROOT, check=True)
        library = ROOT / "target" / target / "shipped" / "libchat_engine.a"
        libraries += ["-library", library, "-headers", HERE / "swift" / "Headers"]
    out = HERE / "swift" / "ChatEngineFFI.xcframework"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(["xcodebuild", "-create-xcframework", *libraries, "-output", out], check=True)


def jna_platform() -> str:
    """The folder of a jar in which JNA looks for a library."""
    machine = platform.machine().lower()
    machine = {"x86_64": "x86-64", "amd64": "x86-64", "arm64": "aarch64"}.get(machine, machine)
    return f"{sys.platform}-{machine}"


if __name__ == "__main__":
    main()
