# SPDX-License-Identifier: GPL-3.0-or-later
"""docker/: the images are built and run, and compose.yaml fits them. Without an engine: see containers.py."""

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
import requests
import yaml
from harness import stun
from harness.otter_home import BAD_LINE
from harness.otter_client import PATIENCE_S
from install.containers import Builder, Container, why_not
from install.free_ports import free_ports
from install.two_people import make_room, meet

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"
UID = 10001  # of the Dockerfile
BUILD_LIMIT_S = 1200
LIMIT_S = 180


def instructions(name, after=""):
    """The words behind each instruction of that name in the Dockerfile, below the line `after`."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    text = text.partition(after)[2] if after else text
    return [line.split()[1:] for line in text.splitlines() if line.startswith(f"{name} ")]


# The images

@pytest.fixture(scope="module")
def images():
    reason = why_not()
    if reason:
        warnings.warn(f"no container was tested: {reason}")
        pytest.skip(reason)
    with Builder() as builder:
        builder.build(ROOT, DOCKERFILE, "turn")
        builder.build(ROOT, DOCKERFILE, "otter")
        yield builder


@pytest.fixture
def volumes(tmp_path):
    """What Docker makes of a new volume: a folder that belongs to the image's user."""
    made = {}
    for name in ("otter", "otter-turn"):
        (tmp_path / name).mkdir(mode=0o700)
        os.chown(tmp_path / name, UID, UID)
        made[tmp_path / name] = f"/var/lib/{name}"
    return made


@pytest.fixture
def settings():
    http, signaling, admin, turn = free_ports(4)
    return {"OTTER_HTTP_PORT": http, "OTTER_SIGNALING_PORT": signaling, "OTTER_ADMIN_PORT": admin, "OTTER_TURN_PORT": turn,
            "OTTER_PUBLIC_URL": f"http://127.0.0.1:{http}", "OTTER_RELAY_PORTS": "33000-33019"}


def check_log(container):
    assert not [line for line in container.text().splitlines() if BAD_LINE.search(line)], container.text()


@pytest.mark.deep
@pytest.mark.timeout(BUILD_LIMIT_S)
def test_the_two_images_work_together_and_two_people_meet(images, volumes, settings):
    api = settings["OTTER_PUBLIC_URL"] + "/v1"
    own = {here: there for here, there in volumes.items() if there == "/var/lib/otter-turn"}  # as in compose.yaml
    with Container(images, "turn", own, **settings) as turn, \
            Container(images, "otter", volumes, **settings, OTTER_TURN_HOST="127.0.0.1") as otter:
        for container, program in ((turn, "turnserver"), (otter, "janus")):
            process = container.program()
            assert (process.name(), process.uids()) == (program, (UID, UID, UID))
        assert requests.get(settings["OTTER_PUBLIC_URL"] + "/healthz", timeout=PATIENCE_S).status_code == 200
        assert "<script" in requests.get(settings["OTTER_PUBLIC_URL"], timeout=PATIENCE_S).text
        code, key = otter.run("cat", "/var/lib/otter/secrets/api.key")  # as compose.yaml says
        assert code == 0, key
        code, said = otter.run(*otter.config["Entrypoint"], "key", "list")  # and so
        assert code == 0 and "keys:admin" in said, said
        way_in = meet(api, make_room(api, key.strip()))
        assert way_in["signaling"][0]["url"] == f"ws://127.0.0.1:{settings['OTTER_SIGNALING_PORT']}"
        assert way_in["janus_token"]
        given = way_in["ice_servers"][-1]
        assert f"turn:127.0.0.1:{settings['OTTER_TURN_PORT']}?transport=udp" in given["urls"]
        port = stun.allocate(("127.0.0.1", settings["OTTER_TURN_PORT"]), given["username"], given["credential"])
        assert 33000 <= port <= 33019
    check_log(turn)
    check_log(otter)
    assert "Bye!" in otter.text()


@pytest.mark.deep
@pytest.mark.timeout(BUILD_LIMIT_S)
def test_rooms_and_keys_outlive_the_container_and_turn_is_optional(images, volumes, settings):
    api = settings["OTTER_PUBLIC_URL"] + "/v1"
    with Container(images, "otter", volumes, **settings) as first:
        _, key = first.run("cat", "/var/lib/otter/secrets/api.key")
        room = make_room(api, key.strip())
    with Container(images, "otter", volumes, **settings) as second:
        assert second.run("cat", "/var/lib/otter/secrets/api.key") == (0, key)
        way_in = meet(api, room)
        assert not any("turn:" in url for server in way_in["ice_servers"] for url in server["urls"])
        check_log(second)


