"""Run once at each start: certificate, mail tree, Dovecot's configuration. Its own process, then gone.

python -m heliosphere.cli.house.prepare DIR BASE_PORT [--no-filters]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heliosphere.cli.house.component import House, module_exists
from heliosphere.cli.house.components.dovecot import config_file
from heliosphere.cli.house.places import Places, write
from heliosphere.cli.house.ports import LOOPBACK
from heliosphere.cli.house.setup import mail_hostname

CERTIFICATE_DAYS = 825


def main(argv: list[str]) -> int:
    house = House(Places(Path(argv[0])), base_port=int(argv[1]), with_filters="--no-filters" not in argv)
    prepare_mail(house)
    make_certificate(house, datetime.now(UTC))  # noqa: TID251 (a program owns the clock)
    if module_exists("heliosphere.mta.dovecot.config"):
        write_dovecot(house)
    return 0


def prepare_mail(house: House) -> None:
    from heliosphere.mta.store import VpopmailTree

    VpopmailTree(house.places.mail).ensure_layout(mail_hostname(house))
    control = house.places.mail / "qmail" / "control"
    for name, service in (("clamdsocket", "clamd"), ("spamdsocket", "spamd")):
        point_to(control / name, house.address(service) if house.with_filters else "")


def point_to(path: Path, address: str) -> None:
    """Where a filter listens. A place of the operator's own, on another host or a Unix socket, is kept."""
    found = path.read_text().strip() if path.exists() else ""
    is_ours = not found or found.startswith(f"{LOOPBACK}:")
    if is_ours and (found != address or not path.exists()):
        write(path, address + "\n", mode=0o644)


def certificate_file(house: House) -> Path:
    return house.places.mail / "qmail" / "control" / "servercert.pem"


def make_certificate(house: House, now: datetime) -> None:
    """Self-signed, key and certificate in one file as qmail has it; made again 30 days before its end."""
    path = certificate_file(house)
    if path.exists() and _days_left(path, now) > 30:
        return
    write(path, _new_certificate(mail_hostname(house), now), mode=0o600)


def _days_left(path: Path, now: datetime) -> int:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        return 0
    return (certificate.not_valid_after_utc - now).days


def _new_certificate(hostname: str, now: datetime) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname)])
    names = [x509.DNSName(hostname), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def write_dovecot(house: House) -> None:
    from heliosphere.mta.dovecot.config import dovecot_config

    run = house.places.run / "dovecot"
    for folder in (config_file(house).parent, run):
        folder.mkdir(exist_ok=True)
    if not (run / "dovecot.log").is_symlink():  # one log for what it says before and after it is up
        (run / "dovecot.log").symlink_to(house.places.log / "dovecot.log")
    text = dovecot_config(
        root=house.places.mail,
        run_dir=run,
        imap=house.port("imap"),
        imaps=house.port("imaps"),
        managesieve=house.port("sieve"),
        user=house.user,
        cert=certificate_file(house),
    )
    write(config_file(house), text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
