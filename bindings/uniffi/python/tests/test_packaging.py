"""What cannot be built everywhere at least says the same in all its places."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.append(str(ROOT))

import build  # noqa: E402

BOOK = ROOT.parent.parent / "docs" / "src" / "getting-started"


def test_android_is_built_with_the_versions_that_the_jvm_is_tested_with():
    pom = ElementTree.parse(ROOT / "kotlin" / "pom.xml")
    ns = {"m": "http://maven.apache.org/POM/4.0.0"}
    properties = {f"${{{item.tag.split('}')[1]}}}": item.text for item in pom.find("m:properties", ns)}
    versions = {}
    for dependency in pom.iterfind("m:dependencies/m:dependency", ns):
        version = dependency.findtext("m:version", namespaces=ns)
        versions[dependency.findtext("m:artifactId", namespaces=ns)] = properties.get(version, version)
    gradle = (ROOT / "kotlin" / "android" / "build.gradle.kts").read_text()
    assert f'net.java.dev.jna:jna:{versions["jna"]}@aar' in gradle
    assert f'kotlinx-coroutines-core:{versions["kotlinx-coroutines-core-jvm"]}"' in gradle
    assert f'id("org.jetbrains.kotlin.android") version "{versions["kotlin-stdlib"]}"' in gradle
    assert f"minSdk = {build.ANDROID_API}" in gradle
    for folder in re.search(r"srcDirs\((.*)\)", gradle)[1].split(", "):
        assert (ROOT / "kotlin" / "android" / folder.strip('"')).resolve().parent.is_dir(), folder


def test_the_book_names_every_platform_of_mobiles():
    kotlin, swift = (BOOK / "kotlin.md").read_text(), (BOOK / "swift.md").read_text()
    assert all(f"`{abi}`" in kotlin for abi in build.ANDROID_ABIS)
    assert f"API {build.ANDROID_API}" in kotlin
    assert all(target in swift for target in build.APPLE_TARGETS)
    assert all(f"`{target}`" in swift for target in {"x86_64-apple-ios", "x86_64-apple-darwin"} - set(build.APPLE_TARGETS))


def test_the_swift_package_asks_for_the_framework_that_is_made():
    package = (ROOT / "swift" / "Package.swift").read_text()
    (path,) = re.findall(r'binaryTarget\(name: "ChatEngineFFI", path: "(.*)"\)', package)
    assert f'"swift" / "{path}"' in pathlib.Path(build.__file__).read_text()


def test_a_wheel_for_a_mac_is_for_the_processor_that_its_library_is_for(monkeypatch):
    monkeypatch.setattr(build.sys, "platform", "darwin")
    monkeypatch.setattr(build.sysconfig, "get_platform", lambda: "macosx-10.9-universal2")
    for machine, said in {"arm64": "macosx_11_0_arm64", "x86_64": "macosx_10_12_x86_64"}.items():
        monkeypatch.setattr(build.platform, "machine", lambda machine=machine: machine)
        assert build.wheel_platform() == said


@pytest.mark.skipif(build.platform.libc_ver()[0] != "glibc", reason="not glibc")
def test_the_library_asks_for_no_newer_glibc_than_its_wheel_says():
    library = (ROOT / "python" / "chat_engine" / "libchat_engine.so").read_bytes()
    versions = {tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", library)}
    assert "manylinux_{}_{}_".format(*max(versions)) in build.wheel_platform()