@pytest.mark.deep
@pytest.mark.timeout(BUILD_LIMIT_S)
@pytest.mark.parametrize("wrong, reason", [
    ({"OTTER_PUBLIC_URL": "https://calls.example.org"}, "set OTTER_SIGNALING_URL too"),
    ({"OTTER_TURN_HOST": "127.0.0.1"}, "start coturn first"),
    ({"OTTER_HTTP_PORT": "no"}, "OTTER_HTTP_PORT is 'no': write a port")])
def test_a_wrong_setting_is_refused_in_one_line(images, volumes, settings, wrong, reason):
    container = Container(images, "otter", volumes, **{**settings, **wrong})
    code, said = container.run(*container.config["Entrypoint"], *container.config["Cmd"])
    lines = [line for line in said.splitlines() if line.startswith("otter: ")]
    assert code != 0 and len(lines) == 1 and reason in lines[0], said
    assert "Traceback" not in said


@pytest.mark.deep
@pytest.mark.timeout(BUILD_LIMIT_S)
def test_the_image_has_no_compiler_and_nothing_of_a_checkout_but_what_it_needs(images):
    container = Container(images, "otter", {})
    code, said = container.run("sh", "-c", "command -v gcc make; ls /src; find /opt/otter -type f")
    files = {line for line in said.splitlines() if line.startswith("/opt/otter/")}
    assert not re.search(r"^/usr/bin/", said, re.M) and "/src'" in said, said
    assert {Path(file).suffix for file in files} <= {".py", ".in", ".sh", ".yaml", "", ".dockerignore"}, files
    assert container.config["User"] == "otter" and list(container.config["Volumes"]) == ["/var/lib/otter"]


# Without building anything

def test_the_dockerfile_copies_only_what_is_there_and_let_through():
    allowed = {line[1:] for line in (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
               if line.startswith("!")}
    sources = [source for words in instructions("COPY") if not words[0].startswith("--from") for source in words[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert {source, *map(str, Path(source).parents)} & allowed, f"{source} is left out by Dockerfile.dockerignore"


def test_the_image_is_built_of_what_configure_is_told_about():
    """Who adds a folder to the build must add it to the Dockerfile too."""
    makefile = (ROOT / "Makefile.am").read_text(encoding="utf-8")
    used = {match.group(1) for match in re.finditer(r"(?<![\w/])([a-z]+)/[\w/.-]+\.(?:c|h|js|html|css|svg|sample)\b", makefile)}
    copied = {source for words in instructions("COPY", after="AS build") for source in words[:-1]}
    assert used - {"tests"} <= copied, used - copied


def test_compose_gives_each_image_its_volumes_and_ports():
    """By hand, as an engine would need it; docker-compose itself looks at it below."""
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert set(compose) == {"services", "volumes"}
    targets = {words[-1] for words in instructions("FROM") if len(words) == 3}
    for name, service in compose["services"].items():
        build = service["build"]
        assert (COMPOSE.parent / build["context"] / build["dockerfile"]).resolve() == DOCKERFILE
        assert build["target"] in targets
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert all(port.split(":")[0].startswith("${OTTER_") for port in service["ports"]), "loopback, unless told otherwise"
        assert set(service.get("depends_on", {})) <= set(compose["services"]) - {name}
    known = set(re.findall(r'(?:setting|number|listed)\("(\w+)"', (DOCKERFILE.parent / "furnish.py").read_text(encoding="utf-8")))
    for service in compose["services"].values():
        assert {name.removeprefix("OTTER_") for name in service["environment"]} <= known
    published = " ".join(compose["services"]["turn"]["ports"])
    relay = re.search(r'^RELAY_PORTS = "(.*)"$', (DOCKERFILE.parent / "furnish.py").read_text(encoding="utf-8"), re.M).group(1)
    assert f":{relay}:{relay}/udp" in published


@pytest.mark.timeout(LIMIT_S)
def test_docker_compose_accepts_the_file(tmp_path):
    program = shutil.which("docker-compose")
    if not program:
        reason = "docker-compose is not installed: compose.yaml was only read as YAML (apt-get install --no-install-recommends docker-compose)"
        warnings.warn(reason)
        pytest.skip(reason)
    done = subprocess.run([program, "-f", str(COMPOSE), "config"], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False, env={**os.environ, "OTTER_EXTERNAL_IP": "203.0.113.7"})
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert services["turn"]["environment"]["OTTER_EXTERNAL_IP"] == "203.0.113.7"
    assert services["otter"]["depends_on"] == {"turn": {"condition": "service_healthy"}}
