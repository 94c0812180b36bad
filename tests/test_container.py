"""The container files say what the project says. No image can be built here: this is what can be checked without."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


@pytest.mark.parametrize(("file", "target"), [("compose.yaml", "gpu"), ("compose.cpu.yaml", "cpu")])
def test_each_compose_file_builds_a_target_that_is_there_and_keeps_data_in_a_volume(file: str, target: str) -> None:
    compose = yaml.safe_load((ROOT / "docker" / file).read_text())

    service = compose["services"]["fairbrush"]

    assert service["build"]["target"] == target
    assert f"AS {target}\n" in DOCKERFILE
    assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    volume, path = service["volumes"][0].split(":")
    assert volume in compose["volumes"]
    assert f"FAIRBRUSH_DATA_DIR={path}" in DOCKERFILE


def test_only_the_gpu_image_asks_for_a_gpu() -> None:
    cpu, gpu = (yaml.safe_load((ROOT / "docker" / name).read_text()) for name in ("compose.cpu.yaml", "compose.yaml"))

    assert "deploy" not in cpu["services"]["fairbrush"]
    devices = gpu["services"]["fairbrush"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]


def test_both_images_run_as_a_user_of_their_own() -> None:
    stages = DOCKERFILE.split("FROM base AS ")[1:]

    assert [stage.strip().splitlines()[-1] for stage in stages] == ["USER fairbrush"] * 2


def test_the_image_installs_the_torch_that_the_project_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert re.findall(r"torch==\S+", DOCKERFILE) == [d for d in project["dependencies"] if d.startswith("torch==")]


def test_all_that_the_package_is_built_from_is_copied() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    copied = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)

    assert {*built["packages"], "pyproject.toml", "README.md", "LICENSE"} == {
        name for line in copied for name in line.split()
    }
