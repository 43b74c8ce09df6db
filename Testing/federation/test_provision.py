"""Start-up kits: certificates of one authority, and sites that let nothing else out."""

import json
import stat
import sys
from pathlib import Path

import pytest

pytest.importorskip("nvflare")
from cryptography import x509  # noqa: E402

from MultimodalSegLib.errors import InputError  # noqa: E402
from MultimodalSegLib.federation.provision import Kits, provision  # noqa: E402
from MultimodalSegLib.federation.site_file import place_of, read_site_file  # noqa: E402

ADMIN = "admin@example.org"


@pytest.fixture(scope="module")
def kits(tmp_path_factory) -> Kits:
    """Of a server and two sites."""
    folder = tmp_path_factory.mktemp("kits")
    return provision("consortium", "fed.example.org", ["north", "south"], ADMIN, folder, 8123)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_all_certificates_are_of_one_authority(kits) -> None:
    root = certificate(kits.server / "startup" / "rootCA.pem")
    found = [kits.server / "startup" / "server.crt", kits.admin / "startup" / "client.crt"]
    found += [kit / "startup" / "client.crt" for kit in kits.sites.values()]
    for path in found:
        certificate(path).verify_directly_issued_by(root)
    names = [certificate(path).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for path in found]
    assert names == ["fed.example.org", ADMIN, "north", "south"]
    start = json.loads((kits.sites["north"] / "startup" / "fed_client.json").read_text(encoding="utf-8"))
    assert start["client"]["connection_security"] == "mtls"
    assert start["servers"][0]["service"]["target"] == "fed.example.org:8123"


def test_a_site_sends_no_logs_takes_no_code_and_shows_no_files(kits) -> None:
    for name, kit in kits.sites.items():
        resources = json.loads((kit / "local" / "resources.json").read_text(encoding="utf-8"))
        assert resources["allow_log_streaming"] is False and "logging" not in json.dumps(resources["components"])
        assert resources["class_list_enforcement_mode"] == "enforce"
        assert resources["class_allow_list"] == ["MultimodalSegLib.federation.flare_site."]
        rights = json.loads((kit / "local" / "authorization.json").read_text(encoding="utf-8"))["permissions"]
        assert all(role.get("byoc", "none") == role.get("shell_commands", "none") == "none" for role in rights.values())
        assert all(role.get("view", "none") == "none" for role in rights.values())
        assert "OnlyWeightsAndMetrics" in (kit / "local" / "privacy.json").read_text(encoding="utf-8")
        assert read_site_file(place_of(kit / "local", name)).data == ""
    server = (kits.server / "local" / "resources.json").read_text(encoding="utf-8")
    assert "/tmp/nvflare" not in server and str(kits.server / "jobs") in server


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_private_keys_are_for_their_owner_alone(kits) -> None:
    project = kits.server.parent.parent
    assert stat.S_IMODE(project.stat().st_mode) == 0o700
    for path in [project / "state" / "cert.json", *project.rglob("*.key")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_site_that_comes_later_has_the_same_authority(kits) -> None:
    out = kits.server.parent.parent.parent
    later = provision("consortium", "fed.example.org", ["north", "south", "west"], ADMIN, out, 8123)
    root = certificate(kits.server / "startup" / "rootCA.pem")
    certificate(later.sites["west"] / "startup" / "client.crt").verify_directly_issued_by(root)


def test_names_that_cannot_be_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be the name of a site"):
        provision("consortium", "localhost", ["north/south"], ADMIN, tmp_path)
    with pytest.raises(InputError, match="FLARE does not accept"):
        provision("consortium", "localhost", ["north"], "no address", tmp_path)
