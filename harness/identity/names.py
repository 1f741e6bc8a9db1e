"""Name constraints of certification authorities. Source: RFC 5280 section 4.2.1.10."""

from urllib.parse import urlsplit

from cryptography import x509

from .certificate import Certificate

_Names = list[x509.GeneralName]


class NameConstraintError(ValueError):
    """A name below a certification authority lies outside what that authority may name."""


def check_names(constraints: x509.NameConstraints, certificate: Certificate) -> None:
    """Raise NameConstraintError unless every name of `certificate` is permitted and none is excluded.

    Directory names, host names of URIs and DNS names are judged; a constraint on another name form that the
    certificate carries is refused, because it cannot be judged.
    """
    names: _Names = [x509.DirectoryName(certificate.parsed.subject), *certificate.alternative_names]
    for name in names:
        permitted = [item for item in constraints.permitted_subtrees or () if type(item) is type(name)]
        excluded = [item for item in constraints.excluded_subtrees or () if type(item) is type(name)]
        if permitted and not any(_within(name, base) for base in permitted):
            raise NameConstraintError(f"{name.value} is outside the permitted names")
        if any(_within(name, base) for base in excluded):
            raise NameConstraintError(f"{name.value} is excluded")


def _within(name: x509.GeneralName, base: x509.GeneralName) -> bool:
    if isinstance(name, x509.DirectoryName) and isinstance(base, x509.DirectoryName):
        prefix = list(base.value.rdns)
        return list(name.value.rdns)[: len(prefix)] == prefix
    if isinstance(name, x509.DNSName) and isinstance(base, x509.DNSName):
        return _host_within("." + name.value, "." + base.value.lstrip("."))
    if isinstance(name, x509.UniformResourceIdentifier) and isinstance(base, x509.UniformResourceIdentifier):
        host = urlsplit(name.value).hostname
        if host is None:
            raise NameConstraintError(f"{name.value} has no host, so its constraint cannot be met")
        return _host_within(host, base.value)
    raise NameConstraintError(f"constraints on {type(name).__name__} are not supported")


def _host_within(host: str, base: str) -> bool:
    host, base = host.lower(), base.lower()
    return host.endswith(base) if base.startswith(".") else host == base
